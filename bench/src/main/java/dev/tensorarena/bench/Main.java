package dev.tensorarena.bench;

import dev.tensorarena.bench.report.Build;
import dev.tensorarena.bench.report.ReportCommand;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;

/**
 * The jar's command line: {@code report}, and for everything else JMH's, with all rows that this
 * JVM can load.
 *
 * <p>The classes of {@code src/main/java22} are in the same jar and in the same list of benchmarks.
 * Their names end in {@code On22}, and on an older JVM their rows are left out.
 */
@Command(
    name = "benchmarks.jar",
    description = "Measures Tensor Arena beside its rivals.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    subcommands = HelpCommand.class,
    footer = {
      "",
      "Any other arguments are JMH's: -h lists its options, -l the rows,",
      "and a regular expression runs the rows whose names it finds."
    })
public final class Main {
  /** A regular expression that finds the benchmarks of JDK 22 and later, and no other. */
  public static final String ON_22 = "^dev\\.tensorarena\\.bench\\.\\w+On22\\.";

  private static final int WITH_FOREIGN_MEMORY = 22;

  /** Options that JMH, whose help is {@code -h}, does not know. */
  private static final List<String> OPTIONS = List.of("--help", "--version", "-V");

  private Main() {}

  /**
   * Runs a command of ours, or JMH.
   *
   * @param args see {@code --help}, and for JMH {@code -h}
   * @throws IOException as JMH does
   */
  public static void main(String... args) throws IOException {
    // Tables have a ± in them, whatever the locale.
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    CommandLine ours = commandLine(out, Build.here());
    if (args.length > 0
        && (ours.getSubcommands().containsKey(args[0]) || OPTIONS.contains(args[0]))) {
      System.exit(ours.execute(args));
    }
    org.openjdk.jmh.Main.main(withoutWhatCannotRun(args));
  }

  /**
   * Our commands.
   *
   * @param out where tables go
   * @param build what is measured
   */
  public static CommandLine commandLine(PrintStream out, Build build) {
    return ReportCommand.withSentences(
        new CommandLine(new Main()).addSubcommand(new ReportCommand(out, build)));
  }

  /** Says what is measured. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"Tensor Arena's benchmarks, commit " + Build.here().commit()};
    }
  }

  /** Whether the rows of {@link #ON_22} can run here. */
  public static boolean runs22() {
    return Runtime.version().feature() >= WITH_FOREIGN_MEMORY;
  }

  private static String[] withoutWhatCannotRun(String... args) {
    return runs22()
        ? args
        : Stream.concat(Arrays.stream(args), Stream.of("-e", ON_22)).toArray(String[]::new);
  }
}
