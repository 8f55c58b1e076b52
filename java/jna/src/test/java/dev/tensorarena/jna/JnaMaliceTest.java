package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.Fuzzing;
import dev.tensorarena.LibraryLog;
import dev.tensorarena.MaliceThread;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Random programs with arenas, marks, pins and pointers of JNA's whose own code does whatever comes
 * to its mind wherever it is called, also by C in the middle of a function; see {@link Fuzzing} for
 * how long and from which seed. Looked at: what is not refused has what was written to it, and
 * bytes of its own; nothing ends whose end was not asked for, whatever has ended is refused, and at
 * the end the pool is as it was.
 */
class JnaMaliceTest {
  /** What the threads of a program give one another. */
  static final class Shared {
    final MaliceThread.Program program = new MaliceThread.Program();
    final BlockingQueue<JnaThings.Pinned> pins = new ArrayBlockingQueue<>(8);
    final BlockingQueue<JnaThings.Handle> handles = new ArrayBlockingQueue<>(8);

    /** An arena of some thread, which refuses all others. */
    final AtomicReference<JnaArena> arena = new AtomicReference<>();
  }

  @Test
  @Tag("reliability")
  void codeInTheMiddleOfACallBreaksNoPromise() {
    run("JNA", 1);
  }

  @Test
  @Tag("reliability")
  void pinsAndHandlesInTheHandsOfManyThreadsBreakNoPromise() {
    run("JNA ALL AT ONCE", 3);
  }

  private static void run(String kind, int threads) {
    LibraryLog.during(
        () -> Fuzzing.runMalice(JnaMaliceTest.class, 2, kind, seed -> runOne(seed, threads)),
        told -> MaliceThread.strike());
  }

  private static long runOne(long seed, int threads) throws Throwable {
    long chunks = ChunkPool.stats().inUseChunks();
    Shared shared = new Shared();
    List<JnaActor> actors = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      actors.add(new JnaActor(shared, seed * threads + i));
    }
    long operations = MaliceThread.run(actors);
    shared.pins.forEach(pin -> pin.real().close());
    shared.handles.forEach(handle -> handle.real().close());
    assertEquals(chunks, ChunkPool.stats().inUseChunks(), "chunks in use");
    return operations;
  }
}
