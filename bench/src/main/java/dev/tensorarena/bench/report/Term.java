package dev.tensorarena.bench.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * A figure of a run, by name, or the ratio of two.
 *
 * @param row whose
 * @param metric null for the score, as {@link Measurement#metric} has it, or a sum of such, with
 *     plus signs
 * @param over what it is divided by, or null
 */
record Term(
    @JsonProperty(value = "row", required = true) String name,
    Map<String, String> params,
    String metric,
    Term over) {
  /** Those that it names. */
  Stream<Row> rows() {
    Stream<Row> one = Stream.of(row());
    return over == null ? one : Stream.concat(one, over.rows());
  }

  Optional<Figure> in(Results results) {
    return ratio(term -> results.find(term.row()).flatMap(term::of));
  }

  /** The least of the row's windows; nothing if another metric than the score is meant. */
  Optional<Figure> leastIn(Results results) {
    return ratio(
        term ->
            term.metric == null
                ? results.find(term.row()).flatMap(Measurement::least)
                : Optional.empty());
  }

  private Row row() {
    return new Row(name, params);
  }

  private Optional<Figure> ratio(Function<Term, Optional<Figure>> figures) {
    Optional<Figure> figure = figures.apply(this);
    return over == null ? figure : figure.flatMap(one -> over.ratio(figures).map(one::over));
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
