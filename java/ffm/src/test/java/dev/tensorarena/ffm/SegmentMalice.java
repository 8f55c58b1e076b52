package dev.tensorarena.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.MaliceThread;
import dev.tensorarena.SharedTensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A random program of one thread or several, which hand shared handles and segments on. Looked at:
 * a segment that is alive has what was written to it, and bytes of its own; none ends whose end was
 * not asked for, or that a native call uses; wrapped memory is released once, and at the end the
 * pool is as it was.
 */
final class SegmentMalice {
  /** Memory of the program's own, which is spoilt when it is released. */
  final class Memory implements Runnable {
    final ByteBuffer bytes;
    private final AtomicInteger released = new AtomicInteger();

    Memory(long[] contents) {
      bytes = ByteBuffer.allocateDirect(contents.length * 8).order(ByteOrder.nativeOrder());
      bytes.asLongBuffer().put(contents);
    }

    void wrapped() {
      ends.wrapped.incrementAndGet();
    }

    /** Called by the library when nobody holds these bytes any more. */
    @Override
    public void run() {
      if (released.incrementAndGet() > 1) {
        program.report(new AssertionError("wrapped memory was released twice"));
      }
      ends.released.incrementAndGet();
      for (int i = 0; i < bytes.capacity(); i++) {
        bytes.put(i, (byte) 0xDD);
      }
      MaliceThread.strike();
    }
  }

  /** What is to be so when nobody can reach any segment of all programs any more. */
  static final class Ends {
    private final long chunks = ChunkPool.stats().inUseChunks();
    private final AtomicInteger wrapped = new AtomicInteger();
    private final AtomicInteger released = new AtomicInteger();

    /** Waits for segments that another thread than their handle's last one has taken. */
    void await() throws InterruptedException {
      for (int i = 0; i < 500 && !isOver(); i++) {
        System.gc();
        Thread.sleep(10);
      }
      check();
    }

    private void check() {
      assertEquals(chunks, ChunkPool.stats().inUseChunks(), "chunks in use");
      assertEquals(wrapped.get(), released.get(), "wrapped memory that was released");
    }

    private boolean isOver() {
      return chunks == ChunkPool.stats().inUseChunks() && wrapped.get() == released.get();
    }
  }

  /** A handle on its way to another thread. */
  record Handed(SharedTensor handle, long[] contents, Object bytes) {}

  final BlockingQueue<Handed> handedOn = new ArrayBlockingQueue<>(8);

  /** A segment of some other thread, which refuses. */
  final AtomicReference<SegmentActor.Item> others = new AtomicReference<>();

  final MaliceThread.Program program = new MaliceThread.Program();
  private final List<SegmentActor> actors = new ArrayList<>();
  private final Ends ends;

  SegmentMalice(long seed, int threads, Ends ends) {
    this.ends = ends;
    for (int i = 0; i < threads; i++) {
      actors.add(new SegmentActor(this, seed * threads + i));
    }
  }

  /** Runs it; returns how many operations there were. */
  long run() throws Throwable {
    long operations = MaliceThread.run(actors);
    others.set(null);
    for (Handed handed; (handed = handedOn.poll()) != null; ) {
      handed.handle.close();
    }
    if (actors.size() == 1) {
      ends.check(); // else there may be segments that keep what they had
    }
    return operations;
  }
}
