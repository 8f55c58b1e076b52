package dev.tensorarena.bench.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Map;
import java.util.Optional;

/**
 * A figure of a run, by name.
 *
 * @param row whose
 * @param metric null for the score, or as {@link Measurement#metric} has it
 */
record Term(
    @JsonProperty(value = "row", required = true) String name,
    Map<String, String> params,
    String metric) {
  Row row() {
    return new Row(name, params);
  }

  Optional<Figure> in(Results results) {
    return results.find(row()).flatMap(row -> row.metric(metric));
  }
}
