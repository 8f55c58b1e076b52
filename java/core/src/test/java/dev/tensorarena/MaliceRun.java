package dev.tensorarena;

import java.util.function.Supplier;

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
    MaliceNatives.load();
    LibraryLog.during(this::runAll, told -> MaliceActor.strike());
  }

  private void runAll() {
    if (edges.get() != null) {
      runOne(0, null); // loads all classes, for which an edge has no room
    }
    Fuzzing.runMalice(MaliceFuzzTest.class, 1, name(), seed -> runOne(seed, edges.get()));
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
}
