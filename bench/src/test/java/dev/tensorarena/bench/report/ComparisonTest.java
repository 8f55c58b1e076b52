package dev.tensorarena.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ComparisonTest {
  @Test
  void onlyWhatIsBeyondBothErrorsIsListed() {
    Comparison comparison =
        new Comparison(
            run(time("a", 10, 1), time("b", 10, 1), time("c", 10, 1), time("gone", 1, 0.1)),
            run(time("a", 13, 1), time("b", 11, 1), time("c", 7, 1), time("new", 1, 0.1)));

    assertEquals(List.of("Q.a"), names(comparison.slower()));
    assertEquals(List.of("Q.c"), names(comparison.faster()));
    String summary = comparison.summary();
    assertTrue(summary.contains("3 rows, of which 1 became slower and 1 faster"), summary);
    assertTrue(summary.contains("1 are not in the baseline"), summary);
  }

  @Test
  void aSingleSampleTellsNothing() {
    Comparison comparison =
        new Comparison(run(time("a", 10, Double.NaN)), run(time("a", 99, Double.NaN)));
    assertEquals(List.of(), names(comparison.slower()));
    assertTrue(comparison.summary().contains("1 have no errors"), comparison.summary());
  }

  @Test
  void lessThroughputIsSlower() {
    Comparison comparison =
        new Comparison(run(row("a", "thrpt", 100, 1)), run(row("a", "thrpt", 50, 1)));
    assertEquals(List.of("Q.a"), names(comparison.slower()));
    assertEquals("2", comparison.slower().rows().get(0).get(4));
  }

  @Test
  void runsWithNothingInCommonAreRefused() {
    BadInputException refused =
        assertThrows(
            BadInputException.class,
            () -> new Comparison(run(time("a", 1, 1)), run(time("b", 1, 1))));
    assertTrue(refused.getMessage().contains("no row in common"), refused.getMessage());
  }

  private static List<String> names(Table table) {
    return table.rows().stream().map(row -> row.get(0)).toList();
  }

  private static Run run(Measurement... rows) {
    return new Run(Path.of("jmh-jdk25.json"), new Results(List.of(rows)), Optional.empty());
  }

  private static Measurement time(String method, double score, double error) {
    return row(method, "avgt", score, error);
  }

  private static Measurement row(String method, String mode, double score, double error) {
    return new Measurement(
        "dev.Q." + method,
        mode,
        1,
        1,
        "",
        List.of(),
        "25.0.1",
        "",
        "",
        "",
        1,
        "",
        1,
        "",
        Map.of(),
        new Measurement.Metric(score, error, "ns/op", Map.of()),
        Map.of());
  }
}
