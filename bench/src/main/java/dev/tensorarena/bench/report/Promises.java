package dev.tensorarena.bench.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What is promised, and whether it holds in each run. */
final class Promises {
  /** How verdicts come about. */
  static final String JUDGED =
      "Judged by the leasts of windows; by the means where a row has no least, and of counts, garbage"
          + " and percentiles. Where least and mean disagree, both verdicts are shown.";

  private static final String NOT_MEASURED = "not measured";

  private Promises() {}

  static Table table(List<Promise> promises, List<Run> runs) {
    List<Table.Heading> columns =
        new ArrayList<>(List.of(Table.text("promised"), Table.numbers("bound")));
    for (Run run : runs) {
      columns.add(Table.numbers("least on " + run.name()));
      columns.add(Table.numbers("mean on " + run.name()));
      columns.add(Table.text("kept on " + run.jdk()));
    }
    return new Table(
        "What is promised, and whether it is kept",
        columns,
        promises.stream().map(promise -> row(promise, runs)).toList());
  }

  private static List<String> row(Promise promise, List<Run> runs) {
    List<String> row = new ArrayList<>(List.of(promise.what(), promise.bound()));
    for (Run run : runs) {
      Optional<Check> check = promise.check(run.results());
      row.add(check.map(Check::leastResult).orElse(""));
      row.add(check.map(Check::result).orElse(""));
      row.add(check.map(Check::verdict).orElse(NOT_MEASURED));
    }
    return row;
  }
}
