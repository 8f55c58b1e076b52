package dev.tensorarena.bench.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A run on one JDK: its results and, if known, on what they were measured. */
record Run(Path file, Results results, Optional<RunInfo> info) {
  private static final String NAME = "jmh-jdk";

  static Run read(Path file) {
    return new Run(file, Results.read(file), RunInfo.of(file));
  }

  /** Where a run on a JDK leaves its results. */
  static Path file(Path folder, int jdk) {
    return folder.resolve(NAME + jdk + ".json");
  }

  /** All runs that left their results in a folder, by JDK. */
  static List<Run> in(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new BadInputException(
          "There is no folder "
              + folder.toAbsolutePath()
              + " with results: run the benchmarks first");
    }
    try (Stream<Path> files = Files.list(folder)) {
      List<Run> runs =
          files
              .filter(file -> file.getFileName().toString().matches(NAME + "\\d+\\.json"))
              .map(Run::read)
              .sorted(Comparator.comparing(Run::jdk))
              .toList();
      if (runs.isEmpty()) {
        throw new BadInputException(
            "There is no "
                + NAME
                + "*.json in "
                + folder.toAbsolutePath()
                + ": run the benchmarks first");
      }
      return runs;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What programs in C left in a folder, a file for each; nothing if they were not run. */
  static Optional<Run> inC(Path folder) {
    if (!Files.isDirectory(folder)) {
      return Optional.empty();
    }
    try (Stream<Path> files = Files.list(folder)) {
      List<Measurement> rows =
          files
              .filter(file -> file.toString().endsWith(".json"))
              .sorted()
              .flatMap(file -> Results.read(file).all().stream())
              .toList();
      return rows.isEmpty()
          ? Optional.empty()
          : Optional.of(new Run(folder, new Results(rows), Optional.empty()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  int jdk() {
    return results.jdk();
  }

  String name() {
    return jdk() == 0 ? "C" : "JDK " + jdk();
  }

  /** With the rows of another run too, so that figures of both can be compared. */
  Run and(Run other) {
    List<Measurement> all = new ArrayList<>(results.all());
    all.addAll(other.results.all());
    return new Run(file, new Results(all), info);
  }

  /** What the rows were measured on and with, by name. */
  Map<String, String> facts() {
    Measurement settings = results.settings();
    Map<String, String> facts = new LinkedHashMap<>();
    info.ifPresent(
        run -> {
          facts.put("machine", run.machine().toString());
          facts.put("system", run.machine().system());
          facts.put("commit", run.commit());
        });
    facts.put(
        "JVM",
        "%s %s (JDK %s)".formatted(settings.vmName(), settings.vmVersion(), settings.jdkVersion()));
    facts.put("flags", flags());
    facts.put("JMH", settings.jmhVersion() + "; ± is 99.9 %");
    facts.put("settings", settings());
    info.ifPresent(
        run ->
            facts.put(
                "run",
                "%s set, %d rows, %d:%02d min, until %s"
                    .formatted(
                        run.set(),
                        results.all().size(),
                        run.seconds() / 60,
                        run.seconds() % 60,
                        run.finished())));
    return facts;
  }

  /** What all rows have; the rest is the rows' own. */
  private String flags() {
    List<String> common = new ArrayList<>(results.settings().jvmArgs());
    results.all().forEach(row -> common.retainAll(row.jvmArgs()));
    return common.stream().distinct().collect(Collectors.joining(" "));
  }

  /** How most rows were run. */
  private String settings() {
    return results.all().stream()
        .collect(
            Collectors.groupingBy(
                row ->
                    "%d x %s after %d x %s in each of %d JVMs"
                        .formatted(
                            row.measurementIterations(),
                            row.measurementTime(),
                            row.warmupIterations(),
                            row.warmupTime(),
                            row.forks()),
                LinkedHashMap::new,
                Collectors.counting()))
        .entrySet()
        .stream()
        .max(Map.Entry.comparingByValue())
        .orElseThrow()
        .getKey();
  }
}
