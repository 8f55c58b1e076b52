package dev.tensorarena.bench.windows;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collection;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

class GeneratedRowTest {
  private static final int IN_A_CALL = 1024;
  private static final int CALLS = 100;
  private static final int TRIES = 100;
  private static BenchmarkParams row;

  /** Remembers which row JMH runs. */
  public static final class Remember implements InternalProfiler {
    @Override
    public void beforeIteration(BenchmarkParams params, IterationParams iteration) {
      row = params;
    }

    @Override
    public Collection<? extends Result<?>> afterIteration(
        BenchmarkParams params, IterationParams iteration, IterationResult result) {
      return List.of();
    }

    @Override
    public String getDescription() {
      return "Which row it is";
    }
  }

  /** Else a window of such a row would be a thousand times as long as of another. */
  @Test
  void aShotIsTimedByCallsAndNotByTheOperationsThatARowHasInOne() throws RunnerException {
    new Runner(
            new OptionsBuilder()
                .include("AllocateInC.bump$")
                .forks(0)
                .warmupIterations(0)
                .measurementIterations(1)
                .measurementTime(TimeValue.milliseconds(1))
                .addProfiler(Remember.class.getName())
                .build(),
            OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT))
        .run();
    assertEquals(IN_A_CALL, row.getOpsPerInvocation(), "the row is no longer one for this test");
    GeneratedRow code = new GeneratedRow(row, 0);
    code.shoot(CALLS, false); // sets up

    double untold = Double.POSITIVE_INFINITY;
    for (int i = 0; i < TRIES; i++) {
      long start = System.nanoTime();
      double told = CALLS * code.shoot(CALLS, false);
      untold = Math.min(untold, (System.nanoTime() - start) / told);
    }

    code.shoot(1, true);
    double times = untold;
    assertTrue(times >= 1 && times < 100, () -> "shots took " + times + " times what they told");
  }
}
