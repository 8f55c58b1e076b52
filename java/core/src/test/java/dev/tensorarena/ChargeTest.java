package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What lives in a context's scopes is charged until its scope ends, wherever its bytes lie. */
class ChargeTest {
  private static final int KEPT = 600_000;

  /** Keeps the result of a scope in a chunk that leaves the context, since something pins it. */
  private static Tensor keepPinned(ExecutionContext ctx, Deque<AutoCloseable> pins, int how) {
    Scope scope = ctx.scope();
    Tensor result = ctx.empty(DType.INT8, KEPT);
    if (how == 0) {
      pins.push(TensorPin.of(result));
    } else { // it is frozen then, and stays where others read it
      scope.track(() -> pins.push(result.share()));
    }
    return scope.closeKeeping(how == 2 ? result.slice(0, 0, 64) : result);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void whatIsKeptIsChargedUntilItsScopeEnds(int how) throws Exception {
    Deque<AutoCloseable> pins = new ArrayDeque<>();
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(KEPT + 14_464)) {
      ctx.allocSlice(1f);
      long before = ctx.memoryUsage();
      for (int i = 0; i < 50; i++) {
        Scope outer = ctx.scope();
        Scope inner = ctx.scope();
        Tensor kept = keepPinned(ctx, pins, how);
        assertEquals(before + KEPT, ctx.memoryUsage(), "round " + i);
        assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, KEPT));
        Scope innermost = ctx.scope();
        ctx.empty(DType.INT8, 10_000);
        innermost.close();
        assertEquals(before + KEPT, ctx.memoryUsage());
        assertTrue(kept.isAlive());
        if (i % 2 == 0) {
          inner.close();
          assertEquals(before, ctx.memoryUsage(), "round " + i);
        }
        outer.close();
        assertEquals(before, ctx.memoryUsage(), "round " + i);
      }
      keepPinned(ctx, pins, how);
      assertThrows(MemoryLimitExceededException.class, () -> keepPinned(ctx, pins, how));
      ctx.reset();
      assertEquals(0, ctx.memoryUsage());
      keepPinned(ctx, pins, how);
      assertEquals(KEPT, ctx.memoryUsage());
    } finally {
      for (AutoCloseable pin : pins) {
        pin.close();
      }
    }
  }

  @Test
  void whatIsKeptAgainIsChargedOnce() throws Exception {
    Deque<AutoCloseable> pins = new ArrayDeque<>();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.allocSlice(1f);
      long before = ctx.memoryUsage();
      Scope outer = ctx.scope();
      Scope inner = ctx.scope();
      Tensor kept = keepPinned(ctx, pins, 0);
      Tensor again = inner.closeKeeping(kept);
      assertTrue(ctx.memoryUsage() >= before + KEPT);
      assertTrue(ctx.memoryUsage() <= before + KEPT + 64, "" + ctx.memoryUsage());
      again.fill(1);
      outer.close();
      assertEquals(before, ctx.memoryUsage());
    } finally {
      for (AutoCloseable pin : pins) {
        pin.close();
      }
    }
  }

  @Test
  void whatIsTakenOverIsChargedUntilItsScopeEnds() {
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(2 * KEPT)) {
      for (int round = 0; round < 50; round++) {
        Scope outer = ctx.scope();
        Scope inner = ctx.scope();
        Tensor taken = shareOfAnother().mutable(ctx).fill(round);
        assertEquals(KEPT, ctx.memoryUsage());
        SharedTensor handle = taken.share();
        assertEquals(KEPT, ctx.memoryUsage());
        handle.close();
        ctx.empty(DType.INT8, KEPT);
        SharedTensor refused = shareOfAnother();
        assertRefuses(
            MemoryLimitExceededException.class, () -> refused.mutable(ctx), KEPT + " bytes", "use");
        assertTrue(refused.isAlive(), "nothing has changed");
        refused.close();
        Tensor kept = inner.closeKeeping(taken.mutable(ctx));
        assertEquals(KEPT, ctx.memoryUsage());
        assertEquals((byte) round, kept.getByte(KEPT - 1));
        outer.close();
        assertEquals(0, ctx.memoryUsage());
      }
    }
  }

  @Test
  void aResetEndsWhatIsChargedToAContextWithoutAChunk() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      shareOfAnother().mutable(ctx);
      assertEquals(KEPT, ctx.memoryUsage());
      ctx.reset();
      assertEquals(0, ctx.memoryUsage());
    }
  }

  private static SharedTensor shareOfAnother() {
    try (ExecutionContext other = ExecutionContext.open()) {
      return other.empty(DType.INT8, KEPT).share();
    }
  }

  @Test
  void whatIsTakenOverInItsOwnArenaIsChargedOnce() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.empty(DType.INT8, 64);
      Scope scope = ctx.scope();
      SharedTensor handle = ctx.empty(DType.INT8, 640).share();
      scope.close();
      assertEquals(64 + 640, ctx.memoryUsage(), "it lies below the cursor");
      Tensor taken = handle.mutable(ctx).fill(5);
      assertEquals(64 + 640, ctx.memoryUsage());
      assertEquals(
          5, ctx.tensorAt(taken.address(), DType.INT8, Shape.of(640)).getByte(639), "and lives");
    }
  }

  /** A seed for each; in the mean every second allocation is of an outer scope. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void bytesOfAnOuterScopeAreChargedUntilThatEnds(long seed) {
    Random random = new Random(seed);
    try (ExecutionContext ctx = ExecutionContext.builder().alignment(1).open()) {
      for (int round = 0; round < 100; round++) {
        if (round % 3 == 0) {
          ctx.reset(); // then scopes begin at the first byte of a chunk
        }
        Deque<Scope> scopes = new ArrayDeque<>();
        Deque<Long> living = new ArrayDeque<>(); // bytes of each scope
        long before = ctx.memoryUsage();
        long all = 0;
        for (int step = 0; step < 30; step++) {
          int what = random.nextInt(6);
          long bytes = random.nextInt(1 << 1 + random.nextInt(19));
          if (scopes.isEmpty() || what == 0) {
            scopes.push(ctx.scope());
            living.push(0L);
          } else if (what == 1) {
            scopes.pop().close();
            all -= living.pop();
          } else {
            int depth = what < 4 ? 0 : random.nextInt(scopes.size());
            Long[] each = living.toArray(new Long[0]);
            scopes.toArray(new Scope[0])[depth].allocateAddress(bytes, 1);
            each[depth] += bytes;
            living = new ArrayDeque<>(List.of(each));
            all += bytes;
          }
          long charged = ctx.memoryUsage() - before;
          assertTrue(charged >= all, charged + " of " + all + " in round " + round);
          if (ctx.arenaStats().wastedBytes() == 0) {
            assertEquals(all, charged, "round " + round);
          }
        }
        while (!scopes.isEmpty()) {
          scopes.removeLast().close();
        }
        assertEquals(before, ctx.memoryUsage());
      }
    }
  }
}
