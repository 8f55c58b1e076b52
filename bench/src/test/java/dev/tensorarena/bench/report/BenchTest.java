package dev.tensorarena.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class BenchTest {
  private static final int JDK = Runtime.version().feature();

  /** In this JVM, and hardly. */
  private static final String[] MEASURE = {
    "--only", "Binding.jni$", "--jmh", "-f 0 -wi 0 -i 1 -r 1ms", "--commit", "abc123"
  };

  @TempDir private Path folder;
  private final StringWriter errors = new StringWriter();
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

  @Test
  void measuresAndWritesTheReport() throws IOException {
    assertEquals(0, bench(MEASURE), errors::toString);

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
  }

  @Test
  void comparesWithABaseline() throws IOException {
    assertEquals(0, bench(MEASURE), errors::toString);
    Path baseline = folder.resolve("before.json");
    Files.copy(results(), baseline);
    Files.copy(RunInfo.beside(results()), RunInfo.beside(baseline));

    assertEquals(0, bench("--set", "none", "--baseline", baseline.toString()), errors::toString);

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
    assertEquals(0, bench(MEASURE), errors::toString);
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
    assertEquals(0, bench(MEASURE), errors::toString);
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
  void outsideOfARepositoryTheCommitIsUnknown() {
    for (String given : List.of("", "${git.commit.id.describe}")) {
      assertEquals("unknown", RunInfo.now("short", given, 1, List.of(), List.of()).commit());
    }
    assertEquals("abc", RunInfo.now("short", "abc", 1, List.of(), List.of()).commit());
  }

  private void refused(String sentence, String... args) {
    errors.getBuffer().setLength(0);
    assertEquals(CommandLine.ExitCode.USAGE, bench(args));
    assertTrue(errors.toString().contains(sentence), errors::toString);
    assertEquals(1, errors.toString().strip().lines().count(), errors::toString);
  }

  private Path results() {
    return Run.file(folder, JDK);
  }

  private int bench(String... args) {
    List<String> all = new ArrayList<>(Arrays.asList(args));
    all.addAll(List.of("--folder", folder.toString()));
    return Bench.commandLine(new PrintStream(printed, true, StandardCharsets.UTF_8))
        .setErr(new PrintWriter(errors, true))
        .execute(all.toArray(String[]::new));
  }
}
