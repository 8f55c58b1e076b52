package dev.tensorarena.bench;

import java.io.IOException;
import java.util.Arrays;
import java.util.stream.Stream;

/**
 * JMH's command line, for all rows that this JVM can load.
 *
 * <p>The classes of {@code src/main/java22} are in the same jar and in the same list of benchmarks.
 * Their names end in {@code On22}, and on an older JVM their rows are left out.
 */
public final class Main {
  /** A regular expression that finds the benchmarks of JDK 22 and later, and no other. */
  public static final String ON_22 = "^dev\\.tensorarena\\.bench\\.\\w+On22\\.";

  private static final int WITH_FOREIGN_MEMORY = 22;

  private Main() {}

  /**
   * Runs JMH.
   *
   * @param args JMH's, see {@code -h}
   * @throws IOException as JMH does
   */
  public static void main(String... args) throws IOException {
    org.openjdk.jmh.Main.main(withoutWhatCannotRun(args));
  }

  /** Whether the rows of {@link #ON_22} can run here. */
  public static boolean runs22() {
    return Runtime.version().feature() >= WITH_FOREIGN_MEMORY;
  }

  private static String[] withoutWhatCannotRun(String... args) {
    return runs22()
        ? args
        : Stream.concat(Arrays.stream(args), Stream.of("-e", ON_22)).toArray(String[]::new);
  }
}
