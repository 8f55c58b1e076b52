package dev.tensorarena.arrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.FullHeap;
import dev.tensorarena.Tensor;
import java.util.concurrent.Callable;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.IntVector;
import org.junit.jupiter.api.Test;

/** Where the heap ends within a hand-over, nothing of ours stays held, and nothing is frozen. */
class NoHeapTest {
  @Test
  void whatWasNotHandedOverIsNotHeld() throws Exception {
    FullHeap.run(NoHeap.class, "--add-opens=java.base/java.nio=ALL-UNNAMED");
  }

  static final class NoHeap {
    private static final FullHeap HEAP = new FullHeap();

    public static void main(String[] args) throws Exception {
      BufferAllocator allocator = new RootAllocator(); // its own books may be wrong in the end
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = ctx.zeros(DType.INT32, 10, 10);
        handOver(tensor, () -> ArrowTensors.buffer(allocator, tensor));
      }
      wrap(allocator);
      assertEquals(0, ChunkPool.stats().inUseChunks());
      assertTrue(HEAP.refused() > 0, "nothing was refused");
    }

    private static void handOver(Tensor tensor, Callable<AutoCloseable> over) throws Exception {
      try (ExecutionContext warm = ExecutionContext.open();
          BufferAllocator allocator = new RootAllocator()) { // links and loads
        ArrowTensors.buffer(allocator, warm.zeros(DType.INT32, 2)).close();
      }
      AutoCloseable made =
          HEAP.roomBitByBit(
              4,
              () -> {
                try {
                  return over.call();
                } catch (OutOfMemoryError e) {
                  if (!tensor.isWritable() || ChunkPool.stats().pinnedChunks() != 0) {
                    throw new IllegalStateException("frozen or held after a failure", e);
                  }
                  throw e;
                }
              });
      made.close();
      assertEquals(0, ChunkPool.stats().pinnedChunks());
    }

    private static void wrap(BufferAllocator allocator) throws Exception {
      IntVector vector = Filled.ints(allocator, 1);
      int before = vector.getDataBuffer().refCnt();
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ArrowTensors.wrap(ctx, vector);
        HEAP.roomBitByBit(4, () -> ArrowTensors.wrap(ctx, vector));
      }
      assertEquals(before, vector.getDataBuffer().refCnt());
      vector.close();
    }
  }
}
