package dev.tensorarena.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.tensorarena.ModularProgram;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What GraalVM is told of calls to C: it makes the code for each kind as it builds an image. */
class NativeImageTest {
  private static final Pattern CALLED =
      Pattern.compile("FunctionDescriptor\\.of(Void)?\\(([^()]*)\\)");
  private static final Pattern TOLD =
      Pattern.compile("\"returnType\": \"(\\w+)\", \"parameterTypes\": \\[([^]]*)]");

  @Test
  void everyKindOfCallIsNamedAndNoOther() throws Exception {
    String told =
        Files.readString(
            ModularProgram.home(Dlpack.class)
                .resolve("META-INF/native-image/dev.tensorarena/tensorarena-ffm")
                .resolve("reachability-metadata.json"));
    Set<String> named = new TreeSet<>();
    TOLD.matcher(told)
        .results()
        .forEach(of -> named.add(of.group(1) + "(" + of.group(2).replace("\"", "") + ")"));
    Set<String> called = new TreeSet<>();
    try (Stream<Path> files = Files.list(Path.of("src/main/java/dev/tensorarena/ffm"))) {
      for (Path file : files.toList()) {
        Matcher each = CALLED.matcher(Files.readString(file));
        while (each.find()) {
          called.add(kind(each.group(1) != null, each.group(2)));
        }
      }
    }
    assertFalse(called.isEmpty());
    assertEquals(called, named);
  }

  private static String kind(boolean isVoid, String layouts) {
    List<String> types = Stream.of(layouts.split(",\\s*")).map(NativeImageTest::type).toList();
    return isVoid
        ? "void(" + String.join(", ", types) + ")"
        : types.get(0) + types.stream().skip(1).collect(Collectors.joining(", ", "(", ")"));
  }

  private static String type(String layout) {
    if (layout.matches("(JAVA_)?LONG")) {
      return "jlong";
    }
    throw new AssertionError("how does GraalVM call a " + layout + "?");
  }
}
