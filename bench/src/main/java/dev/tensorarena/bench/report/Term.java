package dev.tensorarena.bench.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/**
 * A figure of a run, by name.
 *
 * @param row whose
 * @param metric null for the score, as {@link Measurement#metric} has it, or a sum of such, with
 *     plus signs
 */
record Term(
    @JsonProperty(value = "row", required = true) String name,
    Map<String, String> params,
    String metric) {
  Row row() {
    return new Row(name, params);
  }

  Optional<Figure> in(Results results) {
    return results.find(row()).flatMap(this::of);
  }

  /** The least of the row's windows; nothing if another metric than the score is meant. */
  Optional<Figure> leastIn(Results results) {
    return metric == null ? results.find(row()).flatMap(Measurement::least) : Optional.empty();
  }

  private Optional<Figure> of(Measurement row) {
    if (metric == null) {
      return Optional.of(row.score());
    }
    return Arrays.stream(metric.split("\\+"))
        .map(row::metric)
        .reduce((sum, next) -> sum.flatMap(figure -> next.map(figure::plus)))
        .flatMap(sum -> sum);
  }
}
