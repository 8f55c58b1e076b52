package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static java.util.concurrent.TimeUnit.DAYS;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.NANOSECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** A queue has a handle, or the caller has it, whatever happens; and none is lost. */
class TensorQueueTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  private SharedTensor bytes(long count) {
    return ctx.empty(DType.INT8, count).share();
  }

  /** A call on a thread of its own, which has begun to wait. */
  private static final class Waiting {
    final Thread thread;
    private final FutureTask<Void> call;

    Waiting(Executable waits) throws InterruptedException {
      call =
          new FutureTask<>(
              () -> {
                try {
                  waits.execute();
                } catch (Error | Exception e) {
                  throw e;
                } catch (Throwable e) {
                  throw new AssertionError(e);
                }
                return null;
              });
      thread = new Thread(call, "waiting");
      thread.start();
      while (thread.getState() != Thread.State.WAITING
          && thread.getState() != Thread.State.TIMED_WAITING) {
        assertTrue(thread.isAlive(), "it did not wait");
        Thread.sleep(1);
      }
    }

    void end() throws Exception {
      call.get();
    }

    Throwable failure() {
      return assertThrows(ExecutionException.class, call::get).getCause();
    }
  }

  // ---- order and bounds

  @Test
  void handlesComeOutInTheirOrder() throws Exception {
    try (TensorQueue queue = TensorQueue.bounded(100, 10_000)) {
      List<SharedTensor> expected = new ArrayList<>();
      for (int i = 0; i < 1000; i++) {
        if (i % 7 < 4 && expected.size() < 100) {
          SharedTensor handle = bytes(i % 50);
          expected.add(handle);
          queue.put(handle);
        } else if (!expected.isEmpty()) {
          SharedTensor taken = i % 2 == 0 ? queue.take() : queue.poll(0, NANOSECONDS);
          assertSame(expected.remove(0), taken);
          taken.close();
        }
        assertEquals(expected.size(), queue.size());
      }
      assertTrue(expected.size() > 50, "the ring has grown around its end: " + expected.size());
      for (SharedTensor handle : expected) {
        SharedTensor taken = queue.take();
        assertSame(handle, taken);
        taken.close();
      }
      assertNull(queue.poll(0, NANOSECONDS));
      assertNull(queue.poll(-1, DAYS));
      assertNull(queue.poll(1, MILLISECONDS));
    }
  }

  @Test
  void theNumberOfHandlesIsBounded() throws Exception {
    try (TensorQueue queue = TensorQueue.bounded(2, 1000)) {
      assertTrue(queue.offer(bytes(1), 0, DAYS));
      assertTrue(queue.offer(bytes(1), -1, DAYS));
      try (SharedTensor third = bytes(1)) {
        assertFalse(queue.offer(third, 0, DAYS));
        assertFalse(queue.offer(third, Long.MIN_VALUE, DAYS));
        assertFalse(queue.offer(third, 1, MILLISECONDS));
        assertTrue(third.isAlive());
      }
    }
  }

  @Test
  void theBytesAreBoundedAndEachTensorHasOneAtLeast() throws Exception {
    try (TensorQueue queue = TensorQueue.bounded(100, 10)) {
      queue.put(bytes(7));
      queue.put(bytes(0));
      queue.put(bytes(0));
      try (SharedTensor two = bytes(2);
          SharedTensor one = bytes(1)) {
        assertFalse(queue.offer(two, 0, DAYS));
        assertTrue(queue.offer(one.share(), 0, DAYS));
        assertFalse(queue.offer(one, 0, DAYS));
      }
      queue.take().close();
      assertTrue(queue.offer(bytes(7), 0, DAYS));
    }
  }

  @Test
  void aPartCountsWithItsOwnBytes() throws Exception {
    try (TensorQueue queue = TensorQueue.bounded(100, 10)) {
      Tensor large = ctx.empty(DType.FLOAT32, 100, 2);
      queue.put(large.slice(0, 3, 4).share());
      assertFalse(offersOrCloses(queue, large.select(1, 0).slice(0, 0, 1).share()), "4 of 2");
    }
  }

  private static boolean offersOrCloses(TensorQueue queue, SharedTensor handle) throws Exception {
    boolean taken = queue.offer(handle, 0, DAYS);
    if (!taken) {
      handle.close();
    }
    return taken;
  }

  @Test
  void aHandleLargerThanTheBoundEntersAnEmptyQueueOnly() throws Exception {
    try (TensorQueue queue = TensorQueue.bounded(100, 10)) {
      queue.put(bytes(1));
      SharedTensor large = bytes(1000);
      assertFalse(queue.offer(large, 0, DAYS));
      Waiting putting = new Waiting(() -> queue.put(large));
      queue.take().close();
      putting.end();
      assertFalse(offersOrCloses(queue, bytes(0)));
      queue.take().close();
      assertTrue(offersOrCloses(queue, bytes(10)));
    }
  }

  @Test
  void nobodyPassesWhoeverWaitsForRoom() throws Exception {
    try (TensorQueue queue = TensorQueue.bounded(100, 10)) {
      queue.put(bytes(5));
      queue.put(bytes(4));
      SharedTensor large = bytes(10);
      Waiting putting = new Waiting(() -> queue.put(large));
      queue.take().close();
      assertFalse(offersOrCloses(queue, bytes(1)), "though there is room for it");
      queue.take().close();
      putting.end();
      assertSame(large, queue.take());
      large.close();
    }
  }

  // ---- waiting, and what ends it

  @Test
  void whoWaitsIsWoken() throws Exception {
    try (TensorQueue queue = TensorQueue.bounded(1, 10)) {
      for (boolean timed : new boolean[] {false, true}) {
        Waiting taking = new Waiting(() -> (timed ? queue.poll(1, DAYS) : queue.take()).close());
        queue.put(bytes(1));
        taking.end();
        queue.put(bytes(2));
        SharedTensor second = bytes(3);
        Waiting putting =
            new Waiting(
                () -> {
                  if (timed) {
                    assertTrue(queue.offer(second, Long.MAX_VALUE, DAYS));
                  } else {
                    queue.put(second);
                  }
                });
        queue.take().close();
        putting.end();
        assertSame(second, queue.take());
        second.close();
      }
    }
  }

  @Test
  void anInterruptionLeavesTheHandleWhereItWas() throws Exception {
    try (TensorQueue queue = TensorQueue.bounded(1, 10);
        SharedTensor mine = bytes(1)) {
      assertInterrupted(() -> queue.take());
      assertInterrupted(() -> queue.poll(1, DAYS));
      queue.put(bytes(2));
      assertInterrupted(() -> queue.put(mine));
      assertInterrupted(() -> queue.offer(mine, 1, DAYS));
      Waiting first = new Waiting(() -> queue.put(mine));
      assertInterrupted(() -> queue.put(mine)); // waits for its turn
      assertInterrupted(() -> queue.offer(mine, 1, DAYS));
      first.thread.interrupt();
      assertEquals(InterruptedException.class, first.failure().getClass());
      for (Executable call :
          List.<Executable>of(
              () -> queue.take(),
              () -> queue.poll(0, DAYS),
              () -> queue.put(mine),
              () -> queue.offer(mine, 0, DAYS))) {
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, call);
      }
      assertEquals(1, queue.size());
      assertTrue(mine.isAlive());
    }
  }

  private static void assertInterrupted(Executable call) throws Exception {
    Waiting waiting = new Waiting(call);
    waiting.thread.interrupt();
    assertEquals(InterruptedException.class, waiting.failure().getClass());
  }

  @Test
  void closingWakesAllAndClosesWhatIsThere() throws Exception {
    TensorQueue full = TensorQueue.bounded(2, 10);
    SharedTensor first = bytes(1);
    SharedTensor second = bytes(2);
    full.put(first);
    full.put(second);
    TensorQueue empty = TensorQueue.bounded(2, 10);
    try (SharedTensor mine = bytes(3)) {
      List<Waiting> waiting = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        waiting.add(new Waiting(() -> full.put(mine)));
        waiting.add(new Waiting(() -> full.offer(mine, 1, DAYS)));
        waiting.add(new Waiting(empty::take));
        waiting.add(new Waiting(() -> empty.poll(1, DAYS)));
      }
      full.close();
      empty.close();
      for (Waiting each : waiting) {
        assertRefuses(
            () -> {
              throw each.failure();
            },
            "TensorQueue of 2 handles and 10 bytes is closed");
      }
      assertFalse(first.isAlive());
      assertFalse(second.isAlive());
      assertEquals(0, full.size());
      full.close();
      for (Executable call :
          List.<Executable>of(
              () -> full.take(),
              () -> full.poll(0, DAYS),
              () -> full.put(mine),
              () -> full.offer(mine, 0, DAYS))) {
        assertRefuses(call, "is closed");
      }
      assertTrue(mine.isAlive());
    }
  }

  private static final class Refusing extends Guard {
    boolean refuses = true;

    @Override
    public void close() {
      if (refuses) {
        throw new IllegalArgumentException("in use");
      }
    }
  }

  @Test
  void whatClosingThrowsKeepsNoOtherHandle() throws Exception {
    TensorQueue queue = TensorQueue.bounded(10, 10);
    SharedTensor guarded = bytes(1);
    Refusing guard = guarded.guard(Refusing.class, x -> new Refusing());
    SharedTensor tracking = bytes(1);
    tracking.track(
        () -> {
          throw new IllegalStateException("of a resource");
        });
    SharedTensor last = bytes(1);
    queue.put(guarded);
    queue.put(tracking);
    queue.put(last);
    Throwable refusal = assertRefuses(IllegalArgumentException.class, queue::close, "in use");
    assertEquals("of a resource", refusal.getSuppressed()[0].getMessage());
    assertTrue(guarded.isAlive());
    assertFalse(tracking.isAlive());
    assertFalse(last.isAlive());
    assertEquals(1, queue.size());
    guard.refuses = false;
    queue.close();
    assertFalse(guarded.isAlive());
    assertEquals(0, queue.size());
  }

  @Test
  void aReleasedHandleIsRefused() throws Exception {
    try (TensorQueue queue = TensorQueue.bounded(10, 10)) {
      SharedTensor released = bytes(1);
      released.close();
      assertRefuses(() -> queue.put(released), "INT8", "is dead");
      assertRefuses(() -> queue.offer(released, 0, DAYS), "INT8", "is dead");
      assertEquals(0, queue.size());
    }
  }

  // ---- without heap

  @Test
  void aPutThatFindsNoHeapLeavesAllWhereItWas() throws Exception {
    TestSupport.fork(List.of("-Xmx16m"), Exhausted.class).assertSucceeded();
  }

  static final class Exhausted {
    static final FullHeap HEAP = new FullHeap();

    public static void main(String[] args) throws InterruptedException {
      HEAP.fillButFor(0); // loads what that needs
      HEAP.empty();
      int refused = 0;
      for (int room = 0; room < 200; room += 20) {
        refused += put(room);
        assertEquals(0, ChunkPool.stats().inUseChunks());
      }
      assertTrue(refused > 2, refused + " refused");
    }

    private static int put(int room) throws InterruptedException {
      int refused = 0;
      List<SharedTensor> sent = new ArrayList<>();
      try (ExecutionContext ctx = ExecutionContext.open()) {
        for (int i = 0; i < 100; i++) {
          sent.add(ctx.empty(DType.INT8, 1).share());
        }
      }
      try (TensorQueue queue = TensorQueue.bounded(1000, 1000)) {
        for (SharedTensor handle : sent) {
          HEAP.fillButFor(room);
          try {
            queue.put(handle);
            HEAP.empty();
          } catch (OutOfMemoryError e) {
            HEAP.empty();
            refused++;
            queue.put(handle);
          }
        }
        assertEquals(100, queue.size());
        for (SharedTensor handle : sent.subList(0, 50)) {
          assertSame(handle, queue.take());
          handle.close();
        }
      }
      return refused;
    }
  }
}
