package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.Test;

/** What other threads are told of a context's memory, while its own uses it. */
class StatsFromElsewhereTest {
  private static final int CHUNK = 65_536;

  private static void assertSeenElsewhere(ExecutionContext ctx) throws Exception {
    ArenaStats own = ctx.arenaStats();
    assertEquals(own, TestSupport.onThread("monitor", ctx::arenaStats));
    assertEquals(own.allocatedBytes(), TestSupport.onThread("monitor", ctx::memoryUsage));
  }

  @Test
  void aQuietContextSaysTheSameEverywhere() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      assertSeenElsewhere(ctx);
      ctx.checkAllocation(1); // makes a record without a chunk
      assertSeenElsewhere(ctx);
      ctx.empty(DType.INT8, 100);
      assertSeenElsewhere(ctx);
      Scope scope = ctx.scope();
      Tensor pinned = ctx.empty(DType.INT8, 1000);
      ctx.empty(DType.INT8, 2 * CHUNK);
      assertSeenElsewhere(ctx);
      ctx.empty(DType.INT8, 8 * CHUNK);
      assertSeenElsewhere(ctx);
      SharedTensor shared = pinned.share();
      scope.close();
      assertSeenElsewhere(ctx);
      assertTrue(ctx.arenaStats().wastedBytes() > 0);
      shared.close();
      ctx.reset();
      assertSeenElsewhere(ctx);
    }
  }

  @Test
  void thePeakOutlivesTheReviewOfResets() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.empty(DType.INT8, 50_000);
      for (int reset = 0; reset < 60; reset++) {
        ctx.reset();
        ctx.empty(DType.INT8, reset == 20 ? 60_000 : 20_000); // after one that was C's
        assertEquals(reset < 20 ? 50_000 : 60_000, ctx.arenaStats().peakBytes());
        assertSeenElsewhere(ctx);
      }
    }
  }

  @Test
  void aLentContextIsSeenAsOfItsThreadsLastCall() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.empty(DType.INT8, 100);
      long lent = ctx.nativeHandle();
      ctx.empty(DType.INT8, 2 * CHUNK);
      assertSeenElsewhere(ctx);
      long before = ctx.memoryUsage();
      NativeArena.allocate(ctx.arena(), lent, 1000, 1); // as native code does
      assertEquals(before, TestSupport.onThread("monitor", ctx::memoryUsage));
      assertEquals(before + 1000, ctx.memoryUsage());
      NativeArena.allocate(ctx.arena(), lent, 1000, 1);
      assertEquals(before + 2000, ctx.arenaStats().allocatedBytes());
    }
  }

  @Test
  void aClosedContextHasNone() throws Exception {
    ExecutionContext ctx = ExecutionContext.builder().name("gone").open();
    ctx.empty(DType.INT8, 100);
    ctx.close();
    for (String thread : new String[] {"first", "second"}) {
      TestSupport.runOnThread(
          thread,
          () -> {
            TestSupport.assertRefuses(ctx::arenaStats, "(gone)", "is closed");
            TestSupport.assertRefuses(ctx::memoryUsage, "(gone)", "is closed");
          });
    }
  }

  @Test
  void anOrphanStillHasThem() throws Exception {
    ExecutionContext[] orphan = new ExecutionContext[1];
    TestSupport.runOnThread(
        "departed",
        () -> {
          orphan[0] = ExecutionContext.open();
          orphan[0].empty(DType.INT8, 100);
        });
    assertEquals(new ArenaStats(100, CHUNK, 100, 0, 1, 0), orphan[0].arenaStats());
    orphan[0].close();
  }

  /** Asks until the owner is done; returns the first number that is none of its own. */
  private static Thread monitor(
      ExecutionContext ctx,
      AtomicBoolean done,
      AtomicReference<ArenaStats> wrong,
      LongPredicate allocated,
      LongPredicate reserved) {
    Thread monitor =
        new Thread(
            () -> {
              while (!done.get()) {
                ArenaStats seen;
                try {
                  seen = ctx.arenaStats();
                } catch (IllegalStateException closed) {
                  return;
                }
                if (!allocated.test(seen.allocatedBytes())
                    || !reserved.test(seen.reservedBytes())
                    || seen.peakBytes() < seen.allocatedBytes()
                    || seen.chunks() < 0
                    || seen.chunks() > 3) {
                  wrong.set(seen);
                  return;
                }
              }
            },
            "monitor");
    monitor.start();
    return monitor;
  }

  @Test
  void eachNumberIsOneThatItHad() throws Exception {
    AtomicBoolean done = new AtomicBoolean();
    AtomicReference<ArenaStats> wrong = new AtomicReference<>();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Set<Long> charges = Set.of(0L, 100L, 100L + CHUNK, 100L + CHUNK + 50);
      Thread monitor = monitor(ctx, done, wrong, charges::contains, bytes -> bytes % CHUNK == 0);
      for (int round = 0; round < 30_000 && wrong.get() == null; round++) {
        Scope scope = ctx.scope();
        ctx.empty(DType.INT8, 100);
        ctx.empty(DType.INT8, CHUNK); // in another chunk
        ctx.scope().close();
        ctx.empty(DType.INT8, 50).share().close();
        scope.close();
      }
      done.set(true);
      monitor.join();
    }
    assertNull(wrong.get());
  }

  @Test
  void theNumbersOfTheNextContextWithTheSameRecordAreNotSeen() throws Exception {
    AtomicBoolean done = new AtomicBoolean();
    AtomicReference<ArenaStats> wrong = new AtomicReference<>();
    for (int round = 0; round < 300 && wrong.get() == null; round++) {
      ExecutionContext ctx = ExecutionContext.open();
      ctx.empty(DType.INT8, 100);
      Thread monitor = monitor(ctx, done, wrong, bytes -> bytes == 100, bytes -> bytes == CHUNK);
      ctx.close();
      for (int next = 0; next < 30; next++) {
        try (ExecutionContext other = ExecutionContext.open()) {
          other.empty(DType.INT8, 2 * CHUNK);
        }
      }
      monitor.join();
    }
    assertNull(wrong.get());
  }
}
