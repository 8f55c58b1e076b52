package dev.tensorarena.bench.report;

import java.time.Duration;
import java.util.function.Consumer;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.util.Optional;

/** How long rows are measured. */
enum Pace {
  /** As the benchmarks say. */
  AS_ANNOTATED(Integer.MAX_VALUE, 2000, 0, 0),

  /** In two JVMs, each for a second and one of windows: errors are only believable over several. */
  QUICK_TWICE(2, 2000, 4, 8),

  /**
   * In one JVM and about a second with the windows, samples, which need their number, in five;
   * single shots as they say.
   */
  QUICK(1, 300, 3, 6);

  private static final TimeValue SHORT = TimeValue.milliseconds(100);

  private final int mostRounds;
  private final int windowMillis;
  private final int warmups;
  private final int measurements;

  Pace(int mostRounds, int windowMillis, int warmups, int measurements) {
    this.mostRounds = mostRounds;
    this.windowMillis = windowMillis;
    this.warmups = warmups;
    this.measurements = measurements;
  }

  /** In how many JVMs a row is measured, one in each round. */
  int rounds(Job job) {
    return Math.min(mostRounds, job.rounds());
  }

  /**
   * For how long a row is measured in windows, in each of its JVMs.
   *
   * @param rounds of the row
   */
  Duration windows(int rounds) {
    return Duration.ofMillis(windowMillis / rounds);
  }

  /** Sets what the user's settings leave open. */
  void set(ChainedOptionsBuilder options, Job job, Options settings) {
    if (this == AS_ANNOTATED || job.mode() == Mode.SingleShotTime) {
      return;
    }
    boolean sampled = job.mode() == Mode.SampleTime;
    TimeValue time = sampled ? TimeValue.seconds(1) : SHORT;
    unless(settings.getWarmupIterations(), options::warmupIterations, sampled ? 1 : warmups);
    unless(settings.getWarmupTime(), options::warmupTime, time);
    unless(
        settings.getMeasurementIterations(),
        options::measurementIterations,
        sampled ? 4 : measurements);
    unless(settings.getMeasurementTime(), options::measurementTime, time);
  }

  private static <T> void unless(Optional<T> given, Consumer<T> set, T value) {
    if (!given.hasValue()) {
      set.accept(value);
    }
  }
}
