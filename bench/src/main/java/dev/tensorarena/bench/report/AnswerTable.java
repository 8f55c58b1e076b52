package dev.tensorarena.bench.report;

import dev.tensorarena.bench.windows.LeastOfWindows;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Every row of a question, with everything that was measured. */
final class AnswerTable {
  private static final List<String> PERCENTILES = List.of("p50.0", "p99.0", "p99.9");

  /** Of JMH's profiler: shown as a column of its own, or of no interest. */
  private static final String HEAP = "gc.alloc.";

  private final Answer answer;

  private AnswerTable(Answer answer) {
    this.answer = answer;
  }

  private record Column(Table.Heading heading, Function<Entry, String> cell) {}

  static Table of(Answer answer) {
    return new AnswerTable(answer).table();
  }

  private Table table() {
    List<Column> columns = columns();
    List<List<String>> rows = new ArrayList<>();
    for (List<Entry> rivals : answer.rivals()) {
      rivals.stream()
          .sorted(
              Comparator.comparing((Entry entry) -> entry.run().jdk())
                  .thenComparing(entry -> entry.row().score().value()))
          .map(entry -> columns.stream().map(column -> column.cell().apply(entry)).toList())
          .forEach(rows::add);
    }
    return new Table(null, columns.stream().map(Column::heading).toList(), rows);
  }

  /** Those that say anything about these rows. */
  private List<Column> columns() {
    List<Column> columns = new ArrayList<>();
    columns.add(text("row", entry -> Words.of(entry.row().method())));
    for (String param : answer.params()) {
      columns.add(numbers(Words.of(param), entry -> entry.row().params().getOrDefault(param, "")));
    }
    if (answer.entries().stream().anyMatch(entry -> entry.row().threads() > 1)) {
      columns.add(numbers("threads", entry -> String.valueOf(entry.row().threads())));
    }
    columns.add(text("on", entry -> entry.run().name()));
    columns.add(numbers("score", entry -> entry.row().score().toString()));
    boolean leasts = answer.entries().stream().anyMatch(entry -> entry.row().least().isPresent());
    if (leasts) {
      columns.add(numbers("least", entry -> brief(entry.row().least())));
    }
    columns.add(text("unit", entry -> entry.row().unit()));
    if (answer.question().subject() != null) {
      String times = "times " + Words.of(answer.question().subject());
      columns.add(numbers(times, entry -> timesSubject(entry, row -> Optional.of(row.score()))));
      if (leasts) {
        columns.add(numbers(times + ", least", entry -> timesSubject(entry, Measurement::least)));
      }
    }
    columns.add(numbers("garbage, B", entry -> brief(entry.row().bytes())));
    if (answer.entries().stream().anyMatch(entry -> entry.row().isSampled())) {
      for (String name : PERCENTILES) {
        columns.add(numbers(name, entry -> brief(entry.row().metric(name))));
      }
    }
    if (answer.entries().stream().anyMatch(entry -> !counters(entry).isEmpty())) {
      columns.add(text("also", AnswerTable::counters));
    }
    return columns;
  }

  private static Column text(String heading, Function<Entry, String> cell) {
    return new Column(Table.text(heading), cell);
  }

  private static Column numbers(String heading, Function<Entry, String> cell) {
    return new Column(Table.numbers(heading), cell);
  }

  private static String brief(Optional<Figure> figure) {
    return figure.map(Figure::brief).orElse("");
  }

  /** How many times the subject of the same case in the same run. */
  private String timesSubject(Entry entry, Function<Measurement, Optional<Figure>> figure) {
    return answer.rivals().stream()
        .filter(rivals -> rivals.contains(entry))
        .flatMap(List::stream)
        .filter(rival -> rival.run() == entry.run())
        .filter(rival -> rival.row().method().equals(answer.question().subject()))
        .findFirst()
        .flatMap(subject -> figure.apply(subject.row()))
        .flatMap(one -> figure.apply(entry.row()).map(many -> many.over(one).toString()))
        .orElse("");
  }

  /** Counters of the benchmark's own, and the collections. */
  private static String counters(Entry entry) {
    return entry.row().secondaryMetrics().entrySet().stream()
        .filter(counter -> !counter.getKey().startsWith(HEAP))
        .filter(counter -> !counter.getKey().equals(LeastOfWindows.LEAST))
        .filter(counter -> !counter.getKey().startsWith("gc.") || counter.getValue().score() > 0)
        .map(counter -> counter(counter.getKey(), counter.getValue()))
        .collect(Collectors.joining("; "));
  }

  private static String counter(String name, Measurement.Metric value) {
    String unit =
        "counts".equals(value.scoreUnit()) || "#".equals(value.scoreUnit())
            ? ""
            : " " + value.scoreUnit();
    return name + " " + value.figure() + unit;
  }
}
