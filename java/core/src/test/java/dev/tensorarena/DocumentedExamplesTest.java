package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The Java code in the README, in the guide, in the recipes of INTEROP and in the packages'
 * descriptions, and the same code in tests whose names end in {@code ExamplesTest}, which compile
 * and run it. Blanks and line ends may differ.
 */
class DocumentedExamplesTest {
  private static final Path ROOT = Path.of("../..");
  private static final Pattern FENCED = Pattern.compile("(?s)```java\n(.*?)```");
  private static final Pattern IN_JAVADOC = Pattern.compile("(?s)<pre>\\{@code\n(.*?)}</pre>");
  private static final Pattern TESTED =
      Pattern.compile("(?s)// example\n(.*?)\n *// end of example\n");

  @Test
  void whatIsShownIsCodeThatTestsRun() throws IOException {
    Map<String, String> shown = shown();
    assertFalse(shown.isEmpty());
    shown.keySet().removeAll(tested().keySet());
    assertEquals("", String.join("\n", shown.values()), "shown, and in no ExamplesTest");
  }

  @Test
  void whatTestsRunAsAnExampleIsShown() throws IOException {
    Map<String, String> tested = tested();
    assertFalse(tested.isEmpty());
    tested.keySet().removeAll(shown().keySet());
    assertEquals("", String.join("\n", tested.values()), "in an ExamplesTest, and not shown");
  }

  private static Map<String, String> shown() throws IOException {
    Map<String, String> shown = new LinkedHashMap<>(examples(ROOT.resolve("README.md"), FENCED));
    shown.putAll(examples(ROOT.resolve("docs/GUIDE.md"), FENCED));
    shown.putAll(examples(ROOT.resolve("docs/INTEROP.md"), FENCED));
    for (Path file : javaFiles("package-info.java")) {
      shown.putAll(examples(file, IN_JAVADOC));
    }
    return shown;
  }

  private static Map<String, String> tested() throws IOException {
    Map<String, String> tested = new LinkedHashMap<>();
    for (Path file : javaFiles("ExamplesTest.java")) {
      tested.putAll(examples(file, TESTED));
    }
    return tested;
  }

  private static List<Path> javaFiles(String name) throws IOException {
    try (Stream<Path> files = Files.walk(ROOT.resolve("java"))) {
      return files.filter(file -> file.getFileName().toString().endsWith(name)).toList();
    }
  }

  /** What a pattern finds in a file, by the same without blanks, line ends and stars of javadoc. */
  private static Map<String, String> examples(Path file, Pattern pattern) throws IOException {
    String text = Files.readString(file).replaceAll("(?m)^ \\*", "");
    Map<String, String> examples = new LinkedHashMap<>();
    pattern
        .matcher(text)
        .results()
        .map(found -> found.group(1))
        .forEach(example -> examples.put(example.replaceAll("\\s+", ""), file + ":\n" + example));
    return examples;
  }
}
