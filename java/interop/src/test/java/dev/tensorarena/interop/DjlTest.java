package dev.tensorarena.interop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.onnxruntime.engine.OrtNDArray;
import ai.djl.pytorch.engine.PtNDArray;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ForkedJvm;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPin;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which calls of DJL's engines alias, and when the bytes go. */
class DjlTest {
  private static final List<String> ENGINES = List.of("OnnxRuntime", "PyTorch");

  private final List<Integer> arraysBefore = systemArrays();

  /** What lives as long as the process, engine by engine. */
  private static List<Integer> systemArrays() {
    return ENGINES.stream()
        .map(
            name -> {
              try (NDManager manager = manager(name)) {
                return manager.getParentManager().getManagedArrays().size();
              }
            })
        .toList();
  }

  @BeforeEach
  @AfterEach
  void nothingOfDjlLeaks() {
    assertEquals(arraysBefore, systemArrays());
  }

  private static NDManager manager(String engine) {
    return Engine.getEngine(engine).newBaseManager(Device.cpu());
  }

  private static ai.djl.ndarray.types.Shape shape(long... dims) {
    return new ai.djl.ndarray.types.Shape(dims);
  }

  private static long addressOf(ByteBuffer direct) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ByteBuffer all = direct.duplicate().clear();
      return ctx.wrap(all, DType.INT8, Shape.of(all.capacity())).address();
    }
  }

  /** Where the engine's native code finds an array's bytes: not what its Java code remembers. */
  private static long address(NDArray array) {
    if (array instanceof PtNDArray) {
      return addressOf(array.toByteBuffer(true));
    }
    try {
      Method asked = OnnxTensor.class.getDeclaredMethod("getBuffer");
      asked.setAccessible(true);
      return addressOf((ByteBuffer) asked.invoke(((OrtNDArray) array).getTensor()));
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  private static DataType type(DType dtype) {
    return dtype == DType.BOOL ? DataType.BOOLEAN : DataType.valueOf(dtype.name());
  }

  // ---- a tensor as an array

  @ParameterizedTest
  @EnumSource
  void anArrayOfEveryTypeLiesWhereTheTensorDoes(DType dtype) {
    for (String engine : ENGINES) {
      try (ExecutionContext ctx = ExecutionContext.open();
          NDManager arrays = manager(engine)) {
        Tensor x = ctx.zeros(dtype, 2, 3);
        if (dtype == DType.INT16 || dtype == DType.BFLOAT16) {
          if (engine.equals("PyTorch")) {
            continue; // its native code ends the process
          }
          if (dtype == DType.INT16) {
            assertThrows(
                UnsupportedOperationException.class,
                () -> arrays.create(x.asByteBuffer(), shape(2, 3), DataType.INT16));
            continue;
          }
        }
        NDArray a = arrays.create(x.asByteBuffer(), shape(2, 3), type(dtype));
        assertEquals(x.address(), address(a), engine);
        assertEquals(type(dtype), a.getDataType());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"OnnxRuntime", "PyTorch"})
  void aViewOfPartOfAnArenaIsAnArrayWhereItLies(String engine) {
    try (ExecutionContext ctx = ExecutionContext.open();
        NDManager arrays = manager(engine)) {
      Tensor row = ctx.copyOf(Shape.of(2, 3), 3f, 1, 2, 6, 5, 4).select(0, 1);
      NDArray a = arrays.create(row.asByteBuffer(), shape(3), DataType.FLOAT32);
      assertEquals(row.address(), address(a));
      assertArrayEquals(new float[] {6, 5, 4}, a.toFloatArray());
    }
  }

  /** Which is why the recipe gives bytes and not floats. */
  @Test
  void floatsAreCopiedByPyTorchAndNotByOnnxRuntime() {
    try (ExecutionContext ctx = ExecutionContext.open();
        NDManager ort = manager("OnnxRuntime");
        NDManager torch = manager("PyTorch")) {
      Tensor x = ctx.allocSlice(3f, 1f, 2f);
      assertEquals(x.address(), address(ort.create(x.asFloatBuffer(), shape(3))));
      NDArray copy = torch.create(x.asFloatBuffer(), shape(3));
      assertNotEquals(x.address(), address(copy));
      x.setFloat(7f, 0);
      assertArrayEquals(new float[] {3, 1, 2}, copy.toFloatArray());
    }
  }

  /** So that what duplicate() and slice() of a buffer forget does not matter. */
  @ParameterizedTest
  @ValueSource(strings = {"OnnxRuntime", "PyTorch"})
  void theOrderOfABufferIsNotAskedFor(String engine) {
    try (ExecutionContext ctx = ExecutionContext.open();
        NDManager arrays = manager(engine)) {
      Tensor x = ctx.allocSlice(3f);
      ByteBuffer swapped = x.asByteBuffer().order(ByteOrder.BIG_ENDIAN);
      NDArray a = arrays.create(swapped, shape(1), DataType.FLOAT32);
      assertEquals(x.address(), address(a));
      assertEquals(3f, a.getFloat());
    }
  }

  @Test
  void pyTorchWritesIntoTheTensor() {
    try (ExecutionContext ctx = ExecutionContext.open();
        NDManager arrays = manager("PyTorch")) {
      Tensor x = ctx.allocSlice(3f, 1f, 2f);
      NDArray a = arrays.create(x.asByteBuffer(), shape(3), DataType.FLOAT32);
      a.muli(2);
      a.get("1:").addi(1); // a view, which lies there, too
      assertArrayEquals(new float[] {6, 3, 5}, x.toFloatArray());
    }
  }

  /** Of which INTEROP warns: no engine asks whether a buffer is read-only. */
  @Test
  void pyTorchWritesIntoAFrozenTensorToo() {
    try (ExecutionContext ctx = ExecutionContext.open();
        NDManager arrays = manager("PyTorch")) {
      Tensor x = ctx.allocSlice(3f);
      try (SharedTensor shared = x.share()) {
        arrays.create(shared.asByteBuffer(), shape(1), DataType.FLOAT32).addi(1);
        assertEquals(4f, shared.getFloatAt(0));
      }
    }
  }

  @Test
  void aStridedViewIsRefused() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor strided = ctx.zeros(DType.FLOAT32, 2, 3).transpose(1, 0);
      assertThrows(IllegalStateException.class, strided::asByteBuffer);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"OnnxRuntime", "PyTorch"})
  void theScopeEndsAManagerBeforeItsBytes(String engine) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Scope scope = ctx.scope();
      Tensor x = ctx.allocSlice(3f);
      boolean[] alive = new boolean[1];
      NDManager arrays = manager(engine);
      arrays.attachInternal(NDManager.nextUid(), () -> alive[0] = x.isAlive());
      ctx.track(arrays);
      NDArray a = arrays.create(x.asByteBuffer(), shape(1), DataType.FLOAT32);
      scope.close();
      assertTrue(alive[0]);
      assertFalse(arrays.isOpen());
      assertThrows(RuntimeException.class, a::toFloatArray);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"OnnxRuntime", "PyTorch"})
  void aManagerThatIsClosedFirstLeavesTheTensor(String engine) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.allocSlice(3f);
      NDManager arrays = ctx.track(manager(engine));
      arrays.create(x.asByteBuffer(), shape(1), DataType.FLOAT32);
      arrays.close();
      assertEquals(3f, x.getFloatAt(0));
      x.setFloat(4f, 0);
      assertThrows(
          IllegalStateException.class,
          () -> arrays.create(x.asByteBuffer(), shape(1), DataType.FLOAT32));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"OnnxRuntime", "PyTorch"})
  void aManagerThatHoldsThePinIsReadAndClosedOnAnotherThread(String engine) throws Exception {
    NDManager arrays = manager(engine);
    NDArray a;
    long address;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Scope scope = ctx.scope();
      Tensor x = ctx.allocSlice(3f, 1f);
      address = x.address();
      a = arrays.create(x.asByteBuffer(), shape(2), DataType.FLOAT32);
      arrays.attachInternal(NDManager.nextUid(), TensorPin.of(x));
      scope.close();
      assertNotEquals(address, ctx.allocSlice(9f, 9f).address(), "handed out again");
    }
    float[][] seen = new float[1][];
    Thread thread =
        new Thread(
            () -> {
              seen[0] = a.toFloatArray();
              arrays.close();
            });
    thread.start();
    thread.join();
    assertArrayEquals(new float[] {3, 1}, seen[0]);
    assertEquals(0, ChunkPool.stats().pinnedChunks());
  }

  /** Without a pin an array reads whatever lies there next. */
  @ParameterizedTest
  @ValueSource(strings = {"OnnxRuntime", "PyTorch"})
  void anArrayAloneDoesNotKeepTheBytes(String engine) {
    try (ExecutionContext ctx = ExecutionContext.open();
        NDManager arrays = manager(engine)) {
      NDArray a;
      Scope scope = ctx.scope();
      a = arrays.create(ctx.allocSlice(3f).asByteBuffer(), shape(1), DataType.FLOAT32);
      scope.close();
      ctx.allocSlice(9f);
      assertArrayEquals(new float[] {9}, a.toFloatArray());
    }
  }

  @Test
  void theEngineOfOnnxRuntimeIsRefusedWhereItComesSecond() throws Exception {
    ForkedJvm.run(ForkedJvm.command(SecondEnvironment.class, List.of("-Dai.djl.offline=true")));
  }

  static final class SecondEnvironment {
    public static void main(String[] args) {
      OrtEnvironment.getEnvironment();
      Throwable refused =
          assertThrows(ExceptionInInitializerError.class, () -> Engine.getEngine("OnnxRuntime"));
      assertEquals(IllegalStateException.class, refused.getCause().getClass());
    }
  }

  // ---- an array as a tensor

  private static Tensor wrapped(ExecutionContext ctx, NDArray array) {
    array.detach();
    ByteBuffer bytes = array.toByteBuffer(true);
    Shape shape = Shape.of(array.getShape().getShape());
    return ctx.wrap(bytes, DType.FLOAT32, shape, array::close);
  }

  @Test
  void aTensorLiesWhereTheArrayDoes() {
    try (ExecutionContext ctx = ExecutionContext.open();
        NDManager arrays = manager("PyTorch")) {
      NDArray a = arrays.arange(6f).reshape(2, 3);
      Tensor y = wrapped(ctx, a);
      assertEquals(address(a), y.address());
      y.setFloat(7f, 1, 2);
      assertEquals(7f, a.getFloat(1, 2));
      a.muli(2);
      assertEquals(14f, y.getFloat(1, 2));
    }
  }

  @Test
  void theirManagerFirst() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      NDArray a;
      Tensor y;
      try (NDManager arrays = manager("PyTorch")) {
        a = arrays.ones(shape(1000));
        y = wrapped(ctx, a);
      }
      assertEquals(1f, y.getFloatAt(999));
      assertFalse(((PtNDArray) a).isReleased());
      ctx.reset();
      assertTrue(((PtNDArray) a).isReleased());
      assertThrows(IllegalStateException.class, () -> y.getFloatAt(0));
    }
  }

  @Test
  void aShareOnAnotherThreadClosesTheArrayLast() throws Exception {
    NDArray a;
    SharedTensor shared;
    try (ExecutionContext ctx = ExecutionContext.open();
        NDManager arrays = manager("PyTorch")) {
      a = arrays.ones(shape(1000));
      shared = wrapped(ctx, a).share();
    }
    assertFalse(((PtNDArray) a).isReleased());
    Thread thread =
        new Thread(
            () -> {
              assertEquals(1f, shared.getFloatAt(999));
              shared.close();
            });
    thread.start();
    thread.join();
    assertTrue(((PtNDArray) a).isReleased());
  }

  /** The buffer itself keeps nothing: so the recipe detaches. */
  @Test
  void anArrayThatIsNotDetachedEndsWithItsManager() {
    NDArray a;
    try (NDManager arrays = manager("PyTorch")) {
      a = arrays.ones(shape(3));
      assertTrue(a.toByteBuffer(true).isDirect());
    }
    assertTrue(((PtNDArray) a).isReleased());
  }

  @Test
  void toByteBufferWithoutTrueCopies() {
    try (NDManager arrays = manager("PyTorch")) {
      assertFalse(arrays.ones(shape(3)).toByteBuffer().isDirect());
    }
  }

  /** So it would be nobody's, and of a detached array for ever. */
  @Test
  void theBytesOfAStridedArrayAreACopyThatOnlyItsManagerHolds() {
    try (NDManager arrays = manager("PyTorch")) {
      NDArray a = arrays.arange(6f).reshape(2, 3);
      NDArray strided = a.transpose();
      int before = arrays.getManagedArrays().size();
      assertNotEquals(address(a), addressOf(strided.toByteBuffer(true)));
      assertEquals(before + 1, arrays.getManagedArrays().size());
    }
  }

  @Test
  void onnxRuntimesBytesAreACopy() {
    try (ExecutionContext ctx = ExecutionContext.open();
        NDManager arrays = manager("OnnxRuntime")) {
      Tensor x = ctx.allocSlice(3f);
      NDArray a = arrays.create(x.asByteBuffer(), shape(1), DataType.FLOAT32);
      ByteBuffer bytes = a.toByteBuffer(true);
      x.setFloat(4f, 0);
      assertEquals(3f, bytes.getFloat(0));
    }
  }
}
