package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.runOnThread;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * One handle that several threads close, share, pin and make mutable, and what user code that runs
 * in the middle may do to it: its hold is released once, and its bytes have one writer.
 */
class OneHandleTest {
  private static final int ROUNDS = 2_000;
  private static final int HANDLES = 200;

  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  private SharedTensor detached(float... values) {
    try (ExecutionContext other = ExecutionContext.open()) {
      return other.allocSlice(values).share();
    }
  }

  /** A guard that does something when its handle is closed. */
  private static final class Does extends Guard {
    private final Runnable what;

    Does(Runnable what) {
      this.what = what;
    }

    @Override
    public void close() {
      what.run();
    }
  }

  // ---- closes on several threads

  @Test
  void whatAnotherThreadHasClosedTheOwnerCountsOnce() throws Exception {
    long pinned = ChunkPool.stats().pinnedChunks();
    Scope scope = ctx.scope();
    Tensor original = ctx.allocSlice(1f);
    SharedTensor keeper = original.share();
    SharedTensor both = original.share();
    SharedTensor othersFirst = original.share();
    runOnThread("other", othersFirst::close);
    othersFirst.close();
    both.close();
    runOnThread("other", both::close);
    original.share().close(); // counts them
    othersFirst.close();
    runOnThread("other", othersFirst::close);
    assertNull(both.tryShare());
    assertNull(othersFirst.tryShare());
    scope.close();
    runOnThread("other", both::close);
    ctx.close();
    assertEquals(pinned + 1, ChunkPool.stats().pinnedChunks(), "the keeper's");
    assertEquals(1f, keeper.getFloat(0));
    keeper.close();
    assertEquals(pinned, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void theOriginalIsAloneOnceOthersHaveClosedItsHandles() throws Exception {
    Tensor original = ctx.allocSlice(1f);
    SharedTensor[] handles = {original.share(), original.share(), original.share()};
    for (SharedTensor handle : handles) {
      runOnThread("other", handle::close);
    }
    assertEquals(original.address(), original.mutable(ctx).address());
  }

  @Test
  void aHandleThatOthersHaveClosedTracksNothing() throws Exception {
    SharedTensor handle = ctx.allocSlice(1f).share();
    runOnThread("other", handle::close);
    assertRefuses(() -> handle.track(() -> {}), "is dead");
  }

  /** A round of both: closes while the scope is open, and while it ends. */
  @Test
  void closesOfTheOwnerAndOfAnotherThreadReleaseOnce() throws Exception {
    Meeting meeting = new Meeting();
    SharedTensor[] handles = new SharedTensor[HANDLES];
    Thread other =
        new Thread(
            () -> {
              for (int round = 0; round < ROUNDS; round++) {
                meeting.await();
                for (SharedTensor handle : handles) {
                  handle.close();
                }
                meeting.await();
              }
            });
    other.start();
    long inUse = ChunkPool.stats().inUseChunks();
    int early = 0;
    int lost = 0;
    for (int round = 0; round < ROUNDS; round++) {
      SharedTensor keeper;
      try (ExecutionContext own = ExecutionContext.open()) {
        Tensor original = own.allocSlice(1f);
        keeper = original.share();
        for (int i = 0; i < HANDLES; i++) {
          handles[i] = original.share();
        }
        meeting.await();
        for (SharedTensor handle : handles) {
          handle.close();
        }
      }
      meeting.await();
      early += ChunkPool.stats().inUseChunks() == inUse ? 1 : 0;
      keeper.close();
      lost += ChunkPool.stats().inUseChunks() == inUse ? 0 : 1;
    }
    other.join();
    assertEquals(0, early, "freed under the keeper");
    assertEquals(0, lost, "never freed");
  }

  /** Two threads that leave at the same moment, unless there is a core for one of them only. */
  private static final class Meeting {
    private final AtomicInteger arrived = new AtomicInteger();

    void await() {
      int last = arrived.incrementAndGet() + 1 & ~1;
      for (int spins = 0; arrived.get() < last; spins++) {
        if (spins < 10_000) {
          Thread.onSpinWait();
        } else {
          Thread.yield();
        }
      }
    }

    /** Starts a thread that closes whatever handle there is at each meeting, and meets again. */
    Thread startCloser(SharedTensor[] handle, int rounds) {
      Thread closer =
          new Thread(
              () -> {
                for (int round = 0; round < rounds; round++) {
                  await();
                  handle[0].close();
                  await();
                }
              });
      closer.start();
      return closer;
    }
  }

  // ---- mutable

  @Test
  void mutableAgainstCloseGivesNoTensorOverBytesThatNobodyHolds() throws Exception {
    Meeting meeting = new Meeting();
    SharedTensor[] handle = new SharedTensor[1];
    int rounds = 10 * ROUNDS;
    Thread closer = meeting.startCloser(handle, rounds);
    int free = 0;
    for (int round = 0; round < rounds; round++) {
      handle[0] = detached(1f);
      long inUse = ChunkPool.stats().inUseChunks();
      boolean given = false;
      meeting.await();
      try (ExecutionContext own = ExecutionContext.open()) {
        try {
          given = handle[0].mutable(own).isAlive();
        } catch (IllegalStateException e) {
          // closed first
        }
        meeting.await();
        free += given && ChunkPool.stats().inUseChunks() < inUse ? 1 : 0;
      }
    }
    closer.join();
    assertEquals(0, free);
  }

  @Test
  void aPinFromBeforeTheFirstShareHoldsAgainstMutable() {
    Scope scope = ctx.scope();
    Tensor original = ctx.allocSlice(1f);
    long address = original.address();
    TensorPin pin = TensorPin.of(original);
    assertTrue(original.isWritable(), "a pin freezes nothing");
    original.setFloat(2f, 0);
    SharedTensor handle = original.share();
    scope.close();
    Tensor copy = handle.mutable(ctx);
    assertNotEquals(address, copy.address());
    copy.fill(9f);
    pin.close();
  }

  @Test
  void aPinFromBeforeTheFirstShareHoldsAgainstMutableOfTheOriginal() {
    Tensor original = ctx.allocSlice(1f);
    TensorPin pin = TensorPin.of(original.slice(0, 0, 1));
    original.share().close();
    assertNotEquals(original.address(), original.mutable(ctx).address());
    pin.close();
    assertEquals(original.address(), original.mutable(ctx).address());
  }

  /** Where it cannot be known who holds the bytes, as in a heap that has ended. */
  private static final class Unknown extends SharedAllocation {
    private static final Error ERROR = new OutOfMemoryError("a test's");

    Unknown(ExecutionContext context) {
      super(context);
    }

    @Override
    boolean cede() {
      throw ERROR;
    }
  }

  private static SharedTensor handleThatNobodyCanClaim() {
    try (ExecutionContext own = ExecutionContext.open()) {
      Tensor original = own.allocSlice(1f);
      original.shared = new Unknown(own);
      original.shared.begin(original.start(), original.byteCount());
      original.scope.add(original.shared);
      return original.share();
    }
  }

  @Test
  void aMutableThatFailsClosesTheHandleForWhoeverWantedToMeanwhile() throws Exception {
    Meeting meeting = new Meeting();
    SharedTensor[] handle = new SharedTensor[1];
    int rounds = 5 * ROUNDS;
    Thread closer = meeting.startCloser(handle, rounds);
    int open = 0;
    int failed = 0;
    for (int round = 0; round < rounds; round++) {
      handle[0] = handleThatNobodyCanClaim();
      meeting.await();
      try {
        handle[0].claim(null);
      } catch (IllegalStateException e) {
        // closed first
      } catch (OutOfMemoryError e) {
        failed++;
      }
      meeting.await();
      if (handle[0].isOpen()) {
        open++;
        handle[0].close();
      }
    }
    closer.join();
    assertEquals(0, open);
    assertNotEquals(0, failed);
  }

  // ---- user code in the middle of mutable

  @Test
  void aGuardThatClosesTheTargetScopeLeavesNoPin() {
    long pinned = ChunkPool.stats().pinnedChunks();
    SharedTensor handle = detached(1f);
    Scope target = ctx.scope();
    handle.guard(Does.class, tensor -> new Does(target::close));
    Tensor result = handle.mutable(ctx);
    assertTrue(result.isAlive(), "in the scope that is the innermost one now");
    assertFalse(handle.isAlive());
    ctx.close();
    assertEquals(pinned, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void aGuardThatClosesTheTargetContextKeepsTheHandle() {
    SharedTensor handle = detached(1f);
    ExecutionContext target = ExecutionContext.open();
    handle.guard(Does.class, tensor -> new Does(target::close));
    assertRefuses(() -> handle.mutable(target), "is closed");
    assertEquals(1f, handle.getFloat(0));
    handle.close();
  }

  /** The handle is being closed already: mutable consumes it, and its hold goes to the result. */
  @Test
  void aGuardThatClosesTheHandleGivesNoTensorOverBytesThatNobodyHolds() {
    long inUse = ChunkPool.stats().inUseChunks();
    SharedTensor handle = detached(1f);
    handle.guard(Does.class, tensor -> new Does(handle::close));
    Tensor result = handle.mutable(ctx);
    assertFalse(handle.isAlive());
    assertEquals(inUse + 1, ChunkPool.stats().inUseChunks(), "held by the result");
    assertEquals(1f, result.getFloat(0));
    ctx.reset();
    assertEquals(inUse, ChunkPool.stats().inUseChunks());
  }

  @Test
  void aGuardThatSharesTheHandleMakesMutableCopy() {
    SharedTensor handle = detached(1f);
    SharedTensor[] share = new SharedTensor[1];
    handle.guard(Does.class, tensor -> new Does(() -> share[0] = handle.share()));
    handle.mutable(ctx).fill(9f);
    assertEquals(1f, share[0].getFloat(0));
    share[0].close();
  }
}
