package dev.tensorarena.blas;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A JVM of the test's own JDK that ran a class: how it ended, and all that it printed. */
record Jvm(int exit, String output) {
  /**
   * Runs a class.
   *
   * @param environment variables that are added; those with an empty value are taken away
   * @param classPath what the JVM loads classes from
   * @param arguments what else it is started with
   */
  static Jvm run(
      Class<?> main, Map<String, String> environment, String classPath, List<String> arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", classPath, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(arguments);
    command.add(main.getName());
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    builder.environment().values().removeIf(String::isEmpty);
    Process process = builder.start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Jvm(process.waitFor(), output);
  }
}
