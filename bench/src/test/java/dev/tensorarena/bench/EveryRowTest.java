package dev.tensorarena.bench;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.bench.windows.LeastOfWindows;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Measures nothing: every row is run once, in this JVM, which finds rows that fail. */
class EveryRowTest {
  private static final TimeValue HARDLY = TimeValue.milliseconds(1);
  private static final int JAVA_17 = 61;
  private static final int CLASS_FILE_MAGIC = 0xCAFEBABE;

  @Test
  void everyRowRunsAndItsResultsAreRight() throws Exception {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .forks(0)
            .warmupIterations(0)
            .measurementIterations(1)
            .measurementTime(HARDLY)
            .syncIterations(false)
            .addProfiler(LeastOfWindows.class, "1")
            .shouldFailOnError(true)
            .param("bytes", "64", "4000")
            .param("perContext", "1", "100")
            .param("elements", "1000")
            .param("stages", "2")
            .param("tensors", "10")
            .param("contexts", "100")
            .param("virtualThreads", "2000")
            .param("inFlight", "2")
            .param("rows", "2000");
    if (!Main.runs22()) {
      options.exclude(Main.ON_22);
    }
    Collection<RunResult> results =
        new Runner(
                options.build(),
                OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT))
            .run();

    Set<String> run =
        results.stream().map(r -> r.getParams().getBenchmark()).collect(Collectors.toSet());
    assertEquals(rowsOfThisJvm(), run);
    assertAll(results.stream().map(row -> () -> assertHasALeastUnlessJmhTimesOperations(row)));
  }

  private static void assertHasALeastUnlessJmhTimesOperations(RunResult row) {
    Mode mode = row.getParams().getMode();
    boolean timedByJmh = mode == Mode.SingleShotTime || mode == Mode.SampleTime;
    Result<?> least = row.getSecondaryResults().get(LeastOfWindows.LEAST);
    String name = row.getParams().id();
    assertEquals(timedByJmh, least == null, name);
    assertTrue(timedByJmh || least.getScore() > 0, name);
  }

  /** What an older JVM leaves out is exactly what it cannot load. */
  @Test
  void rowsOfNewerJvmsAreKnownByTheNamesOfTheirClasses() {
    Pattern on22 = Pattern.compile(Main.ON_22);
    assertAll(
        all().stream()
            .map(
                row ->
                    () ->
                        assertEquals(
                            on22.matcher(row.getUsername()).find(),
                            classFileVersion(row.getUserClassQName()) > JAVA_17,
                            row.getUsername())));
  }

  /**
   * The list is written when a class is compiled. A row that was added to a superclass is missing
   * in it, and so is silently not measured, where the class itself was not compiled again.
   */
  @Test
  void everyRowIsInTheListOfRows() throws ReflectiveOperationException {
    SortedSet<String> annotated = new TreeSet<>();
    for (String type : typesOfThisJvm()) {
      for (Method method : Class.forName(type).getMethods()) {
        if (method.isAnnotationPresent(Benchmark.class)) {
          annotated.add(type + "." + method.getName());
        }
      }
    }
    assertEquals(annotated, new TreeSet<>(rowsOfThisJvm()), "mvn clean has all compiled again");
  }

  private static Set<String> typesOfThisJvm() {
    return rowsOfThisJvm().stream()
        .map(row -> row.substring(0, row.lastIndexOf('.')))
        .collect(Collectors.toSet());
  }

  @Test
  void everyQuestionHasItsClasses() {
    String suffixes = "(In\\d+[mg])?(Vectors)?(On22)?$";
    SortedSet<String> questions =
        all().stream()
            .map(row -> row.getUserClassQName())
            .map(type -> type.substring(type.lastIndexOf('.') + 1).replaceFirst(suffixes, ""))
            .collect(Collectors.toCollection(TreeSet::new));
    for (String question :
        new String[] {
          "Allocate", "Share", "Free", "HandOff", "Pipeline", "Scale", "Binding", "ElementAccess"
        }) {
      assertTrue(questions.contains(question), () -> question + " is not in " + questions);
    }
  }

  private static Set<String> rowsOfThisJvm() {
    Set<String> rows =
        all().stream()
            .map(BenchmarkListEntry::getUsername)
            .filter(row -> Main.runs22() || !Pattern.compile(Main.ON_22).matcher(row).find())
            .collect(Collectors.toSet());
    assertFalse(rows.isEmpty());
    return rows;
  }

  private static Set<BenchmarkListEntry> all() {
    return BenchmarkList.defaultList()
        .getAll(
            OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT), List.of());
  }

  private static int classFileVersion(String type) throws IOException {
    String file = "/" + type.replace('.', '/') + ".class";
    try (InputStream bytes = EveryRowTest.class.getResourceAsStream(file)) {
      DataInputStream data = new DataInputStream(bytes);
      assertEquals(CLASS_FILE_MAGIC, data.readInt());
      data.readUnsignedShort(); // the minor version
      return data.readUnsignedShort();
    }
  }
}
