package dev.tensorarena.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.bench.Main;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Phase1Test {
  @TempDir private Path folder;

  /** Measures nothing, in this JVM: every benchmark works, and every table finds its rows. */
  @Test
  void everyRowRunsAndEveryTableIsPrinted() throws Exception {
    StringWriter errors = new StringWriter();
    ByteArrayOutputStream printed = new ByteArrayOutputStream();

    int status =
        Main.commandLine(
                new PrintStream(printed, true, StandardCharsets.UTF_8), new Build(folder, "abc123"))
            .setErr(new PrintWriter(errors, true))
            .execute("report", "--set=phase1", "--jmh=-f 0 -wi 0 -i 1 -r 1ms");

    String report = printed.toString(StandardCharsets.UTF_8);
    assertEquals(0, status, () -> errors + report);
    for (String original : new String[] {"610.97", "3.54", "172x", "12.16", "601.33"}) {
      assertTrue(report.contains(original), () -> original + " is missing in\n" + report);
    }
    assertTrue(report.contains(Runtime.version().toString()), report);
    assertTrue(report.matches("(?s).*\\bcommit +abc123\\R.*"), report);
    assertFalse(report.contains("not measured"), report);
    Path results = Run.file(folder.resolve("report/phase1"), Runtime.version().feature());
    assertTrue(
        Files.size(results.resolveSibling(results.getFileName().toString().replace("json", "log")))
            > 0);
    assertEquals(Plan.phase1().size(), Results.read(results).all().size());
  }

  @Test
  void theTablesHaveTheRowsOfEveryLifetime() {
    List<String> rows =
        Plan.phase1().stream().map(job -> job.question() + "." + job.method()).toList();
    for (String row :
        List.of(
            "AllocateAndFill.empty",
            "OpenAndClose.scopeWithOneTensor",
            "OpenAndClose.threeTensors",
            "Share.shareAndClose",
            "Share.shareAndCloseEscaping",
            "Share.shareAndCloseElsewhere")) {
      assertTrue(rows.contains(row), () -> row + " is not in " + rows);
    }
  }
}
