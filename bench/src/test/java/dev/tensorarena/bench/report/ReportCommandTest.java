package dev.tensorarena.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.tensorarena.bench.Main;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ReportCommandTest {
  private static final int JDK = Runtime.version().feature();

  /** In this JVM, and hardly. */
  private static final String[] MEASURE = {
    "--only", "Binding.jni$", "--jmh", "-f 0 -wi 0 -i 2 -r 1ms"
  };

  @TempDir private Path folder;
  private final StringWriter errors = new StringWriter();
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

  @Test
  void measuresAndWritesTheReport() throws IOException {
    assertEquals(0, report(MEASURE), errors::toString);

    String console = printed.toString(StandardCharsets.UTF_8);
    assertTrue(console.contains("1 of 1, 0:0"), console);
    assertTrue(console.contains("at least 400x"), console);
    List<Map<String, Object>> raw =
        Json.read(results(), "results", new TypeReference<List<Map<String, Object>>>() {});
    assertEquals("dev.tensorarena.bench.Binding.jni", raw.get(0).get("benchmark"));
    String page = Files.readString(folder.resolve("index.html"));
    String markdown = Files.readString(folder.resolve("report.md"));
    String machine = Machine.here().processor();
    for (String expected : List.of("abc123", machine, "JDK " + JDK, "610.97", "172x", "ns/op")) {
      assertTrue(page.contains(expected), expected);
      assertTrue(markdown.contains(expected), expected);
    }
    assertTrue(markdown.contains("| jni |"), markdown);
    double least = Results.read(results()).all().get(0).least().orElseThrow().value();
    assertTrue(least > 0, () -> "the least of the windows was " + least);
  }

  @Test
  void anotherJvmMeasuresInAProcessOfItsOwn() throws IOException {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    List<String> args = new ArrayList<>(List.of(MEASURE));
    args.add("--jvm=" + java);

    assertEquals(0, report(args.toArray(String[]::new)), errors::toString);

    assertEquals(1, Results.read(results()).all().size());
    assertEquals("", printed.toString(StandardCharsets.UTF_8), "what this process printed");
    refused("Cannot run " + folder + " as a JVM", "--jvm", folder.toString());
  }

  @Test
  void theFirstPhaseIsReportedBesideTheJarInAFolderOfItsOwn() throws IOException {
    String[] args = {"report", "--set", "phase1", "--only", "Binding.jni$", "--jmh", MEASURE[3]};

    assertEquals(0, commandLine().execute(args), errors::toString);

    assertTrue(Files.exists(folder.resolve("report/phase1/index.html")));
    String console = printed.toString(StandardCharsets.UTF_8);
    assertTrue(console.contains("610.97"), console);
    assertFalse(console.contains("pipeline"), console);
  }

  @Test
  void chartsOfTheReadmeAreWritten() throws IOException {
    Path charts = folder.resolve("new/charts");
    String[] args = {"--set", "short", "--only", "Share.duplicate", "--jmh", MEASURE[3]};
    List<String> all = new ArrayList<>(List.of(args));
    all.addAll(List.of("--charts", charts.toString()));

    assertEquals(0, report(all.toArray(String[]::new)), errors::toString);

    String share = Files.readString(charts.resolve("share.svg"));
    assertTrue(share.startsWith("<svg") && share.contains(">duplicate<"), share);
  }

  @Test
  void allocatorsThatWereNotBuiltAreMissingRows() throws IOException {
    Path built = Files.createDirectory(folder.resolve("cmake"));
    program(
        built.resolve("allocate-malloc"), Files.readString(Fixtures.file("native/malloc.json")));
    Files.createDirectories(folder.resolve("native"));
    Files.writeString(folder.resolve("native/jemalloc.json"), "of an earlier build");
    String[] args = {"--only", "Binding.jni$|NativeAllocate", "--jmh", MEASURE[3]};

    assertEquals(0, report(args), errors::toString);

    String markdown = Files.readString(folder.resolve("report.md"));
    for (String missing : List.of("ta_alloc", "mimalloc", "jemalloc")) {
      assertTrue(markdown.contains("Missing row: NativeAllocate." + missing), markdown);
    }
    assertFalse(markdown.contains("Missing row: NativeAllocate.malloc"), markdown);
    assertTrue(markdown.contains("| malloc |"), markdown);
  }

  @Test
  void aProgramInCThatFailsIsAFailure() throws IOException {
    Path built = Files.createDirectory(folder.resolve("cmake"));
    program(built.resolve("allocate-malloc"), "[]\nEND\nexit 3\ncat <<END");
    String[] args = {"--only", "Binding.jni$|NativeAllocate", "--jmh", MEASURE[3]};

    assertEquals(CommandLine.ExitCode.SOFTWARE, report(args), errors::toString);

    String console = printed.toString(StandardCharsets.UTF_8);
    assertTrue(console.contains("Failed: NativeAllocate.malloc: "), console);
    assertTrue(console.contains("ended with 3"), console);
  }

  private static void program(Path file, String prints) throws IOException {
    Files.writeString(file, "#!/bin/sh\ncat <<END\n" + prints + "\nEND\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
  }

  @Test
  void comparesWithABaseline() throws IOException {
    assertEquals(0, report(MEASURE), errors::toString);
    Path baseline = folder.resolve("before.json");
    Files.copy(results(), baseline);
    Files.copy(RunInfo.beside(results()), RunInfo.beside(baseline));

    assertEquals(0, report("--set", "none", "--baseline", baseline.toString()), errors::toString);

    String markdown = Files.readString(folder.resolve("report.md"));
    assertTrue(markdown.contains("Compared with before.json of commit abc123"), markdown);
  }

  @Test
  void aMissingBaselineIsSaidBeforeAnythingIsMeasured() {
    refused(
        "There is no " + folder.resolve("nowhere.json"), "--baseline", folder + "/nowhere.json");
    assertTrue(Files.notExists(results()));
  }

  @Test
  void aTruncatedBaselineIsSaid() throws IOException {
    String whole = Files.readString(Fixtures.file("jmh-jdk25.json"));
    Path cut =
        Files.writeString(folder.resolve("cut.json"), whole.substring(0, whole.length() / 2));
    refused("cut.json is not JMH's results as JSON, or was cut off", "--baseline", cut.toString());
  }

  @Test
  void jsonOfSomethingElseIsSaid() throws IOException {
    Path other = Files.writeString(folder.resolve("other.json"), "{\"a\": 1}");
    refused("other.json is not JMH's results as JSON", "--baseline", other.toString());
    Files.writeString(other, "[{\"a\": 1}]");
    refused("an entry has no benchmark or no primaryMetric", "--baseline", other.toString());
    Files.writeString(other, "[]");
    refused("holds no results", "--baseline", other.toString());
  }

  @Test
  void aBaselineOfAnotherMachineIsSaid() throws IOException {
    assertEquals(0, report(MEASURE), errors::toString);
    Machine other = new Machine("Another Processor", 64, 128, 512, "Debian");
    new RunInfo(other, "abc", "short", "2026-11-22T10:00:00Z", 1, List.of(), List.of())
        .write(results());
    refused(
        "is of another machine (Another Processor, 64 cores, 128 threads, 512 GiB) than this ("
            + Machine.here()
            + ")",
        "--baseline",
        results().toString());
  }

  @Test
  void aBaselineOfAnotherJdkIsSaid() throws IOException {
    assertEquals(0, report(MEASURE), errors::toString);
    String text = Files.readString(results());
    Path other =
        Files.writeString(
            folder.resolve("other.json"),
            text.replaceFirst("\"jdkVersion\" : \"[^\"]*\"", "\"jdkVersion\" : \"11.0.2\""));
    refused(
        "was measured on JDK 11, and this run is on JDK " + JDK, "--baseline", other.toString());
  }

  @Test
  void whatCannotBeDoneIsSaid() {
    refused("No row has \"nothing\" in its name", "--only", "nothing");
    refused("JMH does not take the options \"--wrong\"", "--jmh", "--wrong");
    refused("There is no jmh-jdk*.json in " + folder, "--set", "none");
  }

  @Test
  void theCommitIsThatOfTheManifest() throws IOException {
    assertEquals("abc", Build.of(jar("abc")).commit());
    assertEquals(folder, Build.of(jar("abc")).folder());
    for (String outsideOfARepository : List.of("", "${git.commit.id.describe}")) {
      assertEquals("unknown", Build.of(jar(outsideOfARepository)).commit());
    }
    assertEquals("unknown", Build.of(folder).commit());
  }

  private Path jar(String commit) throws IOException {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().putValue(Build.COMMIT, commit);
    Path jar = folder.resolve("benchmarks.jar");
    new JarOutputStream(Files.newOutputStream(jar), manifest).close();
    return jar;
  }

  private void refused(String sentence, String... args) {
    errors.getBuffer().setLength(0);
    assertEquals(CommandLine.ExitCode.USAGE, report(args));
    assertTrue(errors.toString().contains(sentence), errors::toString);
    assertEquals(1, errors.toString().strip().lines().count(), errors::toString);
  }

  private Path results() {
    return Run.file(folder, JDK);
  }

  private int report(String... args) {
    List<String> all = new ArrayList<>(List.of("report"));
    all.addAll(Arrays.asList(args));
    all.addAll(List.of("--folder", folder.toString()));
    return commandLine().execute(all.toArray(String[]::new));
  }

  private CommandLine commandLine() {
    return Main.commandLine(
            new PrintStream(printed, true, StandardCharsets.UTF_8), new Build(folder, "abc123"))
        .setErr(new PrintWriter(errors, true));
  }
}
