package dev.tensorarena.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

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
  void aRowTakesAboutASecondOfEachJvm() throws CommandLineOptionException {
    for (Pace pace : new Pace[] {Pace.QUICK, Pace.QUICK_TWICE}) {
      Options options = set(pace, Mode.AverageTime);
      long iterations =
          options.getWarmupIterations().get() + options.getMeasurementIterations().get();
      assertEquals(TimeValue.milliseconds(100), options.getWarmupTime().get());
      assertEquals(TimeValue.milliseconds(100), options.getMeasurementTime().get());
      assertEquals(12, iterations);
    }
  }

  @Test
  void singleShotsAndWhatTheUserSetsAreLeftAlone() throws CommandLineOptionException {
    assertFalse(set(Pace.QUICK, Mode.SingleShotTime).getMeasurementIterations().hasValue());
    assertFalse(set(Pace.QUICK, Mode.AverageTime, "-i", "7").getMeasurementIterations().hasValue());
    assertFalse(set(Pace.AS_ANNOTATED, Mode.AverageTime).getMeasurementTime().hasValue());
  }
}
