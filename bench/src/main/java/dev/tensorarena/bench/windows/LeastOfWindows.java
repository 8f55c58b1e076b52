package dev.tensorarena.bench.windows;

import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.Aggregator;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.ScalarResult;
import org.openjdk.jmh.runner.IterationType;

/**
 * Measures a row once more after its last iteration, as the least of many short {@link Windows}.
 *
 * <p>What a neighbour on the machine takes makes a mean longer, and never makes a window shorter:
 * of windows that are short enough, some lie between the disturbances, and the least of them says
 * what the code takes when it is left alone. So it also leaves out what happens seldom, above all
 * the collections.
 *
 * <p>Rows whose single operations JMH times (single shots, percentiles) are left to JMH, whose
 * shortest one is their least.
 */
public final class LeastOfWindows implements InternalProfiler {
  /** The name of the result, among those of the profilers. */
  public static final String LEAST = "least";

  private static final String DEFAULT = "2000";

  private final Duration time;
  private int iterations;

  /** For JMH's command line: two seconds of windows. */
  public LeastOfWindows() {
    this(DEFAULT);
  }

  /**
   * For JMH.
   *
   * @param millis of windows, for each JVM of a row
   */
  public LeastOfWindows(String millis) {
    this.time = Duration.ofMillis(Long.parseLong(millis.isBlank() ? DEFAULT : millis));
  }

  @Override
  public String getDescription() {
    return "The least of many short windows";
  }

  @Override
  public void beforeIteration(BenchmarkParams row, IterationParams iteration) {
    // The windows come after JMH's own iterations.
  }

  @Override
  public Collection<? extends Result<?>> afterIteration(
      BenchmarkParams row, IterationParams iteration, IterationResult result) {
    if (iteration.getType() != IterationType.MEASUREMENT) {
      return List.of();
    }
    iterations++;
    boolean last = iterations == iteration.getCount();
    boolean timed = row.getMode() == Mode.AverageTime || row.getMode() == Mode.Throughput;
    if (!last || !timed) {
      return List.of();
    }
    double nanos = new Windows(row).least(time);
    double unit = row.getTimeUnit().toNanos(1);
    String name = result.getPrimaryResult().getScoreUnit();
    return List.of(
        row.getMode() == Mode.AverageTime
            ? new Least(nanos / unit, name, AggregationPolicy.MIN)
            : new Least(row.getThreads() * unit / nanos, name, AggregationPolicy.MAX));
  }

  /** A result that only the last iteration of a JVM has, and of all JVMs the best. */
  private static final class Least extends ScalarResult {
    private static final long serialVersionUID = 1L;
    private static final Comparator<ScalarResult> BY_SCORE =
        Comparator.comparingDouble(ScalarResult::getScore);

    private final AggregationPolicy policy;

    Least(double value, String unit, AggregationPolicy policy) {
      super(LEAST, value, unit, policy);
      this.policy = policy;
    }

    /** For the other iterations there is nothing, where JMH would take a zero. */
    @Override
    protected ScalarResult getZeroResult() {
      return null;
    }

    @Override
    protected Aggregator<ScalarResult> getThreadAggregator() {
      return this::best;
    }

    @Override
    protected Aggregator<ScalarResult> getIterationAggregator() {
      return this::best;
    }

    private ScalarResult best(Collection<ScalarResult> all) {
      return policy == AggregationPolicy.MIN
          ? Collections.min(all, BY_SCORE)
          : Collections.max(all, BY_SCORE);
    }
  }
}
