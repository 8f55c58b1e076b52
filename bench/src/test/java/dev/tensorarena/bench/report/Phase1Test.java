package dev.tensorarena.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

class Phase1Test {
  private static final TimeValue HARDLY = TimeValue.milliseconds(1);

  @TempDir private Path folder;

  /** Measures nothing, in this JVM: every benchmark works, and every table finds its rows. */
  @Test
  void everyRowRunsAndEveryTableIsPrinted() throws Exception {
    Path log = folder.resolve("new/jmh.log");
    Path json = folder.resolve("new/jmh.json");
    Options options =
        new OptionsBuilder()
            .forks(0)
            .warmupIterations(0)
            .measurementIterations(1)
            .measurementTime(HARDLY)
            .output(log.toString())
            .result(json.toString())
            .build();
    ByteArrayOutputStream printed = new ByteArrayOutputStream();

    List<String> failures =
        Phase1.run(options, "abc123", new PrintStream(printed, true, StandardCharsets.UTF_8));

    assertEquals(List.of(), failures);

    String report = printed.toString(StandardCharsets.UTF_8);
    for (String original : new String[] {"610.97", "3.54", "172x", "12.16", "601.33"}) {
      assertTrue(report.contains(original), () -> original + " is missing in\n" + report);
    }
    assertTrue(report.contains(Runtime.version().toString()), report);
    assertTrue(report.matches("(?s).*\\bcommit +abc123\\R.*"), report);
    assertTrue(Files.size(log) > 0);
    assertFalse(report.contains("not measured"), report);
    long raw = Files.readAllLines(json).stream().filter(l -> l.contains("\"benchmark\"")).count();
    assertEquals(Plan.phase1().size(), raw);
  }
}
