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

/** Runs the rows one after another and says where it is; JMH's own words go into a log. */
final class RowRunner {
  private final Options settings;
  private final PrintStream progress;
  private final PrintStream log;

  /**
   * For one run.
   *
   * @param settings what JMH shall do otherwise than the benchmarks say
   * @param progress gets a line for each row
   * @param log gets JMH's output
   */
  RowRunner(Options settings, PrintStream progress, PrintStream log) {
    this.settings = settings;
    this.progress = progress;
    this.log = log;
  }

  Results run() throws RunnerException {
    Results results = new Results();
    Row[] rows = Row.values();
    long start = System.nanoTime();
    for (Row row : rows) {
      progress.printf(Locale.ROOT, "[%2d/%d] %-32s", row.ordinal() + 1, rows.length, row);
      progress.flush();
      results.put(row, run(row));
      int done = row.ordinal() + 1;
      long left = (System.nanoTime() - start) / done * (rows.length - done);
      progress.printf(
          Locale.ROOT,
          "%20s ns   %s%n",
          results.time(row),
          done == rows.length ? "" : "about " + minutes(Duration.ofNanos(left)) + " left");
    }
    return results;
  }

  private RunResult run(Row row) throws RunnerException {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .parent(settings)
            .include(row.include())
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

  private static String minutes(Duration time) {
    return String.format(Locale.ROOT, "%d:%02d", time.toMinutes(), time.toSecondsPart());
  }
}
