package dev.tensorarena.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OnnxTensor;
import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.FullHeap;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import org.junit.jupiter.api.Test;

/** Where the heap ends in the middle of a call, nothing is held. In a JVM that has little of it. */
class HeapExhaustedTest {
  @Test
  void aValueOrACopyForWhichThereIsNoHeapHoldsNothing() throws Exception {
    FullHeap.run(NoHeap.class);
  }

  static final class NoHeap {
    private static final FullHeap HEAP = new FullHeap();

    public static void main(String[] args) throws Exception {
      for (int round = 0; round < 2; round++) {
        handOver();
        copy();
        assertEquals(0, ChunkPool.stats().pinnedChunks());
        assertEquals(0, ChunkPool.stats().inUseChunks());
      }
      assertTrue(HEAP.refused() > 4, "nothing was refused");
    }

    private static void handOver() throws Exception {
      try (ExecutionContext warm = ExecutionContext.open()) { // links and loads
        SharedTensor handle = warm.zeros(DType.INT8, 4).share();
        OnnxTensors.createTensor(Models.ENVIRONMENT, handle);
        handle.close();
        OnnxTensors.createOutput(Models.ENVIRONMENT, warm.zeros(DType.INT8, 4));
      }
      OnnxTensor value;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = ctx.zeros(DType.INT8, 4);
        value = HEAP.roomBitByBit(() -> OnnxTensors.createOutput(Models.ENVIRONMENT, tensor));
        assertEquals(tensor.address(), NativeValues.address(value));
        SharedTensor handle = tensor.share();
        OnnxTensor shared =
            HEAP.roomBitByBit(() -> OnnxTensors.createTensor(Models.ENVIRONMENT, handle));
        handle.close();
        assertTrue(shared.isClosed());
      }
      assertTrue(value.isClosed());
    }

    private static void copy() throws Exception {
      try (ExecutionContext ctx = ExecutionContext.open();
          OnnxTensor value = OnnxTensor.createTensor(Models.ENVIRONMENT, new float[] {3, 1, 2})) {
        OnnxTensors.copyOf(ctx, value); // links and loads
        Tensor copy = HEAP.roomBitByBit(() -> OnnxTensors.copyOf(ctx, value));
        assertEquals(2f, copy.getFloatAt(2));
      }
    }
  }
}
