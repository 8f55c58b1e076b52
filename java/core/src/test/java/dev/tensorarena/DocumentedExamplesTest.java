package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The Java code in the README and in the packages' descriptions, and the same code in each module's
 * {@code ExamplesTest}, which compiles and runs it. Blanks and line ends may differ.
 */
class DocumentedExamplesTest {
  private static final Path ROOT = Path.of("../..");
  private static final Pattern FENCED = Pattern.compile("(?s)```java\n(.*?)```");
  private static final Pattern IN_JAVADOC = Pattern.compile("(?s)<pre>\\{@code\n(.*?)}</pre>");
  private static final Pattern TESTED =
      Pattern.compile("(?s)// example\n(.*?)\n *// end of example\n");

  @Test
  void whatIsShownIsCodeThatTestsRun() throws IOException {
    List<String> shown = shown();
    assertFalse(shown.isEmpty());
    shown.removeAll(tested());
    assertEquals("", String.join("\n\n", shown), "shown, and in no ExamplesTest");
  }

  @Test
  void whatTestsRunAsAnExampleIsShown() throws IOException {
    List<String> tested = tested();
    assertFalse(tested.isEmpty());
    tested.removeAll(shown());
    assertEquals("", String.join("\n\n", tested), "in an ExamplesTest, and not shown");
  }

  private static List<String> shown() throws IOException {
    List<String> shown = examples(ROOT.resolve("README.md"), FENCED);
    for (Path file : javaFiles("package-info.java")) {
      shown.addAll(examples(file, IN_JAVADOC));
    }
    return shown;
  }

  private static List<String> tested() throws IOException {
    List<String> tested = new ArrayList<>();
    for (Path file : javaFiles("ExamplesTest.java")) {
      tested.addAll(examples(file, TESTED));
    }
    return tested;
  }

  private static List<Path> javaFiles(String name) throws IOException {
    try (Stream<Path> files = Files.walk(ROOT.resolve("java"))) {
      return files.filter(file -> file.endsWith(name)).toList();
    }
  }

  /** What a pattern finds, without blanks, line ends and the stars of javadoc. */
  private static List<String> examples(Path file, Pattern pattern) throws IOException {
    String text = Files.readString(file);
    return pattern
        .matcher(text)
        .results()
        .map(found -> found.group(1).replaceAll("(?m)^ \\*", "").replaceAll("\\s+", ""))
        .collect(ArrayList::new, List::add, List::addAll);
  }
}
