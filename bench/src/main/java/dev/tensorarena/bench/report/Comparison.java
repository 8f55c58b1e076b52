package dev.tensorarena.bench.report;

import static dev.tensorarena.bench.report.Table.numbers;
import static dev.tensorarena.bench.report.Table.text;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** What became slower or faster than in an earlier run by more than the errors of both. */
final class Comparison {
  /** A row that both runs have. */
  private record Pair(Measurement before, Measurement now) {
    /** How many times longer an operation takes. */
    double slowdown() {
      Figure ratio = now.score().over(before.score());
      return now.isThroughput() ? 1 / ratio.value() : ratio.value();
    }

    boolean hasErrors() {
      return before.score().error() > 0 && now.score().error() > 0;
    }

    boolean isBeyondErrors() {
      double distance = Math.abs(now.score().value() - before.score().value());
      return hasErrors() && distance > before.score().error() + now.score().error();
    }
  }

  private final Run baseline;
  private final List<Pair> pairs = new ArrayList<>();
  private final int alone;

  /**
   * Of two runs on the same JDK.
   *
   * @throws BadInputException if they have no row in common
   */
  Comparison(Run baseline, Run now) {
    this.baseline = baseline;
    for (Measurement row : now.results().all()) {
      Optional<Measurement> before = baseline.results().find(row);
      before.ifPresent(measurement -> pairs.add(new Pair(measurement, row)));
    }
    alone = now.results().all().size() - pairs.size();
    if (pairs.isEmpty()) {
      throw new BadInputException(
          "The baseline " + baseline.file() + " has no row in common with " + now.file());
    }
  }

  /**
   * Refuses a baseline that nothing can be compared with.
   *
   * @param jdk that is measured
   */
  static void check(Run baseline, int jdk, Machine here) {
    if (baseline.jdk() != jdk) {
      throw new BadInputException(
          "The baseline "
              + baseline.file()
              + " was measured on JDK "
              + baseline.jdk()
              + ", and this run is on JDK "
              + jdk
              + ": give one of the same JDK");
    }
    baseline
        .info()
        .map(RunInfo::machine)
        .filter(machine -> !machine.isLike(here))
        .ifPresent(
            machine -> {
              throw new BadInputException(
                  "The baseline "
                      + baseline.file()
                      + " is of another machine ("
                      + machine
                      + ") than this ("
                      + here
                      + "): times can be compared on one machine only");
            });
  }

  Table slower() {
    return table("Slower than the baseline", true);
  }

  Table faster() {
    return table("Faster than the baseline", false);
  }

  private Table table(String caption, boolean slower) {
    return new Table(
        caption,
        List.of(
            text("row"),
            numbers("baseline"),
            numbers("now"),
            text("unit"),
            numbers("times as long")),
        pairs.stream()
            .filter(Pair::isBeyondErrors)
            .filter(pair -> pair.slowdown() > 1 == slower)
            .sorted(
                slower
                    ? Comparator.comparing(Pair::slowdown).reversed()
                    : Comparator.comparing(Pair::slowdown))
            .map(
                pair ->
                    Table.row(
                        pair.now().label(),
                        pair.before().score().toString(),
                        pair.now().score().toString(),
                        pair.now().unit(),
                        Figure.exact(pair.slowdown()).brief()))
            .toList());
  }

  /** What was compared, in a sentence. */
  String summary() {
    long noErrors = pairs.stream().filter(pair -> !pair.hasErrors()).count();
    return "Compared with "
        + baseline.file().getFileName()
        + baseline
            .info()
            .map(info -> " of commit " + info.commit() + ", " + info.finished())
            .orElse(", which does not say on what machine it was measured")
        + ": "
        + pairs.size()
        + " rows, of which "
        + slower().rows().size()
        + " became slower and "
        + faster().rows().size()
        + " faster by more than the errors of both; "
        + noErrors
        + " have no errors to tell by, and "
        + alone
        + " are not in the baseline.";
  }
}
