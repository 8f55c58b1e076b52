package dev.tensorarena.bench.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.type.TypeReference;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * A figure that the project promises, and which rows show it.
 *
 * @param group of promises that are shown together: {@code phase1}, or a question
 * @param what it says
 * @param of what is measured
 * @param over what it is divided by, or null
 * @param less what is taken off it, or null
 * @param atMost the bound, or null
 * @param atLeast the bound, or null
 * @param unit of both, with its leading space; null with a ratio
 */
record Promise(
    @JsonProperty(required = true) String group,
    @JsonProperty(required = true) String what,
    @JsonProperty(required = true) Term of,
    Term over,
    Term less,
    Double atMost,
    Double atLeast,
    String unit) {
  /** The group of the original's first phase. */
  static final String PHASE_1 = "phase1";

  Promise {
    unit = unit == null ? "x" : unit;
  }

  /** All, in the order of showing. */
  static List<Promise> all() {
    return Json.resource("promises.json", new TypeReference<>() {});
  }

  static List<Promise> phase1() {
    return all().stream().filter(promise -> promise.group.equals(PHASE_1)).toList();
  }

  /** Those that it compares. */
  Stream<Row> rows() {
    return Stream.of(of, over, less).filter(Objects::nonNull).flatMap(Term::rows);
  }

  /** What a run shows of it; nothing if it lacks a row. */
  Optional<Check> check(Results results) {
    return measured(term -> term.in(results))
        .map(mean -> check(mean, measured(term -> term.leastIn(results))));
  }

  private Optional<Figure> measured(Function<Term, Optional<Figure>> figures) {
    Optional<Figure> measured = figures.apply(of);
    if (over != null) {
      measured = measured.flatMap(figure -> figures.apply(over).map(figure::over));
    }
    if (less != null) {
      measured = measured.flatMap(figure -> figures.apply(less).map(figure::minus));
    }
    return measured;
  }

  private Check check(Figure mean, Optional<Figure> least) {
    boolean most = atLeast == null;
    return new Check(mean, least, most ? atMost : atLeast, !most, unit);
  }

  /** As in {@code at most 12x}. */
  String bound() {
    return check(Figure.exact(Double.NaN), Optional.empty()).promise();
  }
}
