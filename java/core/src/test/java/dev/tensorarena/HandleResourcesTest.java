package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.onThread;
import static dev.tensorarena.TestSupport.runOnThread;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What is tracked by a handle, or guards it, while another thread ends the handle: it is closed
 * once, by whoever, or refused with nothing taken.
 */
class HandleResourcesTest {
  private static final int ROUNDS = 100;
  private static final int HANDLES = 100;

  private long inUse;

  @BeforeEach
  void countChunks() {
    inUse = ChunkPool.stats().inUseChunks();
  }

  @AfterEach
  void noChunkIsLost() {
    assertEquals(inUse, ChunkPool.stats().inUseChunks());
  }

  /** A guard and a resource that count their ends. */
  private static final class Counted extends Guard {
    final AtomicInteger closed = new AtomicInteger();

    @Override
    public void close() {
      closed.incrementAndGet();
    }
  }

  /** How something comes to be closed with a handle. */
  private enum Adding {
    TRACK {
      @Override
      void add(SharedTensor handle, Counted added) {
        handle.track(added);
      }
    },
    TRACK_BESIDE_ANOTHER {
      @Override
      void add(SharedTensor handle, Counted added) {
        handle.guard(Beside.class, guarded -> new Beside());
        handle.track(added);
      }
    },
    GUARD {
      @Override
      void add(SharedTensor handle, Counted added) {
        handle.guard(Counted.class, guarded -> added);
      }
    };

    abstract void add(SharedTensor handle, Counted added);

    private static final class Beside extends Guard {
      @Override
      public void close() {}
    }
  }

  /** Who ends the handle. */
  private enum Ending {
    OWNER,
    OWNER_AFTER_ITS_SCOPE,
    MUTABLE
  }

  @ParameterizedTest
  @EnumSource
  void whatIsAddedIsClosedOnceOrRefusedWhileTheOwnerCloses(Adding adding) throws Exception {
    race(adding, Ending.OWNER);
  }

  @ParameterizedTest
  @EnumSource
  void whatIsAddedIsClosedOnceOrRefusedWhileAnybodyCloses(Adding adding) throws Exception {
    race(adding, Ending.OWNER_AFTER_ITS_SCOPE);
  }

  @ParameterizedTest
  @EnumSource
  void whatIsAddedIsClosedOnceOrRefusedWhileTheHandleIsMadeMutable(Adding adding) throws Exception {
    race(adding, Ending.MUTABLE);
  }

  private static void race(Adding adding, Ending ending) throws Exception {
    AtomicInteger round = new AtomicInteger();
    AtomicInteger done = new AtomicInteger();
    SharedTensor[] handles = new SharedTensor[HANDLES];
    Counted[] added = new Counted[HANDLES];
    boolean[] taken = new boolean[HANDLES];
    Thread other =
        new Thread(
            () -> {
              for (int i = 1; i <= ROUNDS; i++) {
                await(round, i);
                for (int h = 0; h < HANDLES; h++) {
                  try {
                    adding.add(handles[h], added[h]);
                    taken[h] = true;
                  } catch (IllegalStateException e) {
                    taken[h] = false;
                  }
                }
                done.set(i);
              }
            });
    other.start();
    int wrong = 0;
    for (int i = 1; i <= ROUNDS; i++) {
      try (ExecutionContext ctx = ExecutionContext.open();
          ExecutionContext target = ExecutionContext.open()) {
        Scope scope = ctx.scope();
        for (int h = 0; h < HANDLES; h++) {
          added[h] = new Counted();
          handles[h] = ctx.allocSlice(1f).share();
        }
        if (ending != Ending.OWNER) {
          scope.close();
        }
        round.set(i);
        for (int h = 0; h < HANDLES; h++) {
          for (int spins = 0; spins < i % 50; spins++) {
            Thread.onSpinWait();
          }
          if (ending == Ending.MUTABLE) {
            handles[h].mutable(target);
          } else {
            handles[h].close();
          }
        }
        await(done, i);
      }
      for (int h = 0; h < HANDLES; h++) {
        int closed = added[h].closed.get();
        boolean made = adding == Adding.GUARD && !taken[h] && closed == 1; // and not taken
        wrong += closed == (taken[h] ? 1 : 0) || made ? 0 : 1;
        assertFalse(handles[h].isAlive());
      }
    }
    other.join();
    assertEquals(0, wrong, "closed not at all, twice, or although refused");
  }

  private static void await(AtomicInteger turn, int value) {
    while (turn.get() < value) {
      Thread.onSpinWait();
    }
  }

  // ---- the owner's close that has read the handle before something was attached to it

  private static void closeWithoutHavingSeen(SharedTensor handle) {
    Object attached = handle.attached;
    handle.attached = null;
    handle.close();
    handle.attached = attached;
  }

  @Test
  void whatTheOwnersCloseHasMissedIsClosedWhenItsScopeHasEnded() throws Exception {
    ExecutionContext ctx = ExecutionContext.open();
    Scope scope = ctx.scope();
    Tensor original = ctx.allocSlice(1f);
    SharedTensor handle = original.share();
    Counted tracked = onThread("other", () -> handle.track(new Counted()));
    Counted guard = onThread("other", () -> handle.guard(Counted.class, guarded -> new Counted()));
    boolean[] mayUse = new boolean[1];
    runOnThread("other", () -> handle.track(() -> mayUse[0] = handle.getFloat(0) == 1f));
    closeWithoutHavingSeen(handle);
    original.share().close(); // the list is counted, and what is in it is kept
    assertFalse(handle.isAlive());
    assertEquals(0, tracked.closed.get());
    scope.close();
    assertEquals(1, tracked.closed.get());
    assertEquals(1, guard.closed.get());
    assertTrue(mayUse[0], "the bytes are held until all is closed");
    assertFalse(handle.isAlive());
    ctx.close();
    assertEquals(1, tracked.closed.get());
  }

  @Test
  void whatTheOwnersCloseHasMissedAnyOtherCloseCloses() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      SharedTensor handle = ctx.allocSlice(1f).share();
      Counted tracked = onThread("other", () -> handle.track(new Counted()));
      closeWithoutHavingSeen(handle);
      runOnThread("other", handle::close);
      assertEquals(1, tracked.closed.get());
    }
  }

  @Test
  void betweenTheLastResourcesEndAndTheHandlesNothingIsAdded() {
    SharedTensor handle;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      handle = ctx.allocSlice(1f).share();
    }
    Counted tracked = handle.track(new Counted());
    handle.tracked().closeAll();
    assertRefuses(() -> handle.track(() -> {}), "released by another thread meanwhile");
    Counted guard = new Counted();
    assertRefuses(
        () -> handle.guard(Counted.class, guarded -> guard),
        "released by another thread meanwhile");
    assertEquals(1, guard.closed.get(), "nobody else would");
    handle.tracked().unseal();
    Counted again = handle.track(new Counted());
    handle.close();
    assertEquals(1, tracked.closed.get());
    assertEquals(1, again.closed.get());
  }

  @Test
  void whatIsRefusedWhenTheHandleIsMadeMutableCanBeTrackedAgain() {
    try (ExecutionContext full = ExecutionContext.builder().memoryLimit(0).open();
        ExecutionContext ctx = ExecutionContext.open()) {
      SharedTensor handle = ctx.allocSlice(1f).share();
      SharedTensor another = handle.share();
      handle.track(new Counted());
      assertRefuses(MemoryLimitExceededException.class, () -> handle.mutable(full));
      Counted tracked = handle.track(new Counted());
      another.close();
      handle.close();
      assertEquals(1, tracked.closed.get());
    }
  }

  /** Refuses once, after another thread has tried to close the handle. */
  private static final class ClosedBeside extends Guard {
    private final boolean refuses;
    private boolean asked;
    SharedTensor handle;

    ClosedBeside(boolean refuses) {
      this.refuses = refuses;
    }

    @Override
    public void close() {
      if (asked) {
        return;
      }
      asked = true;
      try {
        runOnThread("turned away", handle::close);
      } catch (Exception e) {
        throw new AssertionError(e);
      }
      if (refuses) {
        throw new IllegalStateException("in use");
      }
    }
  }

  private static SharedTensor handleThatIsClosedBeside(boolean refuses) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      SharedTensor handle = ctx.zeros(DType.INT8, 100_000).share();
      ClosedBeside guard = handle.guard(ClosedBeside.class, on -> new ClosedBeside(refuses));
      guard.handle = handle;
      return handle;
    }
  }

  @Test
  void aCloseThatWasTurnedAwayIsDoneByWhoeverFailsToEndTheHandle() {
    SharedTensor refused = handleThatIsClosedBeside(true);
    assertRefuses(refused::close, "in use");
    assertFalse(refused.isOpen());
    SharedTensor beyondTheLimit = handleThatIsClosedBeside(false);
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(10)) {
      assertRefuses(MemoryLimitExceededException.class, () -> beyondTheLimit.mutable(ctx), "10");
    }
    assertFalse(beyondTheLimit.isOpen());
  }
}
