package dev.tensorarena;

import static dev.tensorarena.StackEdge.atTheEdge;
import static dev.tensorarena.StackEdge.onSmallStack;
import static dev.tensorarena.StackEdge.overflows;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A call that the stack's end breaks off has lost nothing, wherever that was, and goes on where it
 * stopped when it is made again.
 */
class StackEdgeTest {
  /** After an access to bytes, which takes nothing once compiled, a call that does nothing. */
  private static final String FENCE = ",java/lang/ref/Reference.reachabilityFence";

  @ParameterizedTest
  @ValueSource(strings = {"-Xint", "-XX:TieredStopAtLevel=1", "-XX:TieredStopAtLevel=4"})
  void whatIsTriedAgainLosesNothing(String mode) throws Exception {
    TestSupport.fork(List.of(mode), Edges.class).assertSucceeded();
  }

  @Test
  void aFenceMayBeTheCallForWhichThereIsNoRoom() throws Exception {
    List<String> mode =
        List.of(
            "-XX:TieredStopAtLevel=1",
            "-XX:CompileCommand=exclude" + FENCE,
            "-XX:CompileCommand=dontinline" + FENCE);
    TestSupport.fork(mode, Edges.class).assertSucceeded();
  }

  static final class Edges {
    private static final int ROUNDS = 16;

    private static final StackOverflowError OVERFLOW = new StackOverflowError();

    private static int heights;

    public static void main(String[] args) throws InterruptedException {
      onSmallStack(Edges::contextsThatAreFilledWithScopes);
      repeat("a scope", Edges::closeScope);
      repeat("a scope that tracks", Edges::closeScopeThatTracks);
      repeat("a scope that holds", Edges::closeScopeThatHolds);
      repeat("closeKeeping", Edges::closeKeeping);
      repeat("closeKeeping of several", Edges::keepSeveral);
      repeat("reset", Edges::reset);
      repeat("a context", Edges::closeContext);
      repeat("a handle", Edges::closeHandle);
      repeat("a handle that tracks", Edges::closeHandleThatTracks);
      repeat("share", Edges::share);
      repeat("a pin", Edges::pin);
      repeat("parts", Edges::split);
      repeat("tryShare against close", Edges::tryShareOfWhatIsClosedMeanwhile);
      repeat("mutable", Edges::mutable);
      repeat("open", Edges::open);
      repeat("a refusal", Edges::refuse);
      repeat("an address of an outer scope", Edges::allocateInOuterScope);
      repeat("a context that moves", Edges::move);
      repeat("a context that is adopted", Edges::adopt);
      repeat("a queue", Edges::queue);
    }

    private static void repeat(String what, Runnable step) throws InterruptedException {
      int before = overflows();
      int rounds = 0;
      while (rounds < ROUNDS || overflows() - before <= rounds && rounds < 10 * ROUNDS) {
        onSmallStack(step);
        String round = what + ", round " + rounds++;
        assertEquals(0, ChunkPool.stats().inUseChunks(), round);
        assertEquals(0, ChunkPool.stats().pinnedChunks(), round);
      }
      // The stack is filled in each round, and the step itself must overflow in some.
      assertTrue(overflows() - before > rounds, what + " overflowed");
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

    /**
     * Others find the queue as it was: none of its locks is this thread's any longer; each round by
     * another call.
     */
    private static void queue() {
      TensorQueue queue = TensorQueue.bounded(1, 100);
      SharedTensor handle;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        handle = ctx.allocSlice(1f).share();
      }
      boolean[] put = new boolean[1];
      SharedTensor[] taken = new SharedTensor[1];
      int round = heights++ % 3;
      if (round == 0) {
        atTheEdge(() -> put[0] = put[0] || offer(queue, handle));
        assertEquals(1, sizeElsewhere(queue));
      } else {
        put[0] = offer(queue, handle);
      }
      assertTrue(put[0]);
      if (round == 1) {
        atTheEdge(() -> taken[0] = taken[0] == null ? poll(queue) : taken[0]);
        assertEquals(handle, taken[0]);
        taken[0].close();
      } else if (round == 2) {
        atTheEdge(queue::close);
      } else {
        queue.close();
      }
      assertFalse(handle.isOpen());
      assertEquals(0, sizeElsewhere(queue));
    }

    private static boolean offer(TensorQueue queue, SharedTensor handle) {
      try {
        return queue.offer(handle, 0, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    private static SharedTensor poll(TensorQueue queue) {
      try {
        return queue.poll(0, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    private static int sizeElsewhere(TensorQueue queue) {
      int[] size = {-1};
      Thread other = new Thread(() -> size[0] = queue.size());
      other.setDaemon(true);
      other.start();
      while (other.getState() != Thread.State.TERMINATED) {
        assertNotEquals(Thread.State.WAITING, other.getState(), "for a lock that nobody has");
        Thread.yield();
      }
      return size[0];
    }

    private static void move() {
      ExecutionContext ctx = ExecutionContext.open();
      ctx.scope().track(() -> {});
      Tensor tensor = ctx.allocSlice(1f);
      SharedTensor shared = tensor.share();
      DetachedContext[] moving = new DetachedContext[1];
      atTheEdge(
          () -> {
            if (moving[0] == null) {
              moving[0] = ctx.detach();
            }
          });
      atTheEdge(
          () -> {
            if (moving[0].isOpen()) {
              moving[0].attach();
            }
          });
      assertEquals(1f, tensor.getFloat(0));
      shared.close();
      DetachedContext again = ctx.detach();
      atTheEdge(again::close);
      assertFalse(ctx.isOpen());
    }

    private static void adopt() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Scope scope = ctx.scope();
        ExecutionContext child = ExecutionContext.open();
        child.scope().track(() -> {});
        Tensor tensor = child.allocSlice(1f);
        SharedTensor shared = tensor.share();
        Tensor large = child.empty(DType.INT8, 100_000);
        DetachedContext moving = child.detach();
        atTheEdge(
            () -> {
              if (moving.isOpen()) {
                ctx.adopt(moving);
              }
            });
        assertFalse(child.isOpen());
        assertEquals(1f, tensor.getFloat(0));
        shared.close();
        assertTrue(large.isAlive());
        assertTrue(ctx.memoryUsage() >= 100_004);
        scope.close();
        assertFalse(large.isAlive());
      }
    }

    private static void closeScope() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor outer = ctx.allocSlice(1f);
        long used = ctx.memoryUsage();
        Scope scope = ctx.scope();
        Tensor tensor = ctx.empty(DType.INT8, 100_000);
        atTheEdge(scope::close);
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
        atTheEdge(scope::close);
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
        atTheEdge(scope::close);
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
        atTheEdge(() -> kept[0] = scope.closeKeeping(result));
        assertFalse(below.isAlive());
        assertEquals(2f, kept[0].getFloat(1));
      }
    }

    private static void keepSeveral() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.allocTemp(1f);
        Scope outer = ctx.scope();
        Scope between = ctx.scope();
        Scope scope = ctx.scope();
        Tensor first = ctx.allocSlice(1f, 2f);
        Tensor[] results = {
          first, ctx.empty(DType.INT8, 70_000), first.slice(0, 1, 2), ctx.allocSlice(3f)
        };
        Tensor[][] kept = new Tensor[1][];
        boolean far = overflows() % 2 == 0;
        atTheEdge(() -> kept[0] = scope.closeKeeping(far ? outer : between, results));
        assertFalse(first.isAlive());
        assertEquals(2f, kept[0][2].getFloat(0));
        assertEquals(3f, kept[0][3].getFloat(0));
        between.close();
        assertEquals(far, kept[0][0].isAlive());
      }
    }

    private static void allocateInOuterScope() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Scope outer = ctx.scope();
        ctx.scope();
        ctx.empty(DType.INT8, 1000);
        long[] address = new long[1];
        atTheEdge(() -> address[0] = outer.allocateAddress(100, 8));
        assertTrue(address[0] != 0);
      }
    }

    private static void reset() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.scope();
        Tensor tensor = ctx.empty(DType.INT8, 100_000);
        tensor.share().close();
        ctx.scope();
        atTheEdge(ctx::reset);
        assertEnded(ctx, tensor, 0);
      }
    }

    private static void closeContext() {
      ExecutionContext ctx = ExecutionContext.open();
      ctx.scope();
      ctx.allocSlice(1f).share().close();
      Tensor tensor = ctx.empty(DType.INT8, 100_000);
      atTheEdge(ctx::close);
      assertFalse(tensor.isAlive());
    }

    private static void closeHandle() {
      SharedTensor before;
      SharedTensor after;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        before = ctx.allocSlice(1f).share();
        after = before.share();
        atTheEdge(before::close);
      }
      assertEquals(1f, after.getFloat(0));
      atTheEdge(after::close);
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
      atTheEdge(handle::close);
      assertFalse(handle.isAlive());
      assertEquals(1, closed[0]);
    }

    private static void share() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = ctx.allocSlice(1f);
        SharedTensor[] handle = new SharedTensor[2];
        atTheEdge(() -> handle[0] = tensor.share());
        atTheEdge(() -> handle[1] = handle[0].share());
        assertEquals(1f, handle[1].getFloat(0));
        handle[0].close();
        handle[1].close();
        tensor.mutable(ctx).setFloat(2f, 0);
      }
    }

    private static void pin() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = ctx.allocSlice(1f);
        TensorPin[] pin = new TensorPin[1];
        atTheEdge(() -> pin[0] = TensorPin.of(tensor));
        atTheEdge(pin[0]::close);
      }
    }

    private static void split() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = ctx.allocSlice(1f, 2f);
        TensorParts[] parts = new TensorParts[1];
        atTheEdge(() -> parts[0] = tensor.split(0, 2));
        atTheEdge(parts[0]::close);
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
        atTheEdge(() -> made[0] = handle.mutable(ctx));
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
      atTheEdge(() -> ctx[0] = ExecutionContext.open());
      atTheEdge(() -> ctx[0].allocSlice(1f));
      ctx[0].close();
    }

    private static void assertEnded(ExecutionContext ctx, Tensor tensor, long used) {
      assertFalse(tensor.isAlive());
      assertEquals(used, ctx.memoryUsage());
      assertEquals(2f, ctx.allocSlice(2f).getFloat(0));
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
