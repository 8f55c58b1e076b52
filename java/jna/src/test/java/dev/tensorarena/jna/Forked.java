package dev.tensorarena.jna;

import dev.tensorarena.ForkedJvm;
import java.util.ArrayList;
import java.util.List;

/** Programs of the tests in JVMs of their own. */
final class Forked {
  private Forked() {}

  /** Runs a main class, and fails if it fails. */
  static void run(Class<?> main, String... jvmArguments) throws Exception {
    List<String> arguments = new ArrayList<>(List.of(jvmArguments));
    arguments.addAll(List.of(libraries()));
    ForkedJvm.run(ForkedJvm.command(main, arguments));
  }

  /** Options by which a JVM finds the libraries that this one has. */
  static String[] libraries() {
    return System.getProperties().stringPropertyNames().stream()
        .filter(name -> name.startsWith("jna.") || name.equals("tensorarena.library.path"))
        .map(name -> "-D" + name + "=" + System.getProperty(name))
        .toArray(String[]::new);
  }
}
