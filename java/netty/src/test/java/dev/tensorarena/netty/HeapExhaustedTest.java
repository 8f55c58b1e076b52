package dev.tensorarena.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.FullHeap;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import org.junit.jupiter.api.Test;

/** Where the heap ends in the middle of a call, nothing is held. In a JVM that has little of it. */
class HeapExhaustedTest {
  @Test
  void aBufferOrATensorForWhichThereIsNoHeapHoldsNothing() throws Exception {
    String netty = "io.netty.noUnsafe";
    FullHeap.run(NoHeap.class, "-D" + netty + "=" + System.getProperty(netty));
  }

  static final class NoHeap {
    private static final FullHeap HEAP = new FullHeap();

    public static void main(String[] args) throws Exception {
      ByteBuf buffer = UnpooledByteBufAllocator.DEFAULT.directBuffer(4).writeInt(1);
      for (int round = 0; round < 2; round++) {
        handOver();
        takeBack(buffer);
        assertEquals(1, buffer.refCnt());
      }
      assertTrue(HEAP.refused() > 4, "nothing was refused");
      assertTrue(buffer.release());
    }

    private static void handOver() throws Exception {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = ctx.zeros(DType.INT8, 4);
        TensorBuffers.wrappedBuffer(tensor).release(); // links and loads
        HEAP.roomBitByBit(4, () -> TensorBuffers.wrappedBuffer(tensor)).release();
      }
      assertEquals(0, ChunkPool.stats().pinnedChunks());
      assertEquals(0, ChunkPool.stats().inUseChunks());
    }

    private static void takeBack(ByteBuf buffer) throws Exception {
      Shape shape = Shape.of(1);
      try (ExecutionContext ctx = ExecutionContext.open();
          Scope scope = ctx.scope()) {
        TensorBuffers.wrap(ctx, buffer, DType.INT32, shape);
        HEAP.roomBitByBit(4, () -> TensorBuffers.wrap(ctx, buffer, DType.INT32, shape));
        assertEquals(3, buffer.refCnt());
        assertTrue(scope.isOpen());
      }
    }
  }
}
