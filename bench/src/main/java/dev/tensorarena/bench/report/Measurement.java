package dev.tensorarena.bench.report;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import dev.tensorarena.bench.windows.LeastOfWindows;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An entry of JMH's JSON: a benchmark with its parameters, how it was run, what came out. */
@JsonIgnoreProperties(ignoreUnknown = true)
record Measurement(
    String benchmark,
    String mode,
    int threads,
    int forks,
    String jvm,
    List<String> jvmArgs,
    String jdkVersion,
    String vmName,
    String vmVersion,
    String jmhVersion,
    int warmupIterations,
    String warmupTime,
    int measurementIterations,
    String measurementTime,
    Map<String, String> params,
    Metric primaryMetric,
    Map<String, Metric> secondaryMetrics) {
  private static final String BYTES = "gc.alloc.rate.norm";
  private static final String PERCENTILE = "p";
  private static final String SINGLE_SHOT = "ss";
  private static final String SHORTEST = "0.0";

  /** Per byte: what is finer is other threads' of the JVM. */
  private static final double PRECISION = 10;

  Measurement {
    params = params == null ? Map.of() : params;
    jvmArgs = jvmArgs == null ? List.of() : jvmArgs;
    secondaryMetrics = secondaryMetrics == null ? Map.of() : secondaryMetrics;
  }

  /** A score with its 99.9 % error, NaN for a single sample, and percentiles if it was sampled. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  record Metric(
      double score, double scoreError, String scoreUnit, Map<String, Double> scorePercentiles) {
    Figure figure() {
      return Figure.measured(score, scoreError);
    }
  }

  /** As in {@code Share}: what the benchmark's class asks. */
  String question() {
    return Row.question(benchmark);
  }

  /** As in {@code copy}. */
  String method() {
    return benchmark.substring(benchmark.lastIndexOf('.') + 1);
  }

  /** Time per operation, or operations per time. */
  Figure score() {
    return primaryMetric.figure();
  }

  /**
   * Time per operation in the shortest of many windows, or operations per time. Where JMH times
   * single operations, which are longer than a window, it is the shortest of them.
   */
  Optional<Figure> least() {
    Metric windows = secondaryMetrics.get(LeastOfWindows.LEAST);
    if (windows != null) {
      return Optional.of(Figure.exact(windows.score()));
    }
    return SINGLE_SHOT.equals(mode) || isSampled() ? percentile(SHORTEST) : Optional.empty();
  }

  String unit() {
    return primaryMetric.scoreUnit();
  }

  /** Whether more is better. */
  boolean isThroughput() {
    return "thrpt".equals(mode);
  }

  /** Whether single operations were timed, so that there are percentiles of them. */
  boolean isSampled() {
    return "sample".equals(mode);
  }

  /** Bytes of heap allocated per operation. */
  Optional<Figure> bytes() {
    return Optional.ofNullable(secondaryMetrics.get(BYTES))
        .map(bytes -> Figure.exact(Math.rint(bytes.score() * PRECISION) / PRECISION));
  }

  /**
   * A metric by name.
   *
   * @param name null for the score; {@code bytes}; {@code p99.9} for a percentile; or a counter of
   *     the benchmark's own or of a profiler
   */
  Optional<Figure> metric(String name) {
    if (name == null) {
      return Optional.of(score());
    }
    if (name.equals("bytes")) {
      return bytes();
    }
    if (secondaryMetrics.containsKey(name)) {
      return Optional.of(secondaryMetrics.get(name).figure());
    }
    return name.startsWith(PERCENTILE)
        ? percentile(name.substring(PERCENTILE.length()))
        : Optional.empty();
  }

  private Optional<Figure> percentile(String percent) {
    return Optional.ofNullable(primaryMetric.scorePercentiles())
        .map(all -> all.get(percent))
        .map(Figure::exact);
  }

  /** Whether the other is the same benchmark, run in the same way. */
  boolean isSameRow(Measurement other) {
    return benchmark.equals(other.benchmark)
        && params.equals(other.params)
        && mode.equals(other.mode)
        && threads == other.threads;
  }

  /** As in {@code Free.reset, tensors 10}. */
  String label() {
    String label = Row.label(benchmark, params);
    return threads > 1 ? label + ", " + threads + " threads" : label;
  }
}
