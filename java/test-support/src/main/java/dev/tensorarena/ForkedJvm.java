package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A main class of the tests in a JVM of its own, with the class path of this one. */
public final class ForkedJvm {
  private ForkedJvm() {}

  /** Returns how such a JVM is started, for a command around it or arguments behind it. */
  public static List<String> command(Class<?> main, List<String> jvmArguments) {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElseThrow());
    command.addAll(jvmArguments);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    return command;
  }

  /** Runs a main class, fails if it fails, and returns what it has printed. */
  public static String run(Class<?> main, String... jvmArguments) throws Exception {
    return run(command(main, List.of(jvmArguments)));
  }

  /** Does the same with a command. */
  public static String run(List<String> command) throws Exception {
    Process jvm = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, jvm.waitFor(), output);
    return output;
  }
}
