package dev.tensorarena.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.LibraryLog;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A segment that is taken of a handle while another thread closes the handle: it holds the bytes,
 * or there is none.
 */
class SegmentWhileClosedTest {
  private static final int ROUNDS = 3_000;
  private static final long VALUE = 7;

  /**
   * @param others whether there is a segment of another thread already, so that the handle's guard
   *     is known
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aSegmentReadsNothingButItsBytes(boolean others) throws Exception {
    long inUse = ChunkPool.stats().inUseChunks();
    AtomicInteger round = new AtomicInteger();
    AtomicInteger done = new AtomicInteger();
    SharedTensor[] handle = new SharedTensor[1];
    int[] wrong = new int[1];
    Thread reader =
        new Thread(
            () -> {
              for (int i = 1; i <= ROUNDS; i++) {
                await(round, i);
                try {
                  MemorySegment segment = Segments.of(handle[0]);
                  for (int read = 0; read < 200; read++) {
                    wrong[0] += segment.get(ValueLayout.JAVA_LONG, 0) == VALUE ? 0 : 1;
                  }
                } catch (IllegalStateException e) {
                  // closed first
                }
                done.set(i);
              }
            });
    reader.start();
    for (int i = 1; i <= ROUNDS; i++) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Scope scope = ctx.scope();
        handle[0] = ctx.empty(DType.INT64, 64).fill(VALUE).share();
        scope.close();
        if (others) {
          Segments.of(handle[0]);
        }
        round.set(i);
        for (int spins = 0; spins < i % 50; spins++) {
          Thread.onSpinWait();
        }
        handle[0].close();
        for (int again = 0; again < 3; again++) {
          Scope later = ctx.scope();
          ctx.empty(DType.INT64, 64).fill(~VALUE);
          later.close();
        }
        await(done, i);
      }
    }
    reader.join();
    assertEquals(0, wrong[0]);
    handle[0] = null;
    for (int i = 0; i < 100 && ChunkPool.stats().inUseChunks() > inUse; i++) {
      System.gc(); // what another thread's segments hold they hold until they are unreachable
      Thread.sleep(20);
    }
    assertEquals(inUse, ChunkPool.stats().inUseChunks());
  }

  @Test
  void aHandleKeepsNothingOfThreadsThatHaveEnded() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open();
        SharedTensor handle = ctx.empty(DType.INT64, 64).fill(VALUE).share()) {
      Segments.of(handle);
      List<WeakReference<Thread>> threads = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        threads.add(new WeakReference<>(readOnNewThread(handle)));
      }
      Thread last = readOnNewThread(handle); // looks for its own among the others
      for (WeakReference<Thread> thread : threads) {
        for (int i = 0; i < 100 && thread.get() != null; i++) {
          System.gc();
          Thread.sleep(20);
        }
        assertNull(thread.get());
      }
      Reference.reachabilityFence(last);
    }
  }

  private static Thread readOnNewThread(SharedTensor handle) throws InterruptedException {
    Thread thread =
        Thread.ofVirtual().start(() -> Segments.of(handle).getAtIndex(ValueLayout.JAVA_LONG, 63));
    thread.join();
    return thread;
  }

  @Test
  void anErrorOfTheOwnerIsLoggedWhereASegmentOfAnotherThreadIsCollected() {
    Error error = new Error("an owner's");
    Runnable released =
        () -> {
          throw error;
        };
    SharedTensor handle;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      handle = ctx.wrap(ByteBuffer.allocateDirect(8), DType.INT8, Shape.of(8), released).share();
    }
    Segments.of(handle);
    Thread other = new Thread(handle::close);
    assertTrue(
        LibraryLog.tellsOf(
            error,
            () -> {
              other.start();
              while (other.isAlive()) {
                Thread.yield();
              }
            }));
  }

  private static void await(AtomicInteger turn, int value) {
    while (turn.get() < value) {
      Thread.onSpinWait();
    }
  }
}
