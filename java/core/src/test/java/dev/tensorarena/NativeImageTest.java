package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What GraalVM is told in {@code META-INF/native-image}, held against the code: that it names all
 * that is looked up by name, and nothing that is not there.
 */
class NativeImageTest {
  private static final Path CLASSES = ModularProgram.home(Tensor.class);
  private static final Path TOLD =
      CLASSES.resolve("META-INF/native-image/dev.tensorarena/tensorarena");

  /** The methods that a file names, as {@code class.method(types)}. */
  private static Set<String> named(String file) throws IOException {
    Set<String> methods = new TreeSet<>();
    String owner = null;
    for (MatchResult found :
        matches(
            "\"name\": \"([\\w.$]+)\"(?:, \"parameterTypes\": \\[(.*)\\]\\})?",
            Files.readString(TOLD.resolve(file)))) {
      if (found.group(2) == null) {
        owner = found.group(1);
      } else {
        methods.add(owner + "." + found.group(1) + "(" + found.group(2).replace("\"", "") + ")");
      }
    }
    return methods;
  }

  private static List<MatchResult> matches(String pattern, String text) {
    return Pattern.compile(pattern).matcher(text).results().toList();
  }

  private static String name(Method method) {
    return Stream.of(method.getParameterTypes())
        .map(Class::getTypeName)
        .collect(
            Collectors.joining(
                ", ", method.getDeclaringClass().getName() + "." + method.getName() + "(", ")"));
  }

  @Test
  void everyNativeMethodIsNamed() throws Exception {
    Set<String> natives = new TreeSet<>();
    try (Stream<Path> files = Files.list(CLASSES.resolve("dev/tensorarena"))) {
      for (Path file : files.toList()) {
        String type = file.getFileName().toString().replace(".class", "");
        Class<?> loaded =
            Class.forName("dev.tensorarena." + type, false, Tensor.class.getClassLoader());
        Stream.of(loaded.getDeclaredMethods())
            .filter(method -> Modifier.isNative(method.getModifiers()))
            .forEach(method -> natives.add(name(method)));
      }
    }
    assertEquals(natives, named("jni-config.json"));
  }

  @Test
  void nativeCodeLooksUpNothingElse() throws Exception {
    String binding = Files.readString(Path.of("../../native/src/jni_binding.c"));
    List<String> lookups =
        matches(
                "\\(\\*env\\)->((?:Find|Get\\w*ID|GetObjectClass)\\w*)\\(env, \"?([^)\"]*)",
                binding)
            .stream()
            .map(found -> found.group(1) + " " + found.group(2))
            .toList();
    assertEquals(List.of("FindClass " + NativeArena.class.getName().replace('.', '/')), lookups);
  }

  @Test
  void whatIsReflectedOnIsNamed() throws Exception {
    String source = Files.readString(Path.of("src/main/java/dev/tensorarena/SegmentScope.java"));
    Set<String> called = new TreeSet<>();
    matches("getMethod\\(\"(\\w+)\"|\"(\\w+)\"[,}]", source)
        .forEach(found -> called.add(found.group(1) == null ? found.group(2) : found.group(1)));
    Set<String> named = named("reflect-config.json");
    assertEquals(
        called,
        named.stream()
            .map(method -> method.replaceAll(".*\\.(\\w+)\\(.*", "$1"))
            .collect(Collectors.toCollection(TreeSet::new)));
    if (Runtime.version().feature() >= 22) {
      Set<String> there = new TreeSet<>();
      for (String type : List.of("Arena", "MemorySegment", "MemorySegment$Scope")) {
        Stream.of(Class.forName("java.lang.foreign." + type).getMethods())
            .forEach(method -> there.add(name(method)));
      }
      named.forEach(method -> assertTrue(there.contains(method), method));
    }
  }

  @Test
  void theLibrariesAreResources() throws Exception {
    String text = Files.readString(TOLD.resolve("resource-config.json"));
    List<MatchResult> patterns = matches("\"pattern\": \"(.*)\"", text);
    assertEquals(1, patterns.size());
    Pattern pattern = Pattern.compile(patterns.get(0).group(1).replace("\\\\", "\\"));
    try (Stream<Path> files = Files.walk(CLASSES.resolve("natives"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String resource = CLASSES.relativize(file).toString();
        assertTrue(pattern.matcher(resource).matches(), resource);
      }
    }
    assertFalse(pattern.matcher("META-INF/LICENSE").matches());
  }

  @Test
  void itsClassesAreInitialisedAtRunTime() throws Exception {
    Properties properties = new Properties();
    try (var stream = Files.newInputStream(TOLD.resolve("native-image.properties"))) {
      properties.load(stream);
    }
    assertEquals(
        "--initialize-at-run-time=" + Tensor.class.getPackageName(),
        properties.getProperty("Args"));
  }
}
