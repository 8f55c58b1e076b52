package dev.tensorarena.bench.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A chart for each case of a question. */
final class AnswerCharts {
  /** Values further apart than this are shown on a logarithmic axis. */
  private static final double FAR = 30;

  private static final String SLOWEST = "p99.9";

  private final Question question;
  private final Answer answer;

  private AnswerCharts(Answer answer) {
    this.answer = answer;
    this.question = answer.question();
  }

  /** With another for the slowest operations of a case where single ones were timed. */
  static List<Chart> of(Answer answer) {
    return new AnswerCharts(answer).all();
  }

  private List<Chart> all() {
    List<Chart> charts = new ArrayList<>();
    answer
        .cases()
        .forEach(
            (one, rows) -> {
              charts.add(chart(one, one.title(), rows, null));
              if (rows.stream().allMatch(entry -> entry.row().isSampled())) {
                charts.add(chart(one, (one.title() + " " + SLOWEST).strip(), rows, SLOWEST));
              }
            });
    return charts;
  }

  private Chart chart(Answer.Case one, String title, List<Entry> rows, String metric) {
    Map<String, Map<Run, Figure>> figures = new LinkedHashMap<>();
    for (Entry entry : rows) {
      Optional<Figure> figure = entry.row().metric(metric);
      figure.ifPresent(
          value ->
              figures
                  .computeIfAbsent(entry.row().method(), m -> new LinkedHashMap<>())
                  .put(entry.run(), value));
    }
    List<String> methods =
        figures.keySet().stream()
            .sorted(Comparator.comparing(method -> anyOf(figures.get(method)).value()))
            .toList();
    return new Chart(
        id(title + " " + one.unit()),
        title,
        one.unit(),
        areFar(figures.values().stream().flatMap(of -> of.values().stream()).toList()),
        metric == null && question.isForReadme(one.params()),
        methods.stream().map(Words::of).toList(),
        methods.stream().map(question::isOurs).toList(),
        rows.stream()
            .map(Entry::run)
            .distinct()
            .map(run -> series(run, methods, figures))
            .toList());
  }

  private static Chart.Series series(
      Run run, List<String> methods, Map<String, Map<Run, Figure>> figures) {
    List<Chart.Bar> bars = new ArrayList<>();
    for (String method : methods) {
      Figure figure = figures.get(method).get(run);
      bars.add(figure == null ? null : Chart.Bar.of(figure));
    }
    return new Chart.Series(run.name(), bars);
  }

  private static Figure anyOf(Map<Run, Figure> figures) {
    return figures.values().iterator().next();
  }

  private static boolean areFar(List<Figure> figures) {
    double most = figures.stream().mapToDouble(Figure::value).max().orElse(1);
    double least =
        figures.stream().mapToDouble(Figure::value).filter(v -> v > 0).min().orElse(most);
    return most / least > FAR;
  }

  private String id(String text) {
    return (question.name() + " " + text).replaceAll("[^A-Za-z0-9.]+", "-");
  }
}
