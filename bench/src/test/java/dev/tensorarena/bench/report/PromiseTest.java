package dev.tensorarena.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PromiseTest {
  /** Two threads gain 1.8 of what one does where arithmetic gains 2; by the leasts, 1.9 of 2. */
  @Test
  void ratiosAreComparedByLeastsAndByMeans() {
    Term two = term("Scale.tensorsTwo", term("Scale.tensorsOne", null));
    Term alone = term("Scale.arithmeticTwo", term("Scale.arithmeticOne", null));
    Promise gain = new Promise("scale", "gain", two, alone, null, null, 0.92, null);
    Results results =
        new Results(
            List.of(
                row("Scale.tensorsOne", 5, 10),
                row("Scale.tensorsTwo", 9, 19),
                row("Scale.arithmeticOne", 20, 40),
                row("Scale.arithmeticTwo", 40, 80)));

    assertEquals(
        List.of(
            "Scale.tensorsTwo", "Scale.tensorsOne", "Scale.arithmeticTwo", "Scale.arithmeticOne"),
        gain.rows().map(Row::name).toList());
    Check check = gain.check(results).orElseThrow();
    assertEquals(0.9, check.mean().value(), 1e-9);
    assertEquals(0.95, check.least().orElseThrow().value(), 1e-9);
    assertEquals("yes by the least; no by the mean", check.verdict());
  }

  @Test
  void aRowThatIsMissingLeavesARatioUnmeasured() {
    Term two = term("Scale.tensorsTwo", term("Scale.tensorsOne", null));
    Promise gain = new Promise("scale", "gain", two, null, null, null, 1.9, null);

    assertEquals(
        Optional.empty(), gain.check(new Results(List.of(row("Scale.tensorsTwo", 9, 19)))));
  }

  /** Counts, garbage and percentiles have none. */
  @Test
  void everyPromiseOfTimeIsJudgedByLeasts() {
    Results results = Fixtures.run("jmh-jdk25.json").results();
    List<String> judged = new ArrayList<>();
    for (Promise promise : Promise.all()) {
      promise
          .check(results)
          .ifPresent(
              check -> {
                judged.add(promise.group());
                assertEquals(
                    promise.of().metric() == null, check.least().isPresent(), promise::what);
              });
    }
    for (String group : List.of("allocate", "handoff", "pipeline", "scale", "phase1")) {
      assertTrue(judged.contains(group), group);
    }
  }

  private static Term term(String row, Term over) {
    return new Term(row, Map.of(), null, over);
  }

  private static Measurement row(String name, double mean, double least) {
    return new Measurement(
        "dev.tensorarena.bench." + name,
        "thrpt",
        1,
        1,
        null,
        List.of(),
        "25",
        null,
        null,
        null,
        0,
        null,
        0,
        null,
        Map.of(),
        new Measurement.Metric(mean, Double.NaN, "ops/us", null),
        Map.of("least", new Measurement.Metric(least, Double.NaN, "ops/us", null)));
  }
}
