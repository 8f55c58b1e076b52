package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Copying, filling and comparing all elements at once, whatever the strides. */
@Tag("platform")
class BulkTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  /** A tensor with bytes of a generator. */
  private Tensor random(DType dtype, long seed, long... dims) {
    Tensor tensor = ctx.empty(dtype, dims);
    byte[] bytes = new byte[(int) tensor.byteSize()];
    new Random(seed).nextBytes(bytes);
    tensor.asByteBuffer().put(bytes);
    return tensor;
  }

  /** The bits of all elements in row-major order, read one by one. */
  private static long[] bits(Tensor tensor) {
    int size = tensor.dtype().byteSize();
    long[] all = new long[(int) tensor.size()];
    for (int i = 0; i < all.length; i++) {
      Tensor element = tensor;
      long rest = i;
      for (int axis = tensor.rank() - 1; axis >= 0; axis--) {
        long extent = tensor.shape().dim(axis);
        element = element.select(axis, rest % extent);
        rest /= extent;
      }
      for (int b = 0; b < size; b++) {
        all[i] |= (element.asByteBuffer().get(b) & 0xffL) << 8 * b;
      }
    }
    return all;
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void copyFromCopiesBetweenAnyStrides(DType dtype) {
    Tensor source = random(dtype, 1, 5, 6);
    Tensor contiguous = ctx.zeros(dtype, 6, 5);
    assertSame(contiguous, contiguous.copyFrom(source.transpose()));
    assertArrayEquals(bits(source.transpose()), bits(contiguous));
    Tensor strided = ctx.zeros(dtype, 6, 5).transpose();
    strided.copyFrom(source);
    assertArrayEquals(bits(source), bits(strided));
    Tensor both = ctx.zeros(dtype, 10, 12).slice(0, 2, 7).slice(1, 3, 9);
    both.copyFrom(strided);
    assertArrayEquals(bits(source), bits(both));
    assertTrue(source.copy(ctx).contentEquals(source));
    assertTrue(both.transpose().copy(ctx).contentEquals(source.transpose()));
  }

  static IntStream seeds() {
    return IntStream.range(0, 200);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void overlappingTensorsAreCopiedAsIfTheSourceWereReadFirst(int seed) {
    Random random = new Random(seed);
    DType[] types = {DType.INT8, DType.INT16, DType.INT32, DType.INT64};
    DType dtype = types[random.nextInt(types.length)];
    Tensor base = random(dtype, seed, 9, 9);
    int rows = 1 + random.nextInt(6);
    int columns = 1 + random.nextInt(6);
    Tensor source = window(base, rows, columns, random);
    Tensor target = window(base, rows, columns, random);
    long[] expected = bits(source);
    long[] before = bits(base);
    target.copyFrom(source);
    assertArrayEquals(expected, bits(target));
    int changed = 0;
    long[] after = bits(base);
    for (int i = 0; i < after.length; i++) {
      changed += after[i] != before[i] ? 1 : 0;
    }
    assertTrue(changed <= rows * columns, "nothing else is written");
  }

  private static Tensor window(Tensor base, int rows, int columns, Random random) {
    boolean turned = random.nextBoolean();
    int height = turned ? columns : rows;
    int width = turned ? rows : columns;
    int row = random.nextInt(9 - height + 1);
    int column = random.nextInt(9 - width + 1);
    Tensor window = base.slice(0, row, row + height).slice(1, column, column + width);
    return turned ? window.transpose() : window;
  }

  @Test
  void contiguousOverlapsMoveEitherWay() {
    float[] counting = TestSupport.counting(100_000);
    Tensor base = ctx.allocSlice(counting);
    base.slice(0, 0, 99_999).copyFrom(base.slice(0, 1, 100_000));
    assertEquals(1f, base.getFloat(0));
    assertEquals(99_999f, base.getFloat(99_998));
    base.copyFrom(counting);
    base.slice(0, 1, 100_000).copyFrom(base.slice(0, 0, 99_999));
    assertEquals(0f, base.getFloat(1));
    assertEquals(99_998f, base.getFloat(99_999));
  }

  @Test
  void aMatrixMayBeCopiedFromItsOwnTranspose() {
    Tensor matrix = ctx.copyOf(Shape.of(2, 2), 1f, 2f, 3f, 4f);
    matrix.copyFrom(matrix.transpose());
    assertArrayEquals(new float[] {1, 3, 2, 4}, matrix.toFloatArray());
  }

  @Test
  void whatDoesNotMatchIsRefusedWithTheValues() {
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    Tensor tensor = ctx.zeros(DType.FLOAT32, 2, 3);
    Tensor other = ctx.zeros(DType.FLOAT32, 3, 2);
    Tensor ints = ctx.zeros(DType.INT32, 2, 3);
    assertRefuses(bad, () -> tensor.copyFrom(other), "[2, 3]", "[3, 2]");
    assertRefuses(bad, () -> tensor.copyFrom(ints), "FLOAT32", "INT32");
    assertRefuses(bad, () -> tensor.mismatch(other), "[2, 3]", "[3, 2]");
    assertRefuses(bad, () -> tensor.mismatch(ints), "FLOAT32", "INT32");
    assertRefuses(bad, () -> tensor.copyFrom(new float[5]), "5 values", "[2, 3]");
    assertRefuses(bad, () -> tensor.copyFrom(new int[6]), "FLOAT32", "int");
    assertRefuses(bad, tensor::toIntArray, "FLOAT32", "int");
    assertFalse(tensor.contentEquals(other));
    assertFalse(tensor.contentEquals(ints));
  }

  @Test
  void arraysGoInAndOutWhateverTheStrides() {
    Tensor floats = ctx.zeros(DType.FLOAT32, 3, 2).transpose();
    floats.copyFrom(new float[] {1, 2, 3, 4, 5, 6});
    assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, floats.toFloatArray());
    assertArrayEquals(new float[] {1, 4, 2, 5, 3, 6}, floats.transpose().toFloatArray());
    Tensor doubles = ctx.zeros(DType.FLOAT64, 3, 2).transpose();
    doubles.copyFrom(new double[] {1, 2, 3, 4, 5, 6});
    assertArrayEquals(new double[] {1, 2, 3, 4, 5, 6}, doubles.toDoubleArray());
    assertArrayEquals(new double[] {1, 4, 2, 5, 3, 6}, doubles.transpose().toDoubleArray());
    Tensor longs = ctx.zeros(DType.INT64, 3, 2).transpose();
    longs.copyFrom(new long[] {1, 2, 3, 4, 5, 6});
    assertArrayEquals(new long[] {1, 2, 3, 4, 5, 6}, longs.toLongArray());
    assertArrayEquals(new long[] {1, 4, 2, 5, 3, 6}, longs.transpose().toLongArray());
    Tensor ints = ctx.zeros(DType.INT32, 3, 2).transpose();
    ints.copyFrom(new int[] {1, 2, 3, 4, 5, 6});
    assertArrayEquals(new int[] {1, 2, 3, 4, 5, 6}, ints.toIntArray());
    assertArrayEquals(new int[] {1, 4, 2, 5, 3, 6}, ints.transpose().toIntArray());
    Tensor shorts = ctx.zeros(DType.INT16, 3, 2).transpose();
    shorts.copyFrom(new short[] {1, 2, 3, 4, 5, 6});
    assertArrayEquals(new short[] {1, 2, 3, 4, 5, 6}, shorts.toShortArray());
    assertArrayEquals(new short[] {1, 4, 2, 5, 3, 6}, shorts.transpose().toShortArray());
    for (DType dtype : new DType[] {DType.INT8, DType.UINT8}) {
      Tensor bytes = ctx.zeros(dtype, 3, 2).transpose();
      bytes.copyFrom(new byte[] {1, 2, 3, 4, 5, 6});
      assertArrayEquals(new byte[] {1, 2, 3, 4, 5, 6}, bytes.toByteArray());
      assertArrayEquals(new byte[] {1, 4, 2, 5, 3, 6}, bytes.transpose().toByteArray());
    }
    Tensor flags = ctx.zeros(DType.BOOL, 2, 2).transpose();
    flags.copyFrom(new boolean[] {true, false, true, true});
    assertArrayEquals(new boolean[] {true, false, true, true}, flags.toBooleanArray());
    assertArrayEquals(new boolean[] {true, true, false, true}, flags.transpose().toBooleanArray());
    Tensor halves = ctx.zeros(DType.FLOAT16, 3, 2).transpose();
    halves.copyFrom(new float[] {1, 2, 3, 4, 5, 6});
    assertArrayEquals(new float[] {1, 4, 2, 5, 3, 6}, halves.transpose().toFloatArray());
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void mismatchFindsTheFirstOtherElement(DType dtype) {
    Tensor base = random(dtype, 3, 7, 9);
    for (int at = 0; at < 63; at++) {
      Tensor other = base.copy(ctx);
      assertEquals(-1, base.mismatch(other));
      int size = dtype.byteSize();
      for (int i = at; i < 63; i += 17) { // this one and some after it
        int changed = i * size + at % size;
        int old = other.asByteBuffer().get(changed);
        boolean isTrue = dtype == DType.BOOL && old != 0;
        other.asByteBuffer().put(changed, (byte) (isTrue ? 0 : old + 1));
      }
      assertEquals(at, base.mismatch(other));
      assertEquals(at, other.mismatch(base));
      assertFalse(base.contentEquals(other));
      Tensor strided = ctx.zeros(dtype, 9, 7).transpose().copyFrom(other);
      assertEquals(at, base.mismatch(strided));
      assertEquals(at, strided.mismatch(base));
      assertTrue(strided.contentEquals(other));
    }
  }

  @Test
  void comparingIsByBits() {
    assertFalse(ctx.allocSlice(0f).contentEquals(ctx.allocSlice(-0f)));
    assertTrue(ctx.allocSlice(Float.NaN).contentEquals(ctx.allocSlice(Float.NaN)));
    Tensor quiet = ctx.allocSlice(Float.NaN);
    Tensor other = ctx.allocSlice(Float.intBitsToFloat(0x7fc00001));
    assertFalse(quiet.contentEquals(other));
    assertTrue(ctx.empty(DType.INT8, 0, 2).contentEquals(ctx.empty(DType.INT8, 0, 2)));
    assertFalse(ctx.empty(DType.INT8, 0, 2).contentEquals(ctx.empty(DType.INT8, 2, 0)));
  }

  @Test
  void everyByteButZeroIsTheSameTrue() {
    Tensor ones = ctx.zeros(DType.BOOL, 4, 64).fill(true);
    Tensor others = ctx.empty(DType.BOOL, 4, 64);
    for (int i = 0; i < 256; i++) {
      others.asByteBuffer().put(i, (byte) (i == 0 ? 77 : i));
    }
    Tensor strided = ctx.zeros(DType.BOOL, 64, 4).transpose().copyFrom(others);
    for (Tensor same : new Tensor[] {others, strided, others.copy(ctx)}) {
      assertArrayEquals(ones.toBooleanArray(), same.toBooleanArray());
      assertTrue(ones.contentEquals(same));
      assertTrue(same.contentEquals(ones));
      assertEquals(-1, same.mismatch(strided));
    }
    others.setBooleanAt(200, false);
    for (Tensor equal : new Tensor[] {ones, strided}) {
      assertEquals(200, equal.mismatch(others));
      assertEquals(200, others.mismatch(equal));
      assertFalse(others.contentEquals(equal));
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void fillSetsEveryElementAndNothingElse(DType dtype) {
    for (int length : new int[] {0, 1, 2, 255, 256, 257, 511, 512, 513, 5000}) {
      Tensor base = random(dtype, length, length + 2);
      long[] before = bits(base);
      Tensor filled = base.slice(0, 1, length + 1);
      assertSame(filled, fill(filled));
      long expected = length == 0 ? 0 : bits(filled)[0];
      long[] after = bits(base);
      for (int i = 0; i < length; i++) {
        assertEquals(expected, after[i + 1]);
      }
      assertEquals(before[0], after[0]);
      assertEquals(before[length + 1], after[length + 1]);
    }
    Tensor matrix = random(dtype, 7, 4, 5);
    fill(matrix.slice(1, 1, 3));
    long[] after = bits(matrix);
    Tensor expected = random(dtype, 7, 4, 5);
    long[] before = bits(expected);
    for (int i = 0; i < 20; i++) {
      assertEquals(i % 5 == 1 || i % 5 == 2 ? after[1] : before[i], after[i]);
    }
  }

  private static Tensor fill(Tensor tensor) {
    return tensor.dtype() == DType.BOOL ? tensor.fill(true) : tensor.fill(7);
  }

  @Test
  void fillTakesWhatTheTypeHolds() {
    assertEquals(2.5f, ctx.zeros(DType.FLOAT32, 1).fill(2.5f).getFloat(0));
    assertEquals(2.5f, ctx.zeros(DType.FLOAT16, 1).fill(2.5f).getFloat(0));
    assertEquals(2.5f, ctx.zeros(DType.BFLOAT16, 1).fill(2.5f).getFloat(0));
    assertEquals(2.5, ctx.zeros(DType.FLOAT64, 1).fill(2.5f).getDouble(0));
    assertEquals(0.1, ctx.zeros(DType.FLOAT64, 1).fill(0.1).getDouble(0));
    assertEquals(3.0, ctx.zeros(DType.FLOAT64, 1).fill(3).getDouble(0));
    assertEquals(3f, ctx.zeros(DType.FLOAT16, 1).fill(3).getFloat(0));
    assertEquals(Long.MIN_VALUE, ctx.zeros(DType.INT64, 1).fill(Long.MIN_VALUE).getLong(0));
    assertEquals(-1, ctx.zeros(DType.INT32, 1).fill(-1).getInt(0));
    assertEquals((byte) 200, ctx.zeros(DType.UINT8, 1).fill(200).getByte(0));
    assertEquals(true, ctx.zeros(DType.BOOL, 1).fill(true).getBoolean(0));
  }

  @Test
  void fillRefusesWhatTheTypeDoesNotHoldWithTheValue() {
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    assertRange(DType.INT8, -128, 127);
    assertRange(DType.UINT8, 0, 255);
    assertRange(DType.INT16, -32_768, 32_767);
    assertRange(DType.INT32, Integer.MIN_VALUE, Integer.MAX_VALUE);
    assertRefuses(bad, () -> ctx.zeros(DType.INT32, 1).fill(1f), "INT32", "float");
    assertRefuses(bad, () -> ctx.zeros(DType.FLOAT32, 1).fill(1.0), "FLOAT32", "double");
    assertRefuses(bad, () -> ctx.zeros(DType.FLOAT32, 1).fill(1L), "FLOAT32", "1");
    assertRefuses(bad, () -> ctx.zeros(DType.BOOL, 1).fill(1), "BOOL", "1");
    assertRefuses(bad, () -> ctx.zeros(DType.INT8, 1).fill(true), "INT8", "boolean");
  }

  private void assertRange(DType dtype, long least, long most) {
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    Tensor tensor = ctx.zeros(dtype, 2);
    tensor.fill(least).fill(most);
    for (long outside : new long[] {least - 1, most + 1, Long.MIN_VALUE, Long.MAX_VALUE}) {
      assertRefuses(bad, () -> tensor.fill(outside), Long.toString(outside), dtype.toString());
    }
  }
}
