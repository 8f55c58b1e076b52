package dev.tensorarena;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The {@code api.txt} of a module, which lists its public API. A test fails while the code has
 * another API, so that nobody changes an API by accident. {@code -Dapi.update=true} writes the
 * file.
 */
public final class ApiFile {
  private final Path file;

  ApiFile(Path file) {
    this.file = file;
  }

  /**
   * Compares the module's API with the file of the module whose tests run, or writes the file.
   *
   * @param oneOfItsTypes any type of the module
   * @throws AssertionError if they differ; the message lists the differences and has the command
   *     that writes the file
   * @throws IOException if the file cannot be read or written
   */
  public static void check(Class<?> oneOfItsTypes) throws IOException {
    new ApiFile(Path.of("api.txt").toAbsolutePath())
        .check(PublicApi.ofModule(oneOfItsTypes), Boolean.getBoolean("api.update"));
  }

  void check(List<String> api, boolean update) throws IOException {
    List<String> expected = new ArrayList<>(head());
    expected.addAll(api);
    if (update) {
      Files.write(file, expected);
      return;
    }
    List<String> written = Files.exists(file) ? Files.readAllLines(file) : List.of();
    if (!written.equals(expected)) {
      throw new AssertionError(message(written, expected));
    }
  }

  private String message(List<String> written, List<String> expected) {
    StringBuilder text = new StringBuilder("The public API is not what " + module());
    text.append("/api.txt says (- the file, + the code):\n");
    difference(written, expected).forEach(line -> text.append("- ").append(line).append('\n'));
    difference(expected, written).forEach(line -> text.append("+ ").append(line).append('\n'));
    text.append("If that is meant, write the file anew, and name the change in CHANGELOG.md:\n  ");
    return text.append(command()).toString();
  }

  private List<String> head() {
    return List.of(
        "# The public API of " + module() + ". A test compares it with the code; it is written by",
        "# " + command(),
        "");
  }

  private String command() {
    return "mvn test -pl "
        + module()
        + " -am -Dtest=PublicApiTest -Dsurefire.failIfNoSpecifiedTests=false -Dapi.update=true";
  }

  private String module() {
    return "java/" + file.getParent().getFileName();
  }

  /** Returns the lines that only the first list has; those of members with their type. */
  private static Set<String> difference(List<String> lines, List<String> without) {
    Set<String> difference = named(lines);
    difference.removeAll(named(without));
    return difference;
  }

  private static Set<String> named(List<String> lines) {
    Set<String> named = new LinkedHashSet<>();
    String type = "";
    for (String line : lines) {
      if (line.startsWith(" ")) {
        named.add(type + ": " + line.strip());
      } else if (!line.isEmpty() && !line.startsWith("#")) {
        type = line.replaceFirst("^.*?\\b(class|interface|enum|record) ([\\w.]+).*$", "$2");
        named.add(line);
      }
    }
    return named;
  }
}
