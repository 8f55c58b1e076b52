package dev.tensorarena.bench.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The report of one run or more: a page that needs nothing else, and the same as Markdown. */
final class Report {
  static final String PAGE = "index.html";
  static final String MARKDOWN = "report.md";

  private final List<Run> runs;
  private final Run inC;
  private final Comparison comparison;
  private final List<Promise> promises;
  private final List<String> missing;

  /**
   * A report.
   *
   * @param runs on each JDK
   * @param inC what programs in C found, or null
   * @param comparison with an earlier run, or null
   * @param promises that are shown
   * @param missing a sentence for each program in C that has no results
   */
  Report(
      List<Run> runs,
      Run inC,
      Comparison comparison,
      List<Promise> promises,
      List<String> missing) {
    this.runs = runs;
    this.inC = inC;
    this.comparison = comparison;
    this.promises = promises;
    this.missing = missing;
  }

  /** What the templates read. */
  private record Model(
      List<RunPart> runs,
      Table promises,
      String judged,
      ComparisonPart comparison,
      List<AnswerPart> answers,
      List<String> notes) {}

  private record RunPart(String name, Map<String, String> facts, List<Table> phase1) {}

  private record ComparisonPart(String summary, List<Table> tables) {}

  private record AnswerPart(
      String id, String title, String asks, List<ChartPart> charts, Table table) {}

  private record ChartPart(String id, String title, String svg) {}

  /** Writes both into a folder. */
  void write(Path folder) throws IOException {
    Model model =
        new Model(
            runs.stream()
                .map(r -> new RunPart(r.name(), r.facts(), new Phase1Tables(r.results()).all()))
                .toList(),
            promises(),
            Promises.JUDGED,
            comparison == null
                ? null
                : new ComparisonPart(
                    comparison.summary(), List.of(comparison.slower(), comparison.faster())),
            answers().stream().map(Report::part).toList(),
            notes());
    Templates.html(model, folder.resolve(PAGE));
    Templates.markdown(model, folder.resolve(MARKDOWN));
  }

  /**
   * Writes the charts that the README shows, each in a file named after its question.
   *
   * @param folder which is made if it is not there
   * @return the files
   */
  List<Path> writeCharts(Path folder) throws IOException {
    Files.createDirectories(folder);
    List<Path> files = new ArrayList<>();
    for (Answer answer : answers()) {
      for (Chart chart : AnswerCharts.of(answer)) {
        if (chart.forReadme()) {
          Path file = folder.resolve(answer.question().title().replace(' ', '-') + ".svg");
          files.add(Files.writeString(file, Templates.svg(chart)));
        }
      }
    }
    return files;
  }

  Table promises() {
    return Promises.table(
        promises, runs.stream().map(run -> inC == null ? run : run.and(inC)).toList());
  }

  private List<Answer> answers() {
    List<Run> all = new ArrayList<>(runs);
    if (inC != null) {
      all.add(inC);
    }
    return Answer.all(all);
  }

  private static AnswerPart part(Answer answer) {
    Question question = answer.question();
    return new AnswerPart(
        question.name(),
        question.title(),
        question.asks(),
        AnswerCharts.of(answer).stream()
            .map(chart -> new ChartPart(chart.id(), chart.title(), Templates.svg(chart)))
            .toList(),
        AnswerTable.of(answer));
  }

  /** What a reader must know before comparing. */
  private List<String> notes() {
    List<String> notes = new ArrayList<>(missing);
    if (differ(runs.stream().map(run -> run.info().map(RunInfo::commit).orElse(null)).toList())) {
      notes.add("The runs are of different commits: compare within a run only.");
    }
    if (differ(runs.stream().map(run -> run.info().map(RunInfo::machine).orElse(null)).toList())) {
      notes.add("The runs are of different machines: compare within a run only.");
    }
    for (Run run : runs) {
      run.info()
          .ifPresent(
              info -> {
                info.failures().forEach(row -> notes.add("Failed on " + run.name() + ": " + row));
                info.skipped()
                    .forEach(row -> notes.add(row + " needs a later JDK than " + run.jdk()));
              });
    }
    return notes;
  }

  private static boolean differ(List<?> values) {
    return values.stream().filter(Objects::nonNull).distinct().count() > 1;
  }
}
