package dev.tensorarena.interop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPin;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tensors as arrays of DJL's, and back, as docs/INTEROP.md shows it. */
class DjlExamplesTest {
  @ParameterizedTest
  @ValueSource(strings = {"OnnxRuntime", "PyTorch"})
  void aTensorIsAnArrayUntilItsScopeEnds(String name) {
    Engine engine = Engine.getEngine(name);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Scope scope = ctx.scope();
      // example
      Tensor x = ctx.copyOf(Shape.of(2, 3), 3f, 1, 2, 6, 5, 4);
      NDManager arrays = ctx.track(engine.newBaseManager(Device.cpu())); // ends before x does
      NDArray a =
          arrays.create(
              x.asByteBuffer(), new ai.djl.ndarray.types.Shape(2, 3), DataType.FLOAT32); // no copy
      // end of example
      x.setFloat(7f, 0, 0);
      assertArrayEquals(new float[] {7, 1, 2, 6, 5, 4}, a.toFloatArray());
      assertEquals(1, arrays.getManagedArrays().size());
      scope.close();
      assertFalse(arrays.isOpen());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"OnnxRuntime", "PyTorch"})
  void aTensorIsAnArrayUntilItsManagerEnds(String name) {
    Engine engine = Engine.getEngine(name);
    NDManager arrays = engine.newBaseManager(Device.cpu());
    NDArray made;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.copyOf(Shape.of(2, 3), 3f, 1, 2, 6, 5, 4);
      // example
      NDArray a =
          arrays.create(x.asByteBuffer(), new ai.djl.ndarray.types.Shape(2, 3), DataType.FLOAT32);
      arrays.attachInternal(NDManager.nextUid(), TensorPin.of(x)); // x's bytes end with arrays
      // end of example
      made = a;
    }
    assertEquals(1, ChunkPool.stats().pinnedChunks());
    assertArrayEquals(new float[] {3, 1, 2, 6, 5, 4}, made.toFloatArray());
    arrays.close();
    assertEquals(0, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void anArrayOfPyTorchsIsATensorUntilTheLastHolderHasGone() {
    NDManager arrays = Engine.getEngine("PyTorch").newBaseManager(Device.cpu());
    try (ExecutionContext ctx = ExecutionContext.open()) {
      NDArray a = arrays.arange(6f).reshape(2, 3);
      // example
      NDArray sum = a.add(a); // contiguous, as results of arithmetic on contiguous arrays are
      sum.detach(); // or it would end with its manager, whoever holds it
      Tensor y =
          ctx.wrap(sum.toByteBuffer(true), DType.FLOAT32, Shape.of(2, 3), sum::close); // no copy
      // end of example
      arrays.close();
      assertArrayEquals(new float[] {0, 2, 4, 6, 8, 10}, y.toFloatArray());
    }
  }
}
