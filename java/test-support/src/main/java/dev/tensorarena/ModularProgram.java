package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A program that is a module, as a test writes it: compiled, and run from the module path or linked
 * into an image. Both need no warning to be printed, since the output is all that the JVM says.
 */
public final class ModularProgram {
  private final Path folder;
  private final String modulePath;
  private final String modules;

  /**
   * Compiles the program.
   *
   * @param folder an empty one
   * @param modules those that it requires, and that may call native code
   * @param statements what it does
   * @param onModulePath a class of each jar or folder of classes on the module path
   */
  public ModularProgram(
      Path folder, List<String> modules, String statements, List<Class<?>> onModulePath)
      throws IOException {
    this.folder = folder;
    this.modules = String.join(",", modules);
    modulePath =
        Stream.concat(
                onModulePath.stream().map(ModularProgram::home), Stream.of(folder.resolve("app")))
            .map(Path::toString)
            .collect(Collectors.joining(File.pathSeparator));
    Path descriptor =
        Files.writeString(
            folder.resolve("module-info.java"),
            modules.stream()
                .map(module -> "requires " + module + ";")
                .collect(Collectors.joining("", "module app {", "}")));
    Path main =
        Files.writeString(
            folder.resolve("Main.java"),
            "package app; public class Main { public static void main(String[] args) {"
                + statements
                + "}}");
    String output = folder.resolve("app").toString();
    call("javac", "-p", modulePath, "-d", output, descriptor.toString(), main.toString());
  }

  /** Returns the jar or the folder that a class is loaded from. */
  public static Path home(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(type.getName(), e);
    }
  }

  /** Runs it from the module path on the test's own JDK, and returns what it prints. */
  public String run(String... options) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(options));
    command.addAll(List.of("-p", modulePath, "--enable-native-access=" + modules));
    command.addAll(List.of("-m", "app/app.Main"));
    return java(Path.of(System.getProperty("java.home")), command);
  }

  /** Links an image of it and of no more of the JDK than it needs, and runs that. */
  public String runLinked() throws IOException, InterruptedException {
    List<String> arguments = toLink();
    arguments.add("--add-options=--enable-native-access=" + modules); // of JDK 22 and later
    call("jlink", arguments.toArray(String[]::new));
    return java(folder.resolve("image"), List.of("-m", "app/app.Main"));
  }

  /** Fails unless {@code jlink} refuses an image of it, because of one module that is automatic. */
  public void assertNotLinked(String automatic) {
    StringWriter said = new StringWriter();
    PrintWriter out = new PrintWriter(said);
    ToolProvider jlink = ToolProvider.findFirst("jlink").orElseThrow();
    int result = jlink.run(out, out, toLink().toArray(String[]::new));
    assertNotEquals(0, result, () -> "linked: " + modulePath);
    String reason = "automatic module cannot be used with jlink: " + automatic;
    assertTrue(said.toString().contains(reason), said::toString);
  }

  private List<String> toLink() {
    String image = folder.resolve("image").toString();
    return new ArrayList<>(
        List.of("--module-path", modulePath, "--add-modules", "app", "--output", image));
  }

  /** Runs the {@code java} of a JDK or an image, which must end well. */
  public static String java(Path home, List<String> arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(arguments);
    command.add(0, home.resolve("bin").resolve("java").toString());
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), () -> command + ":\n" + output);
    return output;
  }

  private static void call(String tool, String... arguments) {
    PrintWriter out = new PrintWriter(System.out, true);
    ToolProvider found = ToolProvider.findFirst(tool).orElseThrow();
    assertEquals(0, found.run(out, out, arguments), () -> tool + " " + List.of(arguments));
  }
}
