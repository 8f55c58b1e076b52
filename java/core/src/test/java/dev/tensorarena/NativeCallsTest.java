package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** C is entered to open, to refill, to end what is pinned or spans chunks, and to close. */
class NativeCallsTest {
  @Test
  void theSteadyStateCallsNothingNative() throws Exception {
    TestSupport.fork(NativeCalls.jvmArguments(), SteadyState.class).assertSucceeded();
  }

  @Test
  void openThreeTensorsAndCloseAreAtMostThreeCalls() throws Exception {
    TestSupport.fork(NativeCalls.jvmArguments(), OpenAndClose.class).assertSucceeded();
  }

  @Test
  void statisticsAreOneCall() throws Exception {
    TestSupport.fork(NativeCalls.jvmArguments(), Statistics.class).assertSucceeded();
  }

  static final class Statistics {
    public static void main(String[] args) {
      NativeCalls.load();
      try (ExecutionContext ctx = ExecutionContext.open()) {
        assertEquals("", NativeCalls.of(ctx::arenaStats), "there is nothing to count");
        ctx.allocTemp(1f);
        assertEquals("arenaStats", NativeCalls.of(ctx::arenaStats));
        assertEquals("poolStats", NativeCalls.of(ChunkPool::stats));
      }
    }
  }

  static final class SteadyState {
    private static final Shape SHAPE = Shape.of(20, 50);
    private static final float[] VALUES = new float[1000];

    public static void main(String[] args) {
      NativeCalls.load();
      try (ExecutionContext ctx = ExecutionContext.open()) {
        cycles(ctx); // takes the memory that a cycle needs
        assertEquals("", NativeCalls.of(() -> cycles(ctx)));

        Tensor[] kept = new Tensor[1];
        assertEquals("allocate", NativeCalls.of(() -> kept[0] = ctx.empty(DType.INT8, 1 << 20)));
        SharedTensor handle = kept[0].share();
        assertEquals("reset", NativeCalls.of(ctx::reset), "what is pinned ends in C");
        assertEquals("exposeChunk", NativeCalls.of(handle::address), "and nothing of the arena");
        assertEquals("", NativeCalls.of(handle::address));
        assertEquals("releaseChunk", NativeCalls.of(handle::close));
      }
    }

    private static void cycles(ExecutionContext ctx) {
      for (int i = 0; i < 200; i++) {
        cycle(ctx);
        ctx.reset();
      }
    }

    private static void cycle(ExecutionContext ctx) {
      Tensor table = ctx.empty(DType.FLOAT32, SHAPE);
      table.setFloat(1f, 2, 3);
      try (Scope outer = ctx.scope();
          Scope inner = ctx.scope()) {
        Tensor row = ctx.allocSlice(VALUES).reshape(SHAPE).select(0, 3);
        row.fill(row.getFloat(1)).toFloatArray();
        ctx.zeros(DType.INT64, 100).asLongBuffer().put(0, ctx.allocTemp(1L).getLongAt(0));
        table.transpose().slice(0, 1, 2).copy(ctx);
        outer.track(inner);
      }
      SharedTensor handle = table.share();
      handle.share().close();
      handle.close();
      table.mutable(ctx).setFloat(2f, 0, 0);
      ctx.allocate(100, 64);
      ctx.memoryUsage();
    }
  }

  static final class OpenAndClose {
    public static void main(String[] args) {
      NativeCalls.load();
      openAndClose(); // the first context has a slab to meet
      String three = NativeCalls.of(OpenAndClose::openAndClose);
      assertTrue(three.split(" ").length <= 3, three);
      String none = NativeCalls.of(() -> ExecutionContext.open().close());
      assertEquals("coarseMillis", none, "what never needs memory has no native part");
      for (int tensors : List.of(10, 100_000)) {
        assertEquals("reset", resetAfter(tensors), "the end costs the same for any number");
      }
    }

    private static void openAndClose() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.empty(DType.FLOAT32, 1000);
        ctx.empty(DType.INT64, 10, 20);
        ctx.empty(DType.INT8, 3);
      }
    }

    /** With the tensors in several chunks, which C gives back but for one. */
    private static String resetAfter(int tensors) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        for (int i = 0; i < tensors; i++) {
          ctx.empty(DType.INT8, 10_000_000L / tensors);
        }
        return NativeCalls.of(ctx::reset);
      }
    }
  }
}
