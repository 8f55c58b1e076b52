package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * The tests of misuse under every compiler and collector, and under the JVM's checks of native
 * code, each in a JVM of its own that prints nothing at all. With {@code -Preliability} all of
 * them, else one; on the JDK that runs this, which the build does on two.
 */
class MisuseMatrixTest {
  private static final List<String> TESTS =
      Stream.of(
              MisuseTableTest.class,
              LivenessGateTest.class,
              OwnerThreadTest.class,
              FrozenTest.class,
              ScopeTest.class,
              ShareTest.class,
              CloseKeepingTest.class)
          .map(Class::getName)
          .toList();

  private static final List<String> COMPILERS =
      List.of("-Xint", "-XX:TieredStopAtLevel=1", "-XX:-TieredCompilation", "-Xcheck:jni");

  private static final List<String> COLLECTORS =
      List.of("-XX:+UseParallelGC", "-XX:+UseG1GC", "-XX:+UseZGC");

  @TempDir Path folder;

  @TestFactory
  @Tag("reliability")
  Stream<DynamicTest> misuseIsRefusedAlikeEverywhere() {
    boolean all = Boolean.getBoolean("reliability.matrix");
    List<String> compilers = all ? COMPILERS : List.of("-Xcheck:jni");
    List<String> collectors = all ? COLLECTORS : List.of("-XX:+UseG1GC");
    return compilers.stream()
        .flatMap(
            compiler ->
                collectors.stream()
                    .map(
                        collector ->
                            dynamicTest(
                                compiler + " " + collector, () -> run(compiler, collector))));
  }

  private void run(String compiler, String collector) throws Exception {
    Path count = folder.resolve("count");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), "-Xmx256m"));
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", compiler, collector));
    command.add(RunTests.class.getName());
    command.add(count.toString());
    command.addAll(TESTS);
    TestSupport.Outcome outcome = TestSupport.run(command).assertSucceeded();
    assertEquals("", outcome.output());
    int tests = Integer.parseInt(Files.readString(count));
    assertTrue(tests > 500, tests + " tests only");
  }
}
