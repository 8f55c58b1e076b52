package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The ways in which a context makes tensors. */
@Tag("platform")
class FactoryTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  private static void assertIs(DType dtype, Shape shape, Tensor tensor) {
    assertEquals(dtype, tensor.dtype());
    assertEquals(shape, tensor.shape());
    assertTrue(tensor.isWritable());
    assertTrue(tensor.isContiguous());
  }

  @Test
  void allocSliceCopiesValues() {
    float[] floats = {1, 2, 3};
    Tensor tensor = ctx.allocSlice(floats);
    floats[0] = 9;
    assertIs(DType.FLOAT32, Shape.of(3), tensor);
    assertArrayEquals(new float[] {1, 2, 3}, tensor.toFloatArray());
    assertIs(DType.FLOAT64, Shape.of(2), ctx.allocSlice(1.5, 2.5));
    assertArrayEquals(new double[] {1.5, 2.5}, ctx.allocSlice(1.5, 2.5).toDoubleArray());
    assertIs(DType.INT64, Shape.of(2), ctx.allocSlice(1L << 40, 2L));
    assertArrayEquals(new long[] {1L << 40, 2}, ctx.allocSlice(1L << 40, 2L).toLongArray());
    assertIs(DType.INT32, Shape.of(2), ctx.allocSlice(7, 8));
    assertArrayEquals(new int[] {7, 8}, ctx.allocSlice(7, 8).toIntArray());
    assertIs(DType.INT16, Shape.of(1), ctx.allocSlice((short) 7));
    assertArrayEquals(new short[] {7}, ctx.allocSlice((short) 7).toShortArray());
    assertIs(DType.INT8, Shape.of(1), ctx.allocSlice((byte) 7));
    assertArrayEquals(new byte[] {7}, ctx.allocSlice((byte) 7).toByteArray());
  }

  @Test
  void allocSliceCopiesAPartOfAnArray() {
    assertArrayEquals(
        new float[] {2, 3}, ctx.allocSlice(new float[] {1, 2, 3, 4}, 1, 2).toFloatArray());
    assertArrayEquals(
        new double[] {2, 3}, ctx.allocSlice(new double[] {1, 2, 3, 4}, 1, 2).toDoubleArray());
    assertArrayEquals(
        new long[] {2, 3}, ctx.allocSlice(new long[] {1, 2, 3, 4}, 1, 2).toLongArray());
    assertArrayEquals(new int[] {2, 3}, ctx.allocSlice(new int[] {1, 2, 3, 4}, 1, 2).toIntArray());
    assertArrayEquals(
        new short[] {2, 3}, ctx.allocSlice(new short[] {1, 2, 3, 4}, 1, 2).toShortArray());
    assertArrayEquals(
        new byte[] {2, 3}, ctx.allocSlice(new byte[] {1, 2, 3, 4}, 1, 2).toByteArray());
    assertEquals(0, ctx.allocSlice(new float[3], 3, 0).size());
  }

  @Test
  void aPartThatIsNotInTheArrayIsRefused() {
    Class<IndexOutOfBoundsException> bad = IndexOutOfBoundsException.class;
    int[][] parts = {{-1, 1}, {0, 4}, {3, 1}, {1, -1}, {Integer.MAX_VALUE, Integer.MAX_VALUE}};
    for (int[] part : parts) {
      assertRefuses(bad, () -> ctx.allocSlice(new float[3], part[0], part[1]));
      assertRefuses(bad, () -> ctx.allocSlice(new double[3], part[0], part[1]));
      assertRefuses(bad, () -> ctx.allocSlice(new long[3], part[0], part[1]));
      assertRefuses(bad, () -> ctx.allocSlice(new int[3], part[0], part[1]));
      assertRefuses(bad, () -> ctx.allocSlice(new short[3], part[0], part[1]));
      assertRefuses(bad, () -> ctx.allocSlice(new byte[3], part[0], part[1]));
    }
    assertEquals(0, ctx.memoryUsage());
  }

  @Test
  void noValuesMakeAnEmptyTensor() {
    assertIs(DType.FLOAT32, Shape.of(0), ctx.allocSlice(new float[0]));
    assertIs(DType.INT8, Shape.of(0), ctx.allocSlice(new byte[0]));
    assertIs(DType.INT64, Shape.of(0), ctx.allocSlice(LongBuffer.allocate(0)));
    assertIs(DType.FLOAT64, Shape.of(2, 0), ctx.copyOf(Shape.of(2, 0), new double[0]));
  }

  /** All kinds of buffers: on the heap, direct, of either byte order, read-only, parts. */
  @Test
  void allocSliceCopiesPositionToLimitOfAnyBufferAndLeavesItUnmoved() {
    for (ByteOrder order : List.of(ByteOrder.BIG_ENDIAN, ByteOrder.LITTLE_ENDIAN)) {
      for (ByteBuffer bytes : List.of(ByteBuffer.allocate(65), ByteBuffer.allocateDirect(65))) {
        ByteBuffer odd = bytes.position(1).slice().order(order);
        assertCopied(odd.asFloatBuffer().put(2, 3f).put(3, 4f), DType.FLOAT32);
        assertCopied(odd.asDoubleBuffer().put(2, 3).put(3, 4), DType.FLOAT64);
        assertCopied(odd.asLongBuffer().put(2, 3L).put(3, 4L), DType.INT64);
        assertCopied(odd.asIntBuffer().put(2, 3).put(3, 4), DType.INT32);
        assertCopied(odd.asShortBuffer().put(2, (short) 3).put(3, (short) 4), DType.INT16);
        assertCopied(odd.slice().put(2, (byte) 3).put(3, (byte) 4), DType.INT8);
        assertCopied(odd.asFloatBuffer().put(2, 3f).put(3, 4f).asReadOnlyBuffer(), DType.FLOAT32);
      }
    }
  }

  private void assertCopied(Buffer buffer, DType dtype) {
    buffer.position(2).limit(4);
    Tensor tensor = allocSlice(buffer);
    assertIs(dtype, Shape.of(2), tensor);
    assertEquals(3, valueAt(tensor, 0));
    assertEquals(4, valueAt(tensor, 1));
    assertEquals(2, buffer.position());
    assertEquals(4, buffer.limit());
    buffer.clear();
  }

  private Tensor allocSlice(Buffer buffer) {
    return buffer instanceof FloatBuffer
        ? ctx.allocSlice((FloatBuffer) buffer)
        : buffer instanceof DoubleBuffer
            ? ctx.allocSlice((DoubleBuffer) buffer)
            : buffer instanceof LongBuffer
                ? ctx.allocSlice((LongBuffer) buffer)
                : buffer instanceof IntBuffer
                    ? ctx.allocSlice((IntBuffer) buffer)
                    : buffer instanceof ShortBuffer
                        ? ctx.allocSlice((ShortBuffer) buffer)
                        : ctx.allocSlice((ByteBuffer) buffer);
  }

  private static double valueAt(Tensor tensor, int flat) {
    switch (tensor.dtype()) {
      case FLOAT32:
        return tensor.getFloatAt(flat);
      case FLOAT64:
        return tensor.getDoubleAt(flat);
      case INT64:
        return tensor.getLongAt(flat);
      case INT32:
        return tensor.getIntAt(flat);
      case INT16:
        return tensor.getShortAt(flat);
      default:
        return tensor.getByteAt(flat);
    }
  }

  @Test
  void aRawViewOfATensorCanBeCopiedFrom() {
    Tensor source = ctx.allocSlice(1f, 2f);
    assertTrue(ctx.allocSlice(source.asFloatBuffer()).contentEquals(source));
  }

  @Test
  void copyOfTakesAShape() {
    Shape shape = Shape.of(2, 1);
    assertIs(DType.FLOAT32, shape, ctx.copyOf(shape, 1f, 2f));
    assertEquals(2f, ctx.copyOf(shape, 1f, 2f).getFloat(1, 0));
    assertIs(DType.FLOAT64, shape, ctx.copyOf(shape, 1d, 2d));
    assertEquals(2d, ctx.copyOf(shape, 1d, 2d).getDouble(1, 0));
    assertIs(DType.INT64, shape, ctx.copyOf(shape, 1L, 2L));
    assertEquals(2L, ctx.copyOf(shape, 1L, 2L).getLong(1, 0));
    assertIs(DType.INT32, shape, ctx.copyOf(shape, 1, 2));
    assertEquals(2, ctx.copyOf(shape, 1, 2).getInt(1, 0));
    assertIs(DType.INT16, shape, ctx.copyOf(shape, (short) 1, (short) 2));
    assertEquals(2, ctx.copyOf(shape, (short) 1, (short) 2).getShort(1, 0));
    assertIs(DType.INT8, shape, ctx.copyOf(shape, (byte) 1, (byte) 2));
    assertEquals(2, ctx.copyOf(shape, (byte) 1, (byte) 2).getByte(1, 0));
  }

  @Test
  void aLengthThatDoesNotMatchTheShapeIsRefusedWithTheValues() {
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    String[] parts = {"5 values", "[2, 3]", "6 elements"};
    Shape shape = Shape.of(2, 3);
    assertRefuses(bad, () -> ctx.copyOf(shape, new float[5]), parts);
    assertRefuses(bad, () -> ctx.copyOf(shape, new double[5]), parts);
    assertRefuses(bad, () -> ctx.copyOf(shape, new long[5]), parts);
    assertRefuses(bad, () -> ctx.copyOf(shape, new int[5]), parts);
    assertRefuses(bad, () -> ctx.copyOf(shape, new short[5]), parts);
    assertRefuses(bad, () -> ctx.copyOf(shape, new byte[5]), parts);
    assertEquals(0, ctx.memoryUsage());
  }

  @Test
  void allocTempMakesAScalar() {
    assertIs(DType.FLOAT32, Shape.scalar(), ctx.allocTemp(1.5f));
    assertEquals(1.5f, ctx.allocTemp(1.5f).getFloat());
    assertIs(DType.FLOAT64, Shape.scalar(), ctx.allocTemp(1.5));
    assertEquals(1.5, ctx.allocTemp(1.5).getDouble());
    assertIs(DType.INT64, Shape.scalar(), ctx.allocTemp(5L));
    assertEquals(5L, ctx.allocTemp(5L).getLong());
    assertIs(DType.INT32, Shape.scalar(), ctx.allocTemp(5));
    assertEquals(5, ctx.allocTemp(5).getInt());
  }

  @Test
  void zerosAreZeroOnMemoryThatWasUsed() {
    for (int size : new int[] {0, 1, 31, 4096, 32_768, 32_769, 100_000}) {
      for (DType dtype : DType.values()) {
        ctx.empty(DType.INT8, 2L * size * dtype.byteSize() + 64).fill(-1);
        ctx.reset();
        Tensor zeros = ctx.zeros(dtype, Shape.of(size));
        Tensor after = ctx.empty(DType.INT8, 64);
        assertIs(dtype, Shape.of(size), zeros);
        ByteBuffer bytes = zeros.asByteBuffer();
        for (int i = 0; i < bytes.capacity(); i++) {
          assertEquals(0, bytes.get(i));
        }
        assertEquals(size == 0 ? 64 : -1, size == 0 ? 64 : after.getByte(0), "and not more");
        ctx.reset();
      }
    }
  }

  @Test
  void emptyTakesAShapeOrItsExtents() {
    assertIs(DType.BOOL, Shape.of(2, 3), ctx.empty(DType.BOOL, 2, 3));
    assertIs(DType.BOOL, Shape.of(2, 3), ctx.empty(DType.BOOL, Shape.of(2, 3)));
    assertIs(DType.BOOL, Shape.scalar(), ctx.empty(DType.BOOL));
    assertRefuses(IllegalArgumentException.class, () -> ctx.empty(DType.INT8, 2, -3), "-3");
    assertRefuses(IllegalArgumentException.class, () -> ctx.zeros(DType.INT8, 2, -3), "-3");
  }

  @Test
  void rankZeroAndEmptyTensorsHaveAnAlignedAddressThatIsNotNull() {
    for (int i = 0; i < 3; i++) {
      for (Tensor tensor :
          List.of(
              ctx.empty(DType.INT8), ctx.empty(DType.FLOAT64, 0), ctx.zeros(DType.INT8, 5, 0))) {
        assertTrue(tensor.address() != 0);
        assertEquals(0, tensor.address() % 64);
      }
    }
  }
}
