package dev.tensorarena.bench.report;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;

/**
 * Results of real runs without their raw data: of the short set on 25, with leasts; on 17 without
 * them, of few rows, kept short by {@code --jmh "-wi 1 -w 50ms -i 4 -r 50ms"}. Not to be believed.
 */
final class Fixtures {
  /** That the runs answer. */
  static final int QUESTIONS = 18;

  private Fixtures() {}

  static Path file(String name) {
    try {
      return Path.of(Fixtures.class.getResource(name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  static Run run(String name) {
    return Run.read(file(name));
  }

  /** Of programs in C. */
  static Run inC() {
    return Run.inC(file("native/malloc.json").getParent()).orElseThrow();
  }

  /** On two JDKs, on one machine. */
  static List<Run> runs() {
    return Run.in(file("jmh-jdk25.json").getParent());
  }
}
