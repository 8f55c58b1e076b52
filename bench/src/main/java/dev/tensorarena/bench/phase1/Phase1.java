package dev.tensorarena.bench.phase1;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.openjdk.jmh.results.format.ResultFormatFactory;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.Options;

/**
 * Runs the rows of the original's first phase and prints its tables with ours beside them.
 *
 * <p>Arguments are JMH's, such as {@code -f 1 -r 100ms}; {@code -o} names the log and {@code -rff}
 * the file for the raw results.
 */
public final class Phase1 {
  private Phase1() {}

  /**
   * Measures and prints.
   *
   * @param args JMH's
   * @throws CommandLineOptionException if JMH does not know one
   * @throws RunnerException if a row fails; its log says why
   * @throws IOException if the log or the results cannot be written
   */
  public static void main(String... args)
      throws CommandLineOptionException, RunnerException, IOException {
    // The tables have a ± in them, whatever the locale.
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    PrintStream errors = System.err;
    // JDK 24 and later warn of JMH's use of Unsafe. What fails is thrown.
    System.setErr(new PrintStream(OutputStream.nullOutputStream()));
    try {
      run(new CommandLineOptions(args), out);
    } finally {
      System.setErr(errors);
    }
  }

  static void run(Options options, PrintStream out) throws RunnerException, IOException {
    Path log = fresh(options.getOutput().orElse("phase1.log"));
    Path json = fresh(options.getResult().orElse("phase1.json"));
    Results results = measure(options, out, log);
    try (PrintStream raw = new PrintStream(Files.newOutputStream(json), false, "UTF-8")) {
      ResultFormatFactory.getInstance(ResultFormatType.JSON, raw).writeOut(results.all());
    }
    Report report = new Report(results);
    out.printf(
        """

        A tensor of 10,000 f32 (40,000 B)
        %s

        A tensor of 1000 f32 (4000 B)
        %s

        What is promised, as ratios in this run
        %s

        %s
        The original's numbers are those of its README, a Rust library on a machine that it does not
        name: clone and share of a tensor, Vec::with_capacity, and a copy into its arena. Compare
        ratios. What each row does, and what it leaves out: bench/README.md.
        JMH's output: %s
        its results:  %s
        """,
        report.sharing(),
        report.allocating(),
        report.checks(),
        Machine.describe(results),
        log,
        json);
  }

  private static Results measure(Options options, PrintStream out, Path file)
      throws RunnerException, IOException {
    try (PrintStream log = new PrintStream(Files.newOutputStream(file), true, "UTF-8")) {
      return new RowRunner(options, out, log).run();
    }
  }

  private static Path fresh(String file) throws IOException {
    Path path = Path.of(file).toAbsolutePath().normalize();
    Files.createDirectories(path.getParent());
    return path;
  }
}
