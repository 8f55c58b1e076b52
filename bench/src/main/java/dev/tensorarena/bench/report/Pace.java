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

  private static final TimeValue SHORT = TimeValue.milliseconds(100);

  int rounds(Job job) {
    return this == QUICK ? 1 : job.rounds();
  }

  /** Sets what the user's settings leave open. */
  void set(ChainedOptionsBuilder options, Job job, Options settings) {
    if (this == AS_ANNOTATED || job.mode() == Mode.SingleShotTime) {
      return;
    }
    boolean sampled = job.mode() == Mode.SampleTime;
    TimeValue time = sampled ? TimeValue.seconds(1) : SHORT;
    unless(settings.getWarmupIterations(), options::warmupIterations, sampled ? 2 : 4);
    unless(settings.getWarmupTime(), options::warmupTime, time);
    unless(settings.getMeasurementIterations(), options::measurementIterations, sampled ? 4 : 8);
    unless(settings.getMeasurementTime(), options::measurementTime, time);
  }

  private static <T> void unless(Optional<T> given, Consumer<T> set, T value) {
    if (!given.hasValue()) {
      set.accept(value);
    }
  }
}
