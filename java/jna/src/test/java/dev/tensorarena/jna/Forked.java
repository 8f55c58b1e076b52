package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Programs of the tests in JVMs of their own. */
final class Forked {
  private Forked() {}

  /** How such a JVM is started. */
  static List<String> command(Class<?> main, String... jvmArguments) {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElseThrow());
    command.addAll(List.of(jvmArguments));
    command.addAll(List.of(libraries()));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    return command;
  }

  /** Options by which a JVM finds the libraries that this one has. */
  static String[] libraries() {
    return System.getProperties().stringPropertyNames().stream()
        .filter(name -> name.startsWith("jna.") || name.equals("tensorarena.library.path"))
        .map(name -> "-D" + name + "=" + System.getProperty(name))
        .toArray(String[]::new);
  }

  static void assertSucceeds(List<String> command) throws Exception {
    Process jvm = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, jvm.waitFor(), output);
  }
}
