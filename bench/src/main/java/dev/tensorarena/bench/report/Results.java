package dev.tensorarena.bench.report;

import com.fasterxml.jackson.core.type.TypeReference;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What JMH found, read from its JSON. */
record Results(List<Measurement> all) {
  /**
   * Reads JMH's JSON.
   *
   * @throws BadInputException if it is not there, or is not such a file
   */
  static Results read(Path file) {
    List<Measurement> all = Json.read(file, "JMH's results", new TypeReference<>() {});
    if (all.isEmpty()) {
      throw new BadInputException(file + " holds no results: no row was measured");
    }
    for (Measurement row : all) {
      if (row == null || row.benchmark() == null || row.primaryMetric() == null) {
        throw new BadInputException(
            file + " is not JMH's results: an entry has no benchmark or no primaryMetric");
      }
    }
    return new Results(all);
  }

  Optional<Measurement> find(Row row) {
    return all.stream().filter(row::matches).findFirst();
  }

  Optional<Measurement> find(Measurement same) {
    return all.stream().filter(same::isSameRow).findFirst();
  }

  /** How the rows were run, where it is the same for all. */
  Measurement settings() {
    return all.get(0);
  }

  /** As in 25; 0 for programs in C. */
  int jdk() {
    return settings().jdkVersion() == null
        ? 0
        : Runtime.Version.parse(settings().jdkVersion()).feature();
  }
}
