package dev.tensorarena.bench.report;

import dev.tensorarena.bench.Main;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The same command on another JVM, in a process of its own that writes to the same terminal. */
final class OtherJvm {
  private static final String OPTION = "--jvm";

  private OtherJvm() {}

  /**
   * Runs it to its end.
   *
   * @param java the JVM's command
   * @param args of this command line
   * @return its exit code
   */
  static int run(String java, List<String> args) {
    List<String> command = new ArrayList<>();
    command.add(java);
    command.add("--enable-native-access=ALL-UNNAMED");
    // JMH reads it, and it may be set for this JVM alone.
    Optional.ofNullable(System.getProperty("jmh.ignoreLock"))
        .ifPresent(value -> command.add("-Djmh.ignoreLock=" + value));
    command.addAll(List.of("-classpath", System.getProperty("java.class.path")));
    command.add(Main.class.getName());
    command.addAll(withoutOption(args));
    try {
      return new ProcessBuilder(command).inheritIO().start().waitFor();
    } catch (IOException e) {
      throw new BadInputException("Cannot run " + java + " as a JVM: " + e.getMessage());
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted while " + java + " measured", e);
    }
  }

  /** It is given as one argument or as two. */
  private static List<String> withoutOption(List<String> args) {
    List<String> others = new ArrayList<>();
    for (int i = 0; i < args.size(); i++) {
      if (args.get(i).equals(OPTION)) {
        i++;
      } else if (!args.get(i).startsWith(OPTION + "=")) {
        others.add(args.get(i));
      }
    }
    return others;
  }
}
