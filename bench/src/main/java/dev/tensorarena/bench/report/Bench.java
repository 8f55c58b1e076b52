package dev.tensorarena.bench.report;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures on the JVM that it runs on, and writes the report of all that was measured. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = "Measures, and writes the report of this run and of those on other JDKs.")
public final class Bench implements Callable<Integer> {
  /** Which rows are measured. */
  enum RowSet {
    /** Enough to answer every question and show every promise, each row in one JVM. */
    SHORT,
    /** All, each in two JVMs. */
    FULL,
    /** None: the report is written of the results that are there. */
    NONE
  }

  @Option(
      names = "--set",
      defaultValue = "SHORT",
      description = "Rows to measure: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private RowSet set;

  @Option(
      names = "--folder",
      required = true,
      description = "Where results are kept and the report is written.")
  private Path folder;

  @Option(
      names = "--baseline",
      description = "JMH's results of an earlier run on this machine, to compare with.")
  private Path baseline;

  @Option(
      names = "--in-c",
      defaultValue = "",
      description = "A folder with the results of the benchmarks that are programs in C, if any.")
  private Path inC;

  @Option(names = "--commit", defaultValue = "", description = "What is measured.")
  private String commit;

  @Option(
      names = "--only",
      defaultValue = "",
      description = "A regular expression; rows without it in their name are left out.")
  private Pattern only;

  @Option(
      names = "--jmh",
      defaultValue = "",
      description = "JMH's options, such as \"-f 1 -r 100ms\".")
  private String jmh;

  private final PrintStream out;

  private Bench(PrintStream out) {
    this.out = out;
  }

  /**
   * Measures and reports.
   *
   * @param args see {@code --help}
   */
  public static void main(String... args) {
    // Tables have a ± in them, whatever the locale.
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.exit(commandLine(out).execute(args));
  }

  /** With bad input told in a sentence. */
  static CommandLine commandLine(PrintStream out) {
    return new CommandLine(new Bench(out))
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler(
            (failure, line, parsed) -> {
              if (!(failure instanceof BadInputException)) {
                throw failure;
              }
              line.getErr().println(failure.getMessage());
              return line.getCommandSpec().exitCodeOnInvalidInput();
            });
  }

  @Override
  public Integer call() throws IOException {
    int jdk = Runtime.version().feature();
    Optional<Run> before = given(baseline).map(Run::read);
    before.ifPresent(run -> Comparison.check(run, jdk, Machine.here()));
    List<String> failures =
        set == RowSet.NONE ? List.of() : Quiet.errors(() -> measure(Run.file(folder, jdk)));
    List<Run> runs = Run.in(folder);
    Optional<Comparison> comparison = before.map(run -> new Comparison(run, on(jdk, runs)));
    Report report =
        new Report(runs, given(inC).flatMap(Run::inC).orElse(null), comparison.orElse(null));
    report.write(folder);
    tell(report, comparison);
    failures.forEach(row -> out.println("Failed: " + row));
    return failures.isEmpty() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }

  /** The build gives an empty one for none. */
  private static Optional<Path> given(Path option) {
    return Optional.ofNullable(option).filter(path -> !path.toString().isEmpty());
  }

  private Run on(int jdk, List<Run> runs) {
    return runs.stream()
        .filter(run -> run.jdk() == jdk)
        .findFirst()
        .orElseThrow(
            () ->
                new BadInputException(
                    "There are no results of JDK " + jdk + " in " + folder + " to compare"));
  }

  private List<String> measure(Path json) throws IOException {
    List<Job> jobs =
        (set == RowSet.FULL ? Plan.full() : Plan.quick())
            .stream().filter(job -> only.matcher(job.toString()).find()).toList();
    if (jobs.isEmpty()) {
      throw new BadInputException("No row has \"" + only + "\" in its name");
    }
    Pace pace = set == RowSet.FULL ? Pace.QUICK_TWICE : Pace.QUICK;
    RowRunner runner = new RowRunner(pace, jmhOptions(), out);
    long start = System.nanoTime();
    Path log = json.resolveSibling(json.getFileName().toString().replace(".json", ".log"));
    runner.run(jobs, json, log);
    long seconds = (System.nanoTime() - start) / 1_000_000_000;
    String name = set.name().toLowerCase(Locale.ROOT);
    RunInfo.now(name, commit, seconds, runner.failures(), runner.skipped()).write(json);
    return runner.failures();
  }

  private CommandLineOptions jmhOptions() {
    try {
      return new CommandLineOptions(jmh.isBlank() ? new String[0] : jmh.strip().split("\\s+"));
    } catch (CommandLineOptionException e) {
      throw new BadInputException(
          "JMH does not take the options \"" + jmh + "\": " + e.getMessage());
    }
  }

  private void tell(Report report, Optional<Comparison> comparison) {
    out.println();
    out.println(report.promises().caption());
    out.println(report.promises().ascii());
    comparison.ifPresent(
        compared -> {
          out.println();
          out.println(compared.summary());
          for (Table table : List.of(compared.slower(), compared.faster())) {
            if (!table.rows().isEmpty()) {
              out.println();
              out.println(table.caption());
              out.println(table.ascii());
            }
          }
        });
    out.println();
    out.println("The report: " + folder.resolve(Report.PAGE).toAbsolutePath().normalize());
  }
}
