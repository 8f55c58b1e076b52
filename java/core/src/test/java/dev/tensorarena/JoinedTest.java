package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** {@link ExecutionContext#concat} and {@link ExecutionContext#stack}, as NumPy has them. */
@Tag("platform")
class JoinedTest {
  private static final Class<IllegalArgumentException> ARGUMENT = IllegalArgumentException.class;
  private static final Class<IndexOutOfBoundsException> BOUNDS = IndexOutOfBoundsException.class;

  private final ExecutionContext ctx = ExecutionContext.open();
  private final Random random = new Random(7);

  @AfterEach
  void close() {
    ctx.close();
  }

  private static void assertIs(Tensor tensor, Shape shape, int... elements) {
    assertEquals(shape, tensor.shape());
    assertArrayEquals(elements, tensor.toIntArray());
    assertTrue(tensor.isContiguous());
  }

  // ---- what NumPy 2.4 answers

  @Test
  void concatenates() {
    Tensor a = ctx.copyOf(Shape.of(2, 2), 1, 2, 3, 4);
    Tensor b = ctx.copyOf(Shape.of(1, 2), 5, 6);
    assertIs(ctx.concat(0, a, b), Shape.of(3, 2), 1, 2, 3, 4, 5, 6);
    assertIs(ctx.concat(1, a, b.transpose()), Shape.of(2, 3), 1, 2, 5, 3, 4, 6);
    assertIs(ctx.concat(0, b, b, b), Shape.of(3, 2), 5, 6, 5, 6, 5, 6);
    assertIs(ctx.concat(0, a.transpose()), Shape.of(2, 2), 1, 3, 2, 4);
    Tensor none = ctx.empty(DType.INT32, 0, 2);
    assertIs(ctx.concat(0, none, b, none), Shape.of(1, 2), 5, 6);
    assertIs(ctx.concat(1, none, ctx.empty(DType.INT32, 0, 3)), Shape.of(0, 5));
  }

  @Test
  void stacks() {
    Tensor a = ctx.copyOf(Shape.of(2), 1, 2);
    Tensor b = ctx.copyOf(Shape.of(2), 3, 4);
    assertIs(ctx.stack(0, a, b), Shape.of(2, 2), 1, 2, 3, 4);
    assertIs(ctx.stack(1, a, b), Shape.of(2, 2), 1, 3, 2, 4);
    assertIs(ctx.stack(0, ctx.allocTemp(1), ctx.allocTemp(2)), Shape.of(2), 1, 2);
    assertIs(ctx.stack(1, a), Shape.of(2, 1), 1, 2);
    Tensor none = ctx.empty(DType.INT32, 0);
    assertIs(ctx.stack(1, none, none, none), Shape.of(0, 3));
  }

  @Test
  void whatIsTrueStaysSo() {
    Tensor odd = ctx.copyOf(Shape.of(2), (byte) 0, (byte) 2);
    Tensor bytes = ctx.wrap(odd.asByteBuffer(), DType.BOOL, Shape.of(2));
    Tensor joined = ctx.concat(0, bytes, ctx.zeros(DType.BOOL, 1).fill(true));
    assertArrayEquals(new boolean[] {false, true, true}, joined.toBooleanArray());
  }

  // ---- any shapes, types and strides

  /** A tensor of this shape, with gaps or in another order, or not. */
  private Tensor any(DType dtype, long... dims) {
    int rank = dims.length;
    int way = rank == 0 ? 0 : random.nextInt(3);
    long[] larger = dims.clone();
    if (way == 1) {
      for (int i = 0; i < rank; i++) {
        larger[i] += 2;
      }
    } else if (way == 2) {
      for (int i = 0; i < rank; i++) {
        larger[i] = dims[rank - 1 - i];
      }
    }
    Tensor tensor = ctx.empty(dtype, larger);
    byte[] bytes = new byte[(int) tensor.byteSize()];
    random.nextBytes(bytes);
    tensor.asByteBuffer().put(bytes);
    for (int i = 0; way == 1 && i < rank; i++) {
      tensor = tensor.slice(i, 1, 1 + dims[i]);
    }
    return way == 2 ? tensor.transpose() : tensor;
  }

  @Test
  void everyPartIsWhatItWas() {
    for (int round = 0; round < 1000; round++) {
      try (Scope scope = ctx.scope()) {
        assertTrue(scope.isOpen());
        DType dtype = DType.values()[round % DType.values().length];
        long[] dims = random.longs(1 + random.nextInt(4), 0, 5).toArray();
        int axis = random.nextInt(dims.length);
        List<Tensor> parts = new ArrayList<>();
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
          dims[axis] = random.nextInt(4);
          parts.add(any(dtype, dims));
        }
        Tensor joined = ctx.concat(axis, parts.toArray(new Tensor[0]));
        long from = 0;
        for (Tensor part : parts) {
          long to = from + part.shape().dim(axis);
          assertTrue(joined.slice(axis, from, to).contentEquals(part));
          from = to;
        }
        assertEquals(from, joined.shape().dim(axis));
        int newAxis = random.nextInt(dims.length + 1);
        Tensor one = any(dtype, dims);
        Tensor two = any(dtype, dims);
        Tensor stacked = ctx.stack(newAxis, one, two, one);
        assertTrue(stacked.select(newAxis, 0).contentEquals(one));
        assertTrue(stacked.select(newAxis, 1).contentEquals(two));
        assertTrue(stacked.select(newAxis, 2).contentEquals(one));
        assertEquals(3, stacked.shape().dim(newAxis));
      }
    }
  }

  @Test
  void handlesAndTensorsOfOtherContextsAreJoinedInTheInnermostScope() {
    Tensor joined;
    try (ExecutionContext other = ExecutionContext.open();
        SharedTensor handle = other.allocSlice(1, 2).share()) {
      Scope scope = ctx.scope();
      joined = ctx.concat(0, handle, other.allocSlice(3), ctx.allocSlice(4));
      assertIs(joined, Shape.of(4), 1, 2, 3, 4);
      joined.setIntAt(0, 5); // is writable
      scope.close();
    }
    assertFalse(joined.isAlive());
  }

  /** No row is looked at: there are too many. */
  @Test
  void verySlenderTensorsWithoutElementsAreJoined() {
    Tensor none = ctx.empty(DType.INT8, Long.MAX_VALUE, 0);
    assertEquals(none.shape(), ctx.concat(1, none, none).shape());
  }

  /** Where no buffer reaches all of a part: the pages are never touched but for some. */
  @Test
  @Tag("reliability")
  void whatNoBufferReachesIsJoined() {
    long half = (1L << 30) + 5;
    Tensor large = ctx.empty(DType.INT8, 3, half);
    large.select(0, 0).setByteAt(half - 1, (byte) 1);
    large.select(0, 1).setByteAt(half - 1, (byte) 2);
    Tensor small = ctx.copyOf(Shape.of(3, 1), (byte) 3, (byte) 4, (byte) 5);
    Tensor joined = ctx.concat(1, small, large);
    assertEquals(Shape.of(3, half + 1), joined.shape());
    assertEquals(3, joined.select(0, 0).getByteAt(0));
    assertEquals(1, joined.select(0, 0).getByteAt(half));
    assertEquals(4, joined.select(0, 1).getByteAt(0));
    assertEquals(2, joined.select(0, 1).getByteAt(half));
    Tensor gathered = ctx.concat(1, large.slice(1, half - 1, half), small);
    assertEquals(1, gathered.getByteAt(0));
    assertEquals(2, gathered.getByteAt(2));
  }

  // ---- what is refused

  @Test
  void whatDoesNotFitTogetherIsRefusedAndNothingIsAllocated() {
    Tensor a = ctx.copyOf(Shape.of(2, 2), 1, 2, 3, 4);
    Tensor row = ctx.allocSlice(1, 2);
    Tensor scalar = ctx.allocTemp(1);
    Tensor floats = ctx.empty(DType.FLOAT32, 2, 2);
    Tensor wide = ctx.empty(DType.INT32, 0, 1L << 62);
    long before = ctx.memoryUsage();
    assertRefuses(ARGUMENT, () -> ctx.concat(0), "no tensor to concatenate");
    assertRefuses(ARGUMENT, () -> ctx.stack(0), "no tensor to stack");
    assertRefuses(ARGUMENT, () -> ctx.concat(0, a, a, row), "tensor 2", "[2, 2]", "[2]", "rank");
    assertRefuses(
        ARGUMENT, () -> ctx.concat(1, row.reshape(Shape.of(1, 2)), a), "[1, 2]", "on axis 0");
    assertRefuses(ARGUMENT, () -> ctx.concat(0, a, floats), "tensor 1", "INT32", "FLOAT32");
    assertRefuses(ARGUMENT, () -> ctx.stack(0, a, floats), "tensor 1", "INT32", "FLOAT32");
    assertRefuses(ARGUMENT, () -> ctx.stack(0, a, row), "tensor 1", "[2, 2]", "[2]");
    assertRefuses(BOUNDS, () -> ctx.concat(0, scalar, scalar), "axis 0", "[]");
    assertRefuses(BOUNDS, () -> ctx.concat(2, a, a), "axis 2", "[2, 2]");
    assertRefuses(BOUNDS, () -> ctx.concat(-1, a, a), "axis -1", "[2, 2]");
    assertRefuses(BOUNDS, () -> ctx.stack(3, a, a), "axis 3", "[2, 2]");
    assertRefuses(BOUNDS, () -> ctx.stack(-1, a, a), "axis -1", "[2, 2]");
    assertRefuses(
        ARGUMENT, () -> ctx.concat(1, wide, wide), Long.toString(1L << 62), "axis 1", "2^63");
    assertEquals(before, ctx.memoryUsage());
  }

  @Test
  void theLimitRefusesBeforeAnythingIsAllocated() {
    try (ExecutionContext small = ExecutionContext.withMemoryLimit(100)) {
      Tensor a = small.empty(DType.INT8, 60);
      assertRefuses(MemoryLimitExceededException.class, () -> small.concat(0, a, a), "120", "100");
      assertEquals(60, small.memoryUsage());
    }
  }
}
