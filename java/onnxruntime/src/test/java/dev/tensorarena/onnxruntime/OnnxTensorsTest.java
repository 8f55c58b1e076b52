package dev.tensorarena.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import dev.tensorarena.ClosableMemory;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ForeignMemory;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Tensors as inputs and outputs: types, places, and what is refused. */
class OnnxTensorsTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  private static OnnxTensor input(Tensor tensor) throws OrtException {
    return OnnxTensors.createTensor(Models.ENVIRONMENT, tensor);
  }

  private static OnnxTensor output(Tensor tensor) throws OrtException {
    return OnnxTensors.createOutput(Models.ENVIRONMENT, tensor);
  }

  /** A tensor of ones and zeros, and of other bytes where the type is not BOOL. */
  static Tensor filled(ExecutionContext ctx, DType dtype, Shape shape) {
    Tensor tensor = ctx.empty(dtype, shape);
    ByteBuffer bytes = tensor.asByteBuffer();
    for (int i = 0; i < bytes.capacity(); i++) {
      bytes.put(i, (byte) (dtype == DType.BOOL ? i % 2 : 3 * i + 1));
    }
    return tensor;
  }

  // ---- what is handed over

  /** Raw views would be of INT16 for FLOAT16 and BFLOAT16, and of INT8 for BOOL and UINT8. */
  @ParameterizedTest
  @EnumSource(DType.class)
  void aModelReadsAndWritesTensorsOfEveryTypeWhereTheyLie(DType dtype) throws Exception {
    Tensor x = filled(ctx, dtype, Shape.of(2, 3));
    Tensor y = ctx.zeros(dtype, 2, 3);
    try (OrtSession session = Models.identity(Models.number(dtype));
        OnnxTensor input = input(x);
        OnnxTensor output = output(y)) {
      assertEquals(ElementTypes.of(dtype), input.getInfo().type);
      assertEquals(dtype, ElementTypes.of(input.getInfo()));
      assertArrayEquals(new long[] {2, 3}, input.getInfo().getShape());
      assertFalse(input.ownsBuffer());
      assertFalse(output.ownsBuffer());
      assertEquals(x.address(), NativeValues.address(input));
      assertEquals(y.address(), NativeValues.address(output));
      try (OrtSession.Result results = session.run(Map.of("x", input), Map.of("y", output))) {
        assertEquals(x.asByteBuffer(), y.asByteBuffer());
        assertEquals(output, results.get("y").orElseThrow());
      }
      assertFalse(output.isClosed(), "its maker's, not the result's");
    }
    assertTrue(x.isWritable() && y.isWritable());
  }

  @Test
  void whatIsWrittenToTheTensorIsInTheNextRun() throws Exception {
    Tensor x = ctx.allocSlice(1f, 2f);
    Tensor y = ctx.empty(DType.FLOAT32, 2);
    try (OrtSession session = Models.identity(Models.FLOAT);
        OnnxTensor input = input(x);
        OnnxTensor output = output(y)) {
      for (float value = 3; value < 6; value++) {
        x.setFloatAt(1, value);
        session.run(Map.of("x", input), Map.of("y", output)).close();
        assertArrayEquals(new float[] {1, value}, y.toFloatArray());
      }
    }
  }

  @Test
  void scalarsAndEmptyTensorsGoInAndOut() throws Exception {
    for (Shape shape : new Shape[] {Shape.scalar(), Shape.of(0), Shape.of(2, 0, 3)}) {
      Tensor x = ctx.zeros(DType.FLOAT32, shape).fill(2.5f);
      Tensor y = ctx.empty(DType.FLOAT32, shape);
      try (OrtSession session = Models.identity(Models.FLOAT);
          OnnxTensor input = input(x);
          OnnxTensor output = output(y)) {
        session.run(Map.of("x", input), Map.of("y", output)).close();
        assertArrayEquals(shape.toArray(), output.getInfo().getShape());
        assertTrue(x.contentEquals(y));
      }
    }
  }

  @Test
  void aContiguousViewLiesWhereItLies() throws Exception {
    Tensor batch = ctx.zeros(DType.INT64, 3, 2, 2);
    batch.select(0, 1).fill(7L);
    try (OrtSession session = Models.identity(Models.INT64);
        OnnxTensor input = input(batch.select(0, 1));
        OnnxTensor output = output(batch.select(0, 2))) {
      assertEquals(batch.address() + 32, NativeValues.address(input));
      session.run(Map.of("x", input), Map.of("y", output)).close();
    }
    assertArrayEquals(new long[] {0, 0, 0, 0, 7, 7, 7, 7, 7, 7, 7, 7}, batch.toLongArray());
  }

  @Test
  void aTensorOverOtherMemoryLiesWhereThatDoes() throws Exception {
    ByteBuffer direct = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
    Tensor wrapped = ctx.wrap(direct, DType.INT32, Shape.of(4));
    wrapped.setIntAt(1, 5);
    try (OnnxTensor value = input(wrapped)) {
      assertEquals(wrapped.address(), NativeValues.address(value));
      assertArrayEquals(new int[] {0, 5, 0, 0}, (int[]) value.getValue());
    }
  }

  @Test
  void aFrozenTensorGivesAReadOnlyViewAndAnUnfrozenOneAWritable() throws Exception {
    Tensor tensor = ctx.allocSlice(1f, 2f);
    try (OnnxTensor value = input(tensor)) {
      assertFalse(value.getBufferRef().orElseThrow().isReadOnly());
    }
    try (SharedTensor handle = tensor.share();
        OnnxTensor ofTensor = input(tensor);
        OnnxTensor ofHandle = input(handle)) {
      assertTrue(ofTensor.getBufferRef().orElseThrow().isReadOnly());
      assertTrue(ofHandle.getBufferRef().orElseThrow().isReadOnly());
      assertFalse(ofHandle.ownsBuffer());
      assertEquals(tensor.address(), NativeValues.address(ofHandle));
      assertArrayEquals(new float[] {1, 2}, (float[]) ofHandle.getValue());
    }
  }

  @Test
  void severalThreadsRunTheSameSharedInputAtOnce() throws Exception {
    Tensor x = ctx.zeros(DType.FLOAT32, 64, 64).fill(1.5f);
    try (OrtSession session = Models.identity(Models.FLOAT);
        SharedTensor handle = x.share()) {
      CompletableFuture<?>[] runs =
          IntStream.range(0, 4)
              .mapToObj(i -> CompletableFuture.runAsync(() -> identity(session, handle)))
              .toArray(CompletableFuture<?>[]::new);
      CompletableFuture.allOf(runs).join();
    }
  }

  private static void identity(OrtSession session, Tensor x) {
    for (int i = 0; i < 50; i++) {
      try (ExecutionContext own = ExecutionContext.open()) {
        Tensor y = own.zeros(x.dtype(), x.shape());
        try (OnnxTensor input = input(x);
            OnnxTensor output = output(y)) {
          session.run(Map.of("x", input), Map.of("y", output)).close();
        }
        assertTrue(x.contentEquals(y));
      } catch (OrtException e) {
        throw new AssertionError(e);
      }
    }
  }

  // ---- runs that fail

  @Test
  void aRunThatFailsLeavesTensorsAndValuesAsTheyWere() throws Exception {
    Tensor x = ctx.zeros(DType.FLOAT32, 2, 3).fill(1f);
    Tensor other = ctx.zeros(DType.FLOAT32, 2, 4);
    Tensor y = ctx.zeros(DType.FLOAT32, 2, 3);
    try (OrtSession session = Models.add();
        OnnxTensor input = input(x);
        OnnxTensor wrong = input(other);
        OnnxTensor output = output(y);
        OnnxTensor wrongOutput = output(other);
        OrtSession.RunOptions quiet = new OrtSession.RunOptions()) {
      quiet.setLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
      assertThrows(
          OrtException.class,
          () -> session.run(Map.of("x", input, "x1", wrong), Set.of(), Map.of("y", output), quiet));
      assertThrows(
          OrtException.class,
          () ->
              session.run(
                  Map.of("x", input, "x1", input), Set.of(), Map.of("y", wrongOutput), quiet));
      assertFalse(input.isClosed() || output.isClosed());
      assertTrue(x.isWritable() && y.isWritable());
      session.run(Map.of("x", input, "x1", input), Map.of("y", output)).close();
      assertEquals(2f, y.getFloat(1, 2));
    }
  }

  @Test
  void whereOnnxRuntimeRefusesNothingIsOpen() {
    Tensor x = ctx.allocSlice(1f);
    assertThrows(NullPointerException.class, () -> OnnxTensors.createTensor(null, x));
    assertThrows(NullPointerException.class, () -> OnnxTensors.createOutput(null, x));
    assertTrue(x.isWritable());
    ctx.close(); // closes what was made
  }

  // ---- what is refused

  private static String refused(Tensor tensor) {
    String output = assertThrows(IllegalArgumentException.class, () -> output(tensor)).getMessage();
    String refusal = assertThrows(IllegalArgumentException.class, () -> input(tensor)).getMessage();
    assertTrue(output.startsWith(refusal), output);
    return refusal;
  }

  @Test
  void aFrozenTensorIsNoOutput() throws Exception {
    Tensor tensor = ctx.allocSlice(1f, 2f);
    ByteBuffer bytes = ByteBuffer.allocateDirect(8).asReadOnlyBuffer();
    Tensor readOnly = ctx.wrap(bytes, DType.INT8, Shape.of(8));
    try (SharedTensor handle = tensor.share()) {
      for (Tensor frozen : new Tensor[] {tensor, handle, handle.slice(0, 0, 1), readOnly}) {
        String refusal =
            assertThrows(IllegalStateException.class, () -> output(frozen)).getMessage();
        assertTrue(refusal.contains(frozen.dtype() + " tensor"), refusal);
        assertTrue(refusal.contains("is frozen"), refusal);
      }
    }
    output(tensor.mutable(ctx)).close();
  }

  @Test
  void aStridedViewIsRefusedAndItsContiguousCopyIsNot() throws Exception {
    Tensor strided = ctx.copyOf(Shape.of(2, 3), 1f, 2f, 3f, 4f, 5f, 6f).transpose();
    String refusal = refused(strided);
    assertTrue(refusal.contains("[3, 2]"), refusal);
    assertTrue(refusal.contains("contiguous(ctx)"), refusal);
    try (OnnxTensor value = input(strided.contiguous(ctx))) {
      assertArrayEquals(new float[][] {{1, 4}, {2, 5}, {3, 6}}, (float[][]) value.getValue());
    }
  }

  @Test
  void aTensorThatOnnxRuntimeHasNoBufferForIsRefused() throws Exception {
    Tensor large = ctx.empty(DType.UINT8, 1L << 31); // untouched
    String refusal = refused(large.slice(0, 0, (1L << 31) - 8));
    assertTrue(refusal.contains("2147483640 bytes"), refusal);
    try (OnnxTensor most = input(large.slice(0, 0, (1L << 31) - 9))) {
      assertEquals((1L << 31) - 9, most.getInfo().getShape()[0]);
      assertEquals(large.address(), NativeValues.address(most));
    }
  }

  @Test
  void elementsThatAreNotAlignedAreRefused() throws Exception {
    Tensor bytes = ctx.zeros(DType.INT8, 64);
    for (int offset = 0; offset <= 8; offset++) {
      Tensor doubles =
          ctx.wrap(
              ForeignMemory.ofAddress(bytes.address() + offset, 16, () -> {}),
              DType.FLOAT64,
              Shape.of(2));
      if (offset % 8 == 0) {
        input(doubles).close();
      } else {
        String refusal = refused(doubles);
        assertTrue(refusal.contains("0x" + Long.toHexString(doubles.address())), refusal);
        assertTrue(refusal.contains("copy(ctx)"), refusal);
      }
    }
  }

  @Test
  void memoryThatSomebodyElseCanEndIsRefused() throws Exception {
    if (!ClosableMemory.IS_SUPPORTED) {
      return; // older JDKs have none
    }
    try (ClosableMemory memory = new ClosableMemory()) {
      String refusal = refused(ctx.wrap(memory.buffer(8), DType.FLOAT32, Shape.of(2)));
      assertTrue(refusal.contains("somebody else can end"), refusal);
      ctx.close();
    }
  }

  @Test
  void whatHasEndedOrIsAnotherThreadsIsRefused() {
    Tensor tensor = ctx.allocSlice(1f);
    CompletableFuture.runAsync(
            () -> {
              assertThrows(IllegalStateException.class, () -> input(tensor));
              assertThrows(IllegalStateException.class, () -> output(tensor));
            })
        .join();
    ctx.close();
    assertThrows(IllegalStateException.class, () -> input(tensor));
    assertThrows(IllegalStateException.class, () -> output(tensor));
  }
}
