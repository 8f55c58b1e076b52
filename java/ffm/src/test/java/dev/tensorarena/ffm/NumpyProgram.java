package dev.tensorarena.ffm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Map;

/**
 * Tensors as NumPy's arrays and NumPy's arrays as tensors, in a process of its own: there can be
 * one NumPy in each. Its argument is the folder of modules that has the NumPy, or nothing; it
 * prints which NumPy it was.
 */
final class NumpyProgram {
  private NumpyProgram() {}

  public static void main(String[] args) throws Throwable {
    if (!Python.isThere()) {
      throw new AssertionError("no libpython3.11.so.1.0");
    }
    Python.start();
    if (args.length > 0) {
      Python.run("import sys; sys.path.insert(0, '" + args[0] + "')");
    }
    Python.run(
        """
        import gc, sys
        import numpy as np

        class Exchanged:
            def __init__(self, capsule):
                self.capsule = capsule

            def __dlpack__(self, **kind):
                return self.capsule

            def __dlpack_device__(self):
                return (1, 0)

        print(np.__version__, end='', flush=True)
        """);
    tensorsAsArrays();
    aStridedOne();
    refused(DType.BFLOAT16);
    if (args.length <= 1) {
      refused(DType.BOOL); // before 1.25
    }
    theContextFirst();
    arraysAsTensors();
    stridesOfArrays();
    scalarsAndEmptyOnes();
    aHandleOfAnArray();
    if (args.length > 1) {
      versioned();
    }
    assertEquals(0, ChunkPool.stats().inUseChunks());
  }

  private static void asArray(Tensor tensor) {
    Python.setCapsule("capsule", Dlpack.toDlpack(tensor), Python.DLTENSOR);
    Python.run("array = np.from_dlpack(Exchanged(capsule)); del capsule");
  }

  private static void check(String condition) {
    Python.run("assert " + condition);
  }

  private static void letGo() {
    Python.run("del array; gc.collect()");
  }

  private static final Map<DType, String> NAMES =
      Map.of(
          DType.FLOAT32, "float32",
          DType.FLOAT64, "float64",
          DType.FLOAT16, "float16",
          DType.INT64, "int64",
          DType.INT32, "int32",
          DType.INT16, "int16",
          DType.INT8, "int8",
          DType.UINT8, "uint8");

  private static void tensorsAsArrays() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      NAMES.forEach(
          (dtype, name) -> {
            Tensor tensor = ctx.zeros(dtype, 3, 4);
            asArray(tensor);
            check("array.dtype == np." + name + " and array.shape == (3, 4)");
            check("array.__array_interface__['data'][0] == " + tensor.address());
            check("array.flags.c_contiguous");
            letGo();
          });
      Tensor floats = ctx.copyOf(Shape.of(2, 2), 1f, 2f, 3f, 4f);
      asArray(floats);
      check("array.tolist() == [[1, 2], [3, 4]]");
      floats.setFloat(5f, 1, 0); // the same bytes
      check("array[1, 0] == 5");
      letGo();
      ctx.reset(); // nobody holds anything
      assertThrows(IllegalStateException.class, () -> floats.getFloatAt(0));
    }
  }

  private static void aStridedOne() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor matrix = ctx.copyOf(Shape.of(2, 3), 0, 1, 2, 3, 4, 5);
      asArray(matrix.transpose(1, 0).slice(0, 1, 3));
      check("array.tolist() == [[1, 4], [2, 5]] and array.strides == (4, 12)");
      letGo();
    }
  }

  private static void refused(DType hasNoNameInNumpy) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      int before = Python.destroyed;
      Tensor tensor = ctx.zeros(hasNoNameInNumpy, 4);
      Python.setCapsule("capsule", Dlpack.toDlpack(tensor), Python.DLTENSOR);
      Python.run(
          """
          try:
              np.from_dlpack(Exchanged(capsule))
              assert False
          except (RuntimeError, BufferError, TypeError):
              pass
          del capsule
          gc.collect()
          """);
      assertEquals(before + 1, Python.destroyed); // and our deleter has run:
    }
    assertEquals(0, ChunkPool.stats().pinnedChunks());
  }

  private static void theContextFirst() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      asArray(ctx.copyOf(Shape.of(3), 7, 8, 9));
    }
    assertEquals(1, ChunkPool.stats().pinnedChunks());
    try (ExecutionContext other = ExecutionContext.open()) {
      other.zeros(DType.INT32, 100_000);
      check("array.tolist() == [7, 8, 9]");
    }
    letGo();
    assertEquals(0, ChunkPool.stats().inUseChunks());
  }

  private static Tensor asTensor(ExecutionContext ctx, String expression) {
    Python.run("array = " + expression + "; before = sys.getrefcount(array)");
    Python.run("capsule = array.__dlpack__()");
    return Dlpack.fromDlpack(ctx, Python.takeCapsule("capsule", Python.DLTENSOR, Python.USED));
  }

  private static void arraysAsTensors() {
    for (Map.Entry<DType, String> each : NAMES.entrySet()) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = asTensor(ctx, "np.ones((2, 5), np." + each.getValue() + ")");
        assertEquals(each.getKey(), tensor.dtype());
        assertEquals(Shape.of(2, 5), tensor.shape());
        assertTrue(tensor.isWritable());
        check("array.__array_interface__['data'][0] == " + tensor.address());
        check("sys.getrefcount(array) == before + 1");
      }
      Python.run("del capsule");
      check("sys.getrefcount(array) == before"); // its deleter was called, once
    }
  }

  private static void stridesOfArrays() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor every = asTensor(ctx, "np.arange(24, dtype=np.int32).reshape(4, 6)[::2, 1::3]");
      assertArrayEquals(new int[] {1, 4, 13, 16}, every.copy(ctx).toIntArray());
      every.setInt(99, 1, 0);
      check("array[1, 0] == 99");
      Tensor columns = asTensor(ctx, "np.asfortranarray(np.arange(6.).reshape(2, 3))");
      assertArrayEquals(new double[] {0, 1, 2, 3, 4, 5}, columns.copy(ctx).toDoubleArray());

      Python.run("array = np.arange(5)[::-1]; capsule = array.__dlpack__()");
      long struct = Python.takeCapsule("capsule", Python.DLTENSOR, Python.USED);
      IllegalArgumentException refused =
          assertThrows(IllegalArgumentException.class, () -> Dlpack.fromDlpack(ctx, struct));
      assertTrue(refused.getMessage().contains("[-1]"), refused.getMessage());
      Dlpack.delete(struct); // it was not taken
    }
  }

  private static void scalarsAndEmptyOnes() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor scalar = asTensor(ctx, "np.array(3.5)");
      assertEquals(Shape.scalar(), scalar.shape());
      assertEquals(3.5, scalar.getDoubleAt(0));
      Tensor empty = asTensor(ctx, "np.zeros((0, 4), np.float32)");
      assertEquals(Shape.of(0, 4), empty.shape());
      check("sys.getrefcount(array) == before + 1");
      ctx.reset();
      check("sys.getrefcount(array) == before");
      asArray(ctx.copyOf(Shape.scalar(), 2.5f));
      check("array.shape == () and array == 2.5");
      letGo();
      asArray(ctx.zeros(DType.FLOAT32, 3, 0));
      check("array.shape == (3, 0)");
      letGo();
    }
  }

  private static void aHandleOfAnArray() throws InterruptedException {
    SharedTensor handle;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      handle = asTensor(ctx, "np.arange(4, dtype=np.float32)").share();
    }
    assertEquals(3f, handle.getFloatAt(3));
    check("sys.getrefcount(array) == before + 1");
    Thread last = new Thread(handle::close); // NumPy's deleter takes Python's lock there
    last.start();
    last.join();
    check("sys.getrefcount(array) == before");
  }

  private static void versioned() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.zeros(DType.BOOL, 3);
      tensor.setBooleanAt(0, true);
      tensor.setBooleanAt(2, true);
      SharedTensor handle = tensor.share();
      Python.setCapsule("capsule", Dlpack.toDlpackVersioned(handle), Python.VERSIONED);
      Python.run("array = np.from_dlpack(Exchanged(capsule)); del capsule");
      check("array.dtype == np.bool_ and array.tolist() == [True, False, True]");
      check("not array.flags.writeable");
      handle.close();
      letGo();

      Python.run("array = np.arange(3); array.flags.writeable = False");
      Python.run("capsule = array.__dlpack__(max_version=(1, 0))");
      MemorySegment kind = Python.VERSIONED;
      Tensor frozen =
          Dlpack.fromDlpackVersioned(
              ctx, Python.takeCapsule("capsule", kind, Python.USED_VERSIONED));
      assertFalse(frozen.isWritable());
      assertArrayEquals(new long[] {0, 1, 2}, frozen.toLongArray());
    }
  }
}
