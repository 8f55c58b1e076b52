package dev.tensorarena.bench.phase1;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Collection;
import java.util.Locale;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs the rows in rounds, each round with a new JVM for each row. What a neighbour on the machine
 * takes for a minute thereby falls on one sample of many rows, and shows in their errors, rather
 * than on all samples of one. JMH's own words go into a log.
 */
final class RowRunner {
  private static final int ROUNDS = 3;

  private final Options settings;
  private final PrintStream progress;
  private final PrintStream log;
  private final int rounds;

  /**
   * For one run.
   *
   * @param settings what JMH shall do otherwise than the benchmarks say; its forks are the rounds
   * @param progress gets a line for each round, a dot for each row
   * @param log gets JMH's output
   */
  RowRunner(Options settings, PrintStream progress, PrintStream log) {
    this.settings = settings;
    this.progress = progress;
    this.log = log;
    this.rounds = Math.max(1, settings.getForkCount().orElse(ROUNDS));
  }

  Results run() throws RunnerException {
    Results results = new Results(rounds);
    long start = System.nanoTime();
    for (int round = 1; round <= rounds; round++) {
      progress.printf("round %d of %d ", round, rounds);
      for (Row row : Row.values()) {
        results.add(row, run(row));
        progress.print('.');
        progress.flush();
      }
      long taken = System.nanoTime() - start;
      progress.printf(" %s, about %s left%n", time(taken), time(taken / round * (rounds - round)));
    }
    return results;
  }

  private RunResult run(Row row) throws RunnerException {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .parent(settings)
            .include(row.include())
            .forks(Math.min(1, settings.getForkCount().orElse(ROUNDS)))
            .addProfiler(GCProfiler.class)
            .shouldFailOnError(true);
    if (row.parameter != null) {
      options.param(row.parameter, row.value);
    }
    Collection<RunResult> found =
        new Runner(
                options.build(), OutputFormatFactory.createFormatInstance(log, VerboseMode.NORMAL))
            .run();
    if (found.size() != 1) {
      throw new RunnerException(row + " is " + found.size() + " benchmarks");
    }
    return found.iterator().next();
  }

  private static String time(long nanoseconds) {
    Duration time = Duration.ofNanos(nanoseconds);
    return String.format(Locale.ROOT, "%d:%02d", time.toMinutes(), time.toSecondsPart());
  }
}
