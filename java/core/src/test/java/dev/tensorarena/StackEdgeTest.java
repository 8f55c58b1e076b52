package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A call that the stack's end breaks off has lost nothing, wherever that was, and goes on where it
 * stopped when it is made again.
 */
class StackEdgeTest {
  private static final long STACK = 512 << 10;

  @ParameterizedTest
  @ValueSource(strings = {"-Xint", "-XX:TieredStopAtLevel=1", "-XX:TieredStopAtLevel=4"})
  void whatIsTriedAgainLosesNothing(String mode) throws Exception {
    TestSupport.fork(List.of(mode), Edges.class).assertSucceeded();
  }

  /** What is done at the edge of a stack. */
  private interface Step {
    void run();
  }

  static final class Edges {
    private static final int ROUNDS = 16;

    private static final StackOverflowError OVERFLOW = new StackOverflowError();

    private static int overflows;
    private static int heights;

    /** Fills the stack, then runs the step in ever fewer frames until it does not overflow. */
    private static void atTheEdge(int padding, Step step) {
      try {
        if (padding % 3 == 0) {
          atTheEdge(padding + 1, step);
        } else {
          atTheEdgeInAnotherFrame(padding + 1, 1L, 2L, step);
        }
      } catch (StackOverflowError e) {
        overflows++;
        step.run();
      }
    }

    private static void atTheEdgeInAnotherFrame(int padding, long a, long b, Step step) {
      try {
        atTheEdge((int) (padding + a + b - 3), step);
      } catch (StackOverflowError e) {
        overflows++;
        step.run();
      }
    }

    private static void onSmallStack(Step step) throws InterruptedException {
      Throwable[] thrown = new Throwable[1];
      Thread thread = new Thread(null, step::run, "small", STACK);
      thread.setUncaughtExceptionHandler((of, e) -> thrown[0] = e);
      thread.start();
      thread.join();
      if (thrown[0] != null) {
        throw new AssertionError("on the small stack", thrown[0]);
      }
    }

    public static void main(String[] args) throws InterruptedException {
      onSmallStack(Edges::contextsThatAreFilledWithScopes);
      repeat("a scope", Edges::closeScope);
      repeat("a scope that tracks", Edges::closeScopeThatTracks);
      repeat("a scope that holds", Edges::closeScopeThatHolds);
      repeat("closeKeeping", Edges::closeKeeping);
      repeat("reset", Edges::reset);
      repeat("a context", Edges::closeContext);
      repeat("a handle", Edges::closeHandle);
      repeat("a handle that tracks", Edges::closeHandleThatTracks);
      repeat("share", Edges::share);
      repeat("tryShare against close", Edges::tryShareOfWhatIsClosedMeanwhile);
      repeat("mutable", Edges::mutable);
      repeat("open", Edges::open);
      repeat("a refusal", Edges::refuse);
      repeat("an address of an outer scope", Edges::allocateInOuterScope);
    }

    private static void repeat(String what, Step step) throws InterruptedException {
      int before = overflows;
      int rounds = 0;
      while (rounds < ROUNDS || overflows - before <= rounds && rounds < 10 * ROUNDS) {
        onSmallStack(step);
        String round = what + ", round " + rounds++;
        assertEquals(0, ChunkPool.stats().inUseChunks(), round);
        assertEquals(0, ChunkPool.stats().pinnedChunks(), round);
      }
      // The stack is filled in each round, and the step itself must overflow in some.
      assertTrue(overflows - before > rounds, what + " overflowed");
    }

    /** Until the stack is full; then each scope's end is tried at a greater height. */
    private static void fill(ExecutionContext ctx) {
      try (Scope scope = ctx.scope()) {
        scope.track(() -> {});
        fill(ctx);
      }
    }

    private static void contextsThatAreFilledWithScopes() {
      for (int i = 0; i < 50; i++) {
        ExecutionContext ctx = ExecutionContext.open();
        Tensor tensor = ctx.allocSlice(1f);
        boolean overflowed = false;
        try {
          fill(ctx);
        } catch (StackOverflowError e) {
          overflowed = true;
        }
        assertTrue(overflowed);
        assertEquals(1f, tensor.getFloat(0));
        ctx.reset();
        assertEquals(2f, ctx.allocSlice(2f).getFloat(0));
        ctx.close();
        assertEquals(0, ChunkPool.stats().inUseChunks());
      }
    }

    private static void closeScope() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor outer = ctx.allocSlice(1f);
        long used = ctx.memoryUsage();
        Scope scope = ctx.scope();
        Tensor tensor = ctx.empty(DType.INT8, 100_000);
        atTheEdge(0, scope::close);
        assertEnded(ctx, tensor, used);
        assertEquals(1f, outer.getFloat(0));
      }
    }

    private static void closeScopeThatTracks() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        int[] closed = new int[1];
        Scope scope = ctx.scope();
        Tensor tensor = ctx.empty(DType.INT8, 1000);
        scope.track(ctx.allocSlice(1f).share());
        scope.guard(Counting.class, guarded -> new Counting(closed));
        ctx.scope();
        ctx.track(tensor.share());
        atTheEdge(0, scope::close);
        assertEnded(ctx, tensor, 0);
        assertEquals(1, closed[0]);
      }
    }

    private static void closeScopeThatHolds() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Scope scope = ctx.scope();
        Tensor tensor = ctx.empty(DType.INT8, 100_000);
        List<SharedTensor> handles = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
          handles.add(tensor.share());
          handles.add(ctx.allocSlice(i).share());
        }
        handles.forEach(SharedTensor::close);
        atTheEdge(0, scope::close);
        assertEnded(ctx, tensor, 0);
      }
    }

    private static void closeKeeping() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Scope scope = ctx.scope();
        Tensor below = ctx.empty(DType.INT8, 1000);
        below.share().close();
        Tensor result = ctx.allocSlice(1f, 2f);
        Tensor[] kept = new Tensor[1];
        atTheEdge(0, () -> kept[0] = scope.closeKeeping(result));
        assertFalse(below.isAlive());
        assertEquals(2f, kept[0].getFloat(1));
      }
    }

    private static void allocateInOuterScope() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Scope outer = ctx.scope();
        ctx.scope();
        ctx.empty(DType.INT8, 1000);
        long[] address = new long[1];
        atTheEdge(0, () -> address[0] = outer.allocateAddress(100, 8));
        assertTrue(address[0] != 0);
      }
    }

    private static void reset() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.scope();
        Tensor tensor = ctx.empty(DType.INT8, 100_000);
        tensor.share().close();
        ctx.scope();
        atTheEdge(0, ctx::reset);
        assertEnded(ctx, tensor, 0);
      }
    }

    private static void closeContext() {
      ExecutionContext ctx = ExecutionContext.open();
      ctx.scope();
      ctx.allocSlice(1f).share().close();
      Tensor tensor = ctx.empty(DType.INT8, 100_000);
      atTheEdge(0, ctx::close);
      assertFalse(tensor.isAlive());
    }

    private static void closeHandle() {
      SharedTensor before;
      SharedTensor after;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        before = ctx.allocSlice(1f).share();
        after = before.share();
        atTheEdge(0, before::close);
      }
      assertEquals(1f, after.getFloat(0));
      atTheEdge(0, after::close);
      assertFalse(before.isAlive() || after.isAlive());
    }

    private static void closeHandleThatTracks() {
      int[] closed = new int[1];
      SharedTensor handle;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        handle = ctx.allocSlice(1f).share();
        handle.track(handle.share());
      }
      handle.guard(Counting.class, guarded -> new Counting(closed));
      atTheEdge(0, handle::close);
      assertFalse(handle.isAlive());
      assertEquals(1, closed[0]);
    }

    private static void share() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = ctx.allocSlice(1f);
        SharedTensor[] handle = new SharedTensor[2];
        atTheEdge(0, () -> handle[0] = tensor.share());
        atTheEdge(0, () -> handle[1] = handle[0].share());
        assertEquals(1f, handle[1].getFloat(0));
        handle[0].close();
        handle[1].close();
        tensor.mutable(ctx).setFloat(2f, 0);
      }
    }

    /**
     * Another thread closes the handle when the call has passed the gate, so that its hold goes
     * again; each round at another height.
     */
    private static void tryShareOfWhatIsClosedMeanwhile() {
      ClosedMeanwhile lent = new ClosedMeanwhile();
      SharedTensor other;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        lent.handle = ctx.wrap(lent, DType.INT8, Shape.of(8)).share();
        other = lent.handle.share();
      }
      new Thread(lent::closeWhenAsked).start();
      int[] passed = new int[1];
      int height = heights++;
      atTheEdge(
          0,
          () -> {
            if (passed[0]++ < height) {
              throw OVERFLOW;
            }
            lent.isArmed = true;
            lent.handle.tryShare();
          });
      lent.isArmed = false;
      assertFalse(lent.handle.isAlive());
      assertEquals(0, lent.released);
      other.close();
      assertEquals(1, lent.released);
    }

    private static void mutable() {
      SharedTensor handle;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        handle = ctx.allocSlice(1f).share();
      }
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor[] made = new Tensor[1];
        atTheEdge(0, () -> made[0] = handle.mutable(ctx));
        assertEquals(1f, made[0].getFloat(0));
      }
    }

    /** The first message that is made in its place, if it is the first round. */
    private static void refuse() {
      ExecutionContext ctx = ExecutionContext.builder().name("small").open();
      Tensor tensor = ctx.allocSlice(1f);
      ctx.close();
      Throwable[] thrown = new Throwable[1];
      atTheEdge(
          0,
          () -> {
            try {
              tensor.getFloat(0);
            } catch (StackOverflowError e) {
              throw e;
            } catch (RuntimeException | Error e) {
              thrown[0] = e;
            }
          });
      assertEquals(IllegalStateException.class, thrown[0].getClass());
    }

    private static void open() {
      ExecutionContext[] ctx = new ExecutionContext[1];
      atTheEdge(0, () -> ctx[0] = ExecutionContext.open());
      atTheEdge(0, () -> ctx[0].allocSlice(1f));
      ctx[0].close();
    }

    private static void assertEnded(ExecutionContext ctx, Tensor tensor, long used) {
      assertFalse(tensor.isAlive());
      assertEquals(used, ctx.memoryUsage());
      assertEquals(2f, ctx.allocSlice(2f).getFloat(0));
    }
  }

  private static final class ClosedMeanwhile extends BufferMemory {
    volatile SharedTensor handle;
    volatile boolean isArmed;
    private volatile boolean isAsked;
    private volatile boolean isClosed;
    volatile int released;

    ClosedMeanwhile() {
      super(8);
    }

    void closeWhenAsked() {
      while (!isAsked) {
        Thread.onSpinWait();
      }
      handle.close();
      isClosed = true;
    }

    @Override
    public boolean isAlive() {
      if (isArmed) {
        isAsked = true;
        while (!isClosed) {
          // without a call, for which there may be no stack
        }
      }
      return true;
    }

    @Override
    public void released() {
      released++;
    }
  }

  private static final class Counting extends Guard {
    private final int[] closed;

    Counting(int[] closed) {
      this.closed = closed;
    }

    @Override
    public void close() {
      closed[0]++;
    }
  }
}
