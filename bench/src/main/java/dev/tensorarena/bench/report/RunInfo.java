package dev.tensorarena.bench.report;

import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;

/**
 * What JMH's JSON does not say about a run; kept in a file beside it.
 *
 * @param commit of this project; may be "unknown"
 * @param set of rows, as in {@code SHORT}
 * @param finished when, as in {@code 2026-11-22T10:15:30Z}
 * @param seconds that it took
 * @param failures rows that could not be measured, each with its reason
 * @param skipped rows that need a later JDK
 */
record RunInfo(
    Machine machine,
    String commit,
    String set,
    String finished,
    long seconds,
    List<String> failures,
    List<String> skipped) {
  /** Of a run that ends now, on this machine. */
  static RunInfo now(
      String set, String commit, long seconds, List<String> failures, List<String> skipped) {
    return new RunInfo(
        Machine.here(),
        commit,
        set,
        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
        seconds,
        failures,
        skipped);
  }

  /** The file of a results file. */
  static Path beside(Path results) {
    String name = results.getFileName().toString().replaceFirst("\\.json$", "");
    return results.resolveSibling(name + ".run.json");
  }

  static Optional<RunInfo> of(Path results) {
    Path file = beside(results);
    return Files.exists(file)
        ? Optional.of(Json.read(file, "a run's machine and commit", new TypeReference<>() {}))
        : Optional.empty();
  }

  void write(Path results) throws IOException {
    Json.write(beside(results), this);
  }
}
