package dev.tensorarena;

import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The kinds of malicious programs. Each runs as {@link Fuzzing} says or, with {@code
 * -Dmalice.operations}, until there were so many operations. With {@code -Dmalice.trace=true} each
 * of them is printed.
 */
enum MaliceRun {
  /** The threads take turns: a seed always does the same. */
  BY_TURNS(false, () -> null),
  ALL_AT_ONCE(true, () -> null),
  STACK_ENDS(false, MaliceEdges::ofStack),
  HEAP_ENDS(false, MaliceEdges::ofHeap);

  private static final long OPERATIONS = Long.getLong("malice.operations", 0);
  private static final long NANOS_BETWEEN_REPORTS = 10_000_000_000L;

  /** Where the library tells that the program's own code has thrown. */
  private static final Logger LOGGER = Logger.getLogger("dev.tensorarena");

  private final boolean allAtOnce;
  private final Supplier<MaliceEdges> edges;

  MaliceRun(boolean allAtOnce, Supplier<MaliceEdges> edges) {
    this.allAtOnce = allAtOnce;
    this.edges = edges;
  }

  /** Runs one kind, which is named, in a JVM of its own. */
  public static void main(String[] args) {
    valueOf(args[0]).run();
  }

  /** Runs programs and prints how many operations there were. */
  void run() {
    Level level = LOGGER.getLevel();
    LOGGER.setLevel(Level.OFF);
    long[] done = new long[1];
    long start = System.nanoTime();
    try {
      if (edges.get() != null) {
        runOne(0, null); // loads all classes, for which an edge has no room
      }
      long[] told = {start};
      Fuzzing.Program program =
          seed -> {
            done[0] += runOne(seed, edges.get());
            if (System.nanoTime() - told[0] > NANOS_BETWEEN_REPORTS) {
              told[0] = System.nanoTime();
              report(done[0], start);
            }
          };
      if (OPERATIONS == 0) {
        Fuzzing.run(MaliceFuzzTest.class, program);
      } else {
        Fuzzing.runUntil(MaliceFuzzTest.class, program, () -> done[0] >= OPERATIONS);
      }
    } finally {
      LOGGER.setLevel(level);
    }
    report(done[0], start);
  }

  private long runOne(long seed, MaliceEdges edge) {
    try {
      return MaliceProgram.run(seed, allAtOnce, edge);
    } catch (Error | RuntimeException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private void report(long done, long start) {
    double seconds = (System.nanoTime() - start) / 1e9;
    System.out.printf("%s: %,d operations in %.0f s%n", this, done, seconds);
  }
}
