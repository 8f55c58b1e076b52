package dev.tensorarena.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtSession;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Values of ONNX Runtime's own memory as tensors. */
class CopyOfTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  private static OnnxTensor result(OrtSession.Result results) {
    return (OnnxTensor) results.get("y").orElseThrow();
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void aResultOfEveryTypeIsCopiedByteForByte(DType dtype) throws Exception {
    Tensor x = OnnxTensorsTest.filled(ctx, dtype, Shape.of(2, 3));
    Tensor copy;
    try (OrtSession session = Models.identity(Models.number(dtype));
        OnnxTensor input = OnnxTensors.createTensor(Models.ENVIRONMENT, x);
        OrtSession.Result results = session.run(Map.of("x", input))) {
      copy = OnnxTensors.copyOf(ctx, result(results));
      assertTrue(NativeValues.address(result(results)) != copy.address());
    }
    assertEquals(dtype, copy.dtype());
    assertEquals(x.shape(), copy.shape());
    assertEquals(x.asByteBuffer(), copy.asByteBuffer());
    assertTrue(copy.isWritable());
  }

  @Test
  void aResultWhoseSizeNobodyKnewIsATensorOfItsShape() throws Exception {
    try (OrtSession session = Models.nonZero()) {
      for (float[] values : new float[][] {{0, 7, 0, 8}, {0, 0, 0, 0}}) {
        try (OnnxTensor input =
                OnnxTensors.createTensor(Models.ENVIRONMENT, ctx.copyOf(Shape.of(2, 2), values));
            OrtSession.Result results = session.run(Map.of("x", input))) {
          Tensor indices = OnnxTensors.copyOf(ctx, result(results));
          assertEquals(DType.INT64, indices.dtype());
          if (values[1] == 0) {
            assertEquals(Shape.of(2, 0), indices.shape());
          } else {
            assertEquals(Shape.of(2, 2), indices.shape());
            assertArrayEquals(new long[] {0, 1, 1, 1}, indices.toLongArray());
          }
        }
      }
    }
  }

  @Test
  void aScalarIsOne() throws Exception {
    try (OnnxTensor value = OnnxTensor.createTensor(Models.ENVIRONMENT, 2.5f)) {
      Tensor scalar = OnnxTensors.copyOf(ctx, value);
      assertEquals(Shape.scalar(), scalar.shape());
      assertEquals(2.5f, scalar.getFloatAt(0));
    }
  }

  /** What its user gave it, and whose position has moved since. */
  @Test
  void aValueOverAnyBufferIsCopiedAsItIs() throws Exception {
    FloatBuffer floats = ctx.allocSlice(9f, 3f, 1f, 2f).asFloatBuffer().position(1);
    try (OnnxTensor value = OnnxTensor.createTensor(Models.ENVIRONMENT, floats, new long[] {3})) {
      floats.position(4);
      assertArrayEquals(new float[] {3, 1, 2}, OnnxTensors.copyOf(ctx, value).toFloatArray());
    }
  }

  @Test
  void theCopyIsTheInnermostScopes() throws Exception {
    Tensor copy;
    try (OnnxTensor value = OnnxTensor.createTensor(Models.ENVIRONMENT, new float[] {1});
        dev.tensorarena.Scope inner = ctx.scope()) {
      copy = OnnxTensors.copyOf(ctx, value);
      assertTrue(inner.isOpen() && copy.isAlive());
    }
    assertTrue(!copy.isAlive());
  }

  // ---- what is refused

  /** ONNX Runtime gives them as signed numbers. */
  @Test
  void unsignedNumbersOfTwoBytesAndMoreAreRefusedByTheirName() throws Exception {
    for (int type : new int[] {Models.UINT16, Models.UINT32, Models.UINT64}) {
      try (OrtSession session = Models.cast(Models.FLOAT, type);
          OnnxTensor input = OnnxTensors.createTensor(Models.ENVIRONMENT, ctx.allocSlice(65535f));
          OrtSession.Result results = session.run(Map.of("x", input))) {
        String refusal =
            assertThrows(
                    IllegalArgumentException.class, () -> OnnxTensors.copyOf(ctx, result(results)))
                .getMessage();
        assertTrue(refusal.contains("ELEMENT_DATA_TYPE_UINT"), refusal);
        assertTrue(refusal.contains("cast"), refusal);
      }
    }
  }

  @Test
  void stringsAreRefused() throws Exception {
    try (OnnxTensor value = OnnxTensor.createTensor(Models.ENVIRONMENT, new String[] {"a"})) {
      String refusal =
          assertThrows(IllegalArgumentException.class, () -> OnnxTensors.copyOf(ctx, value))
              .getMessage();
      assertTrue(refusal.contains("ELEMENT_DATA_TYPE_STRING"), refusal);
    }
  }

  @Test
  void aValueThatIsClosedIsRefused() throws Exception {
    for (float[] values : new float[][] {{1}, {}}) {
      OnnxTensor value =
          OnnxTensor.createTensor(
              Models.ENVIRONMENT,
              ctx.allocSlice(values).asFloatBuffer(),
              new long[] {values.length});
      value.close();
      assertThrows(IllegalStateException.class, () -> OnnxTensors.copyOf(ctx, value));
    }
  }

  @Test
  void aContextThatIsClosedOrAnotherThreadsIsRefused() throws Exception {
    try (OnnxTensor value = OnnxTensor.createTensor(Models.ENVIRONMENT, new float[] {1})) {
      ExecutionContext closed = ExecutionContext.open();
      closed.close();
      assertThrows(IllegalStateException.class, () -> OnnxTensors.copyOf(closed, value));
      CompletableFuture.runAsync(
              () -> assertThrows(IllegalStateException.class, () -> OnnxTensors.copyOf(ctx, value)))
          .join();
    }
  }

  /** Of 2 GiB, but for the memory: it is refused before that is looked at. */
  @Test
  void whatNoBufferOfJavasHoldsIsRefused() throws Exception {
    String refusal =
        assertThrows(
                IllegalArgumentException.class,
                () -> OnnxTensors.copyOf(ctx, NativeValues.withoutMemory(1L << 29)))
            .getMessage();
    assertTrue(refusal.contains("536870912 elements of 4 bytes"), refusal);
  }
}
