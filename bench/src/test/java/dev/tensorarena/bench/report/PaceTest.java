package dev.tensorarena.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;

class PaceTest {
  private static Job job(Mode mode, int rounds) {
    return new Job("bench.Question.row", "bench.Question", mode, Map.of(), rounds);
  }

  private static Options set(Pace pace, Mode mode, String... settings)
      throws CommandLineOptionException {
    OptionsBuilder options = new OptionsBuilder();
    pace.set(options, job(mode, 3), new CommandLineOptions(settings));
    return options.build();
  }

  @Test
  void theFullSetMeasuresEachRowInTwoJvmsAndTheShortOneInOne() {
    Job three = job(Mode.AverageTime, 3);
    assertEquals(3, Pace.AS_ANNOTATED.rounds(three));
    assertEquals(2, Pace.QUICK_TWICE.rounds(three));
    assertEquals(1, Pace.QUICK.rounds(three));
  }

  @Test
  void aRowThatAsksForOneJvmHasOne() {
    assertEquals(1, Pace.QUICK_TWICE.rounds(job(Mode.SingleShotTime, 1)));
  }

  @Test
  void windowsTakeTwoSecondsOfARowAndAThirdOfOneInTheShortSet() {
    assertEquals(Duration.ofMillis(300), Pace.QUICK.windows(1));
    assertEquals(Duration.ofSeconds(1), Pace.QUICK_TWICE.windows(2));
    assertEquals(Duration.ofSeconds(2), Pace.QUICK_TWICE.windows(1));
    assertEquals(Duration.ofMillis(666), Pace.AS_ANNOTATED.windows(3));
  }

  @Test
  void aRowTakesSomewhatOverASecondOfAJvmAndTwoInTheFullSet() throws CommandLineOptionException {
    assertEquals(Duration.ofMillis(1200), time(Pace.QUICK, 1));
    assertEquals(Duration.ofMillis(2200), time(Pace.QUICK_TWICE, 2));
  }

  private static Duration time(Pace pace, int rounds) throws CommandLineOptionException {
    Options options = set(pace, Mode.AverageTime);
    assertEquals(options.getWarmupTime().get(), options.getMeasurementTime().get());
    long iterations =
        options.getWarmupIterations().get() + options.getMeasurementIterations().get();
    long millis = iterations * options.getWarmupTime().get().convertTo(TimeUnit.MILLISECONDS);
    return pace.windows(rounds).plusMillis(millis);
  }

  @Test
  void singleShotsAndWhatTheUserSetsAreLeftAlone() throws CommandLineOptionException {
    assertFalse(set(Pace.QUICK, Mode.SingleShotTime).getMeasurementIterations().hasValue());
    assertFalse(set(Pace.QUICK, Mode.AverageTime, "-i", "7").getMeasurementIterations().hasValue());
    assertFalse(set(Pace.AS_ANNOTATED, Mode.AverageTime).getMeasurementTime().hasValue());
  }
}
