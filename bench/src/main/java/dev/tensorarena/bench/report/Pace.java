package dev.tensorarena.bench.report;

import java.util.function.Consumer;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.util.Optional;

/** How long rows are measured. */
enum Pace {
  /** As the benchmarks say. */
  AS_ANNOTATED,
  /**
   * In one JVM and about two seconds; single shots and samples, which need their number, as they
   * say.
   */
  QUICK;

  private static final int WARMUPS = 5;
  private static final int ITERATIONS = 10;
  private static final TimeValue TIME = TimeValue.milliseconds(100);

  int rounds(Job job) {
    return this == QUICK ? 1 : job.rounds();
  }

  /** Sets what the user's settings leave open. */
  void set(ChainedOptionsBuilder options, Job job, Options settings) {
    if (this == QUICK && (job.mode() == Mode.AverageTime || job.mode() == Mode.Throughput)) {
      unless(settings.getWarmupIterations(), options::warmupIterations, WARMUPS);
      unless(settings.getWarmupTime(), options::warmupTime, TIME);
      unless(settings.getMeasurementIterations(), options::measurementIterations, ITERATIONS);
      unless(settings.getMeasurementTime(), options::measurementTime, TIME);
    }
  }

  private static <T> void unless(Optional<T> given, Consumer<T> set, T value) {
    if (!given.hasValue()) {
      set.accept(value);
    }
  }
}
