package dev.tensorarena.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ForeignMemory;
import dev.tensorarena.FullHeap;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;

/** Where the heap ends in the middle of a call, nothing is lost. In a JVM that has little of it. */
class HeapExhaustedTest {
  @Test
  void anArenaForWhichThereIsNoHeapLeavesNoScopeBehind() throws Exception {
    FullHeap.run(NoHeap.class);
  }

  @Test
  void aStructForWhichThereIsNoHeapPinsNothingAndIsNotTaken() throws Exception {
    FullHeap.run(Structs.class);
  }

  /** Also the first one, and the one after whose call the JDK compiles the method handle. */
  @Test
  void aDeleterIsCalledWhereThereIsNoHeap() throws Exception {
    FullHeap.run(Deleter.class, "-DdeletedBefore=0");
    FullHeap.run(Deleter.class, "-DdeletedBefore=127");
  }

  static final class Deleter {
    private static final FullHeap HEAP = new FullHeap();

    public static void main(String[] args) throws Exception {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        for (int i = Integer.getInteger("deletedBefore"); i > 0; i--) {
          Dlpack.delete(Dlpack.toDlpack(ctx.zeros(DType.INT8, 8)));
        }
        long address = ctx.zeros(DType.INT8, 8).address();
        try (Scope loading = ctx.scope()) { // all but the deleter's call
          assertTrue(loading.isOpen());
          ctx.wrap(ForeignMemory.ofAddress(address, 8, () -> {}), DType.INT8, Shape.of(8));
        }
        long struct;
        try (ExecutionContext other = ExecutionContext.open()) {
          struct = Dlpack.toDlpack(other.zeros(DType.INT8, 8));
        }
        Scope scope = ctx.scope();
        Dlpack.fromDlpack(ctx, struct);
        HEAP.fillButFor(0);
        scope.close();
        HEAP.empty();
      }
      assertEquals(0, ChunkPool.stats().pinnedChunks());
    }
  }

  static final class Structs {
    private static final FullHeap HEAP = new FullHeap();
    private static final int STEP = 16;

    private static int refused;

    public static void main(String[] args) throws Exception {
      for (int i = 0; i < 200; i++) { // the JDK compiles a method handle after its 127th call
        try (ExecutionContext ctx = ExecutionContext.open()) {
          Dlpack.fromDlpack(ctx, Dlpack.toDlpack(ctx.zeros(DType.INT8, 8, 2).select(0, 1)));
        }
      }
      for (int room = 0; room < STEP; room += 4) {
        long struct = handedOver(room);
        assertEquals(1, ChunkPool.stats().pinnedChunks());
        taken(struct, room);
        assertEquals(0, ChunkPool.stats().inUseChunks());
      }
      assertTrue(refused > 10, "refused: " + refused);
    }

    private static long handedOver(int room) throws Exception {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = ctx.zeros(DType.INT8, 8, 1000);
        Callable<Long> toDlpack = () -> Dlpack.toDlpack(tensor.select(0, 1));
        return withRoom(room, toDlpack, 0);
      }
    }

    private static void taken(long struct, int room) throws Exception {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Callable<Tensor> fromDlpack = () -> Dlpack.fromDlpack(ctx, struct);
        withRoom(room, fromDlpack, 1);
      }
    }

    /** With ever more room, until it is enough; what was refused has left so many pinned chunks. */
    private static <T> T withRoom(int least, Callable<T> taking, int pinned) throws Exception {
      for (int room = least; ; room += STEP) {
        HEAP.fillButFor(room);
        try {
          T taken = taking.call();
          HEAP.empty();
          return taken;
        } catch (OutOfMemoryError e) {
          HEAP.empty();
          refused++;
          assertEquals(pinned, ChunkPool.stats().pinnedChunks());
        }
      }
    }
  }

  static final class NoHeap {
    private static final FullHeap HEAP = new FullHeap();

    public static void main(String[] args) throws Exception {
      for (int round = 0; round < 3; round++) {
        openAndClose();
      }
      assertTrue(HEAP.refused() > 0, "nothing was refused");
    }

    private static void openAndClose() throws Exception {
      List<String> closed = new ArrayList<>();
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Scope scope = ctx.scope();
        ArenaAllocator.of(ctx).close(); // links and loads
        ArenaAllocator arena = HEAP.roomBitByBit(() -> ArenaAllocator.of(ctx));
        arena.close();
        assertFalse(arena.isOpen());
        ctx.track(() -> closed.add("first"));
        scope.track(() -> closed.add("last"));
      }
      assertEquals(List.of("last", "first"), closed, "both were tracked by one scope");
    }
  }
}
