package dev.tensorarena.bench.report;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures on the JVM that it runs on or on another, and writes the report of all results. */
@Command(
    name = "report",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Measures, and writes the report of this run and of those on other JDKs.")
public final class ReportCommand implements Callable<Integer> {
  @Option(
      names = "--set",
      defaultValue = "short",
      description = "Rows to measure: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private RowSet set;

  @Option(
      names = "--jvm",
      defaultValue = "",
      paramLabel = "<java>",
      description = "The java command of the JVM to measure on (default: the one that runs this).")
  private String jvm;

  @Option(
      names = "--only",
      defaultValue = "",
      paramLabel = "<regex>",
      description = "Only rows in whose names it is found, such as HandOff.share, stages 4.")
  private Pattern only;

  @Option(
      names = "--jmh",
      defaultValue = "",
      paramLabel = "<options>",
      description = "JMH's options, such as \"-f 1 -r 100ms\".")
  private String jmh;

  @Option(
      names = "--baseline",
      defaultValue = "",
      paramLabel = "<json>",
      description = "JMH's results of an earlier run on this machine and JDK, to compare with.")
  private Path baseline;

  @Option(
      names = "--folder",
      defaultValue = "",
      description =
          "Where results are kept and the report is written (default: report/ beside the jar, and"
              + " report/phase1/ for that set).")
  private Path folder;

  @Option(
      names = "--in-c",
      defaultValue = "",
      paramLabel = "<folder>",
      description = "Where the benchmarks in C were built (default: cmake/ beside the jar).")
  private Path inC;

  @Option(
      names = "--charts",
      defaultValue = "",
      paramLabel = "<folder>",
      description = "Also writes the charts that the README shows into this folder, as SVG.")
  private Path charts;

  @Spec private CommandSpec spec;

  private final PrintStream out;
  private final Build build;

  /**
   * Not run yet.
   *
   * @param out where tables and progress go
   * @param build what is measured
   */
  public ReportCommand(PrintStream out, Build build) {
    this.out = out;
    this.build = build;
  }

  /**
   * Has a command line say in a sentence what is wrong with its input.
   *
   * @param line the command line
   * @return the same
   */
  public static CommandLine withSentences(CommandLine line) {
    return line.setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler(
            (failure, command, parsed) -> {
              if (!(failure instanceof BadInputException)) {
                throw failure;
              }
              command.getErr().println(failure.getMessage());
              return command.getCommandSpec().exitCodeOnInvalidInput();
            });
  }

  @Override
  public Integer call() throws IOException {
    if (!jvm.isEmpty()) {
      return OtherJvm.run(jvm, spec.root().commandLine().getParseResult().originalArgs());
    }
    Path results = given(folder).orElseGet(this::defaultFolder);
    int jdk = Runtime.version().feature();
    Optional<Run> before = given(baseline).map(Run::read);
    before.ifPresent(run -> Comparison.check(run, jdk, Machine.here()));
    ProgramsInC programs =
        new ProgramsInC(given(inC).orElse(build.folder().resolve("cmake")), results);
    List<String> failures =
        set == RowSet.NONE
            ? List.of()
            : Quiet.errors(() -> measure(Run.file(results, jdk), programs));
    report(results, jdk, before, programs);
    failures.forEach(row -> out.println("Failed: " + row));
    return failures.isEmpty() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }

  /** Phase 1 has one of its own, so that it does not replace the results of all rows. */
  private Path defaultFolder() {
    Path report = build.folder().resolve("report");
    return set == RowSet.PHASE1 ? report.resolve(RowSet.PHASE1.toString()) : report;
  }

  /** The build gives an empty one for none. */
  private static Optional<Path> given(Path option) {
    return Optional.of(option).filter(path -> !path.toString().isEmpty());
  }

  private List<String> measure(Path json, ProgramsInC programs) throws IOException {
    List<Job> jobs =
        set.jobs().stream().filter(job -> only.matcher(job.toString()).find()).toList();
    List<String> inC = set == RowSet.PHASE1 ? List.of() : programs.named(only);
    if (jobs.isEmpty() && inC.isEmpty()) {
      throw new BadInputException("No row has \"" + only + "\" in its name");
    }
    List<String> failures = new ArrayList<>(programs.measure(inC, out));
    if (!jobs.isEmpty()) {
      RowRunner runner = new RowRunner(set.pace(), jmhOptions(), out);
      long start = System.nanoTime();
      Path log = json.resolveSibling(json.getFileName().toString().replace(".json", ".log"));
      runner.run(jobs, json, log);
      long seconds = (System.nanoTime() - start) / 1_000_000_000;
      failures.addAll(runner.failures());
      RunInfo.now(set.toString(), build.commit(), seconds, failures, runner.skipped()).write(json);
    }
    return failures;
  }

  private CommandLineOptions jmhOptions() {
    try {
      return new CommandLineOptions(jmh.isBlank() ? new String[0] : jmh.strip().split("\\s+"));
    } catch (CommandLineOptionException e) {
      throw new BadInputException(
          "JMH does not take the options \"" + jmh + "\": " + e.getMessage());
    }
  }

  private void report(Path results, int jdk, Optional<Run> before, ProgramsInC programs)
      throws IOException {
    List<Run> runs = Run.in(results);
    Optional<Comparison> comparison =
        before.map(earlier -> new Comparison(earlier, on(jdk, runs, results)));
    Report report =
        new Report(
            runs,
            programs.results().orElse(null),
            comparison.orElse(null),
            set == RowSet.PHASE1 ? Promise.phase1() : Promise.all(),
            missing(programs));
    report.write(results);
    if (set == RowSet.PHASE1) {
      runs.stream().filter(run -> run.jdk() == jdk).forEach(run -> Phase1Tables.print(run, out));
    }
    tell(report.promises());
    out.println(Promises.JUDGED);
    comparison.ifPresent(this::tell);
    missing(programs).forEach(out::println);
    if (given(charts).isPresent()) {
      report.writeCharts(charts).forEach(out::println);
    }
    out.println("The report: " + results.resolve(Report.PAGE).toAbsolutePath().normalize());
  }

  private List<String> missing(ProgramsInC programs) {
    return set == RowSet.PHASE1 ? List.of() : programs.missing();
  }

  private static Run on(int jdk, List<Run> runs, Path folder) {
    return runs.stream()
        .filter(run -> run.jdk() == jdk)
        .findFirst()
        .orElseThrow(
            () ->
                new BadInputException(
                    "There are no results of JDK " + jdk + " in " + folder + " to compare"));
  }

  private void tell(Comparison compared) {
    out.println();
    out.println(compared.summary());
    for (Table table : List.of(compared.slower(), compared.faster())) {
      if (!table.rows().isEmpty()) {
        tell(table);
      }
    }
  }

  private void tell(Table table) {
    out.println();
    out.println(table.caption());
    out.println(table.ascii());
    out.println();
  }
}
