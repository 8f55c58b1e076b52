package dev.tensorarena.bench.report;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.Options;

/**
 * Runs the rows of the original's first phase and prints its tables with ours beside them.
 *
 * <p>The first argument says which commit is measured; the others are JMH's, such as {@code -f 1 -r
 * 100ms}; {@code -o} names the log and {@code -rff} the file for the raw results.
 */
public final class Phase1 {
  private Phase1() {}

  /**
   * Measures and prints.
   *
   * @param args the commit, and JMH's
   * @throws CommandLineOptionException if JMH does not know one
   * @throws IOException if the log or the results cannot be written
   */
  public static void main(String... args) throws CommandLineOptionException, IOException {
    // The tables have a ± in them, whatever the locale.
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    String commit = args[0];
    Options options = new CommandLineOptions(Arrays.copyOfRange(args, 1, args.length));
    List<String> failures = Quiet.errors(() -> run(options, commit, out));
    if (!failures.isEmpty()) {
      failures.forEach(out::println);
      System.exit(1);
    }
  }

  /** Returns the rows that could not be measured. */
  static List<String> run(Options options, String commit, PrintStream out) throws IOException {
    Path log = Path.of(options.getOutput().orElse("phase1.log")).toAbsolutePath().normalize();
    Path json = Path.of(options.getResult().orElse("phase1.json")).toAbsolutePath().normalize();
    RowRunner runner = new RowRunner(Pace.AS_ANNOTATED, options, out);
    long start = System.nanoTime();
    Results results = runner.run(Plan.phase1(), json, log);
    long seconds = (System.nanoTime() - start) / 1_000_000_000;
    Run run =
        new Run(
            json,
            results,
            Optional.of(RunInfo.now("phase1", commit, seconds, List.of(), runner.skipped())));
    out.println();
    for (Table table : new Phase1Tables(results).all()) {
      print(table, out);
    }
    print(Promises.table(Promise.phase1(), List.of(run)), out);
    run.facts().forEach((name, value) -> out.printf("%-8s %s%n", name, value));
    out.printf(
        """

        The original's numbers are those of its README, a Rust library on a machine that it does not
        name: clone and share of a tensor, Vec::with_capacity, and a copy into its arena. Compare
        ratios. What each row does, and what it leaves out: bench/README.md.
        JMH's output: %s
        its results:  %s
        """,
        log, json);
    return runner.failures();
  }

  private static void print(Table table, PrintStream out) {
    out.println(table.caption());
    out.println(table.ascii());
    out.println();
  }
}
