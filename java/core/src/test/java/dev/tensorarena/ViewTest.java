package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.counting;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** reshape, slice, select and transpose: views, without a copy. */
@Tag("platform")
class ViewTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  /** A view as it is defined: the place in the base of each element, in row-major order. */
  private record Reference(long[] dims, int[] places) {
    private static int product(long[] dims) {
      return (int) Arrays.stream(dims).reduce(1, (a, b) -> a * b);
    }

    private int flat(long[] index) {
      int flat = 0;
      for (int axis = 0; axis < dims.length; axis++) {
        flat = flat * (int) dims[axis] + (int) index[axis];
      }
      return flat;
    }

    /** Where each element of a result of these extents comes from. */
    private Reference from(long[] newDims, java.util.function.UnaryOperator<long[]> source) {
      int[] newPlaces = new int[product(newDims)];
      for (int i = 0; i < newPlaces.length; i++) {
        newPlaces[i] = places[flat(source.apply(unflatten(newDims, i)))];
      }
      return new Reference(newDims, newPlaces);
    }

    static long[] unflatten(long[] dims, int flat) {
      long[] index = new long[dims.length];
      int rest = flat;
      for (int axis = dims.length - 1; axis >= 0; axis--) {
        index[axis] = rest % (int) dims[axis];
        rest /= (int) dims[axis];
      }
      return index;
    }

    Reference slice(int axis, long from, long to) {
      long[] newDims = dims.clone();
      newDims[axis] = to - from;
      return from(
          newDims,
          index -> {
            index[axis] += from;
            return index;
          });
    }

    Reference select(int axis, long at) {
      long[] newDims =
          IntStream.range(0, dims.length).filter(a -> a != axis).mapToLong(a -> dims[a]).toArray();
      return from(
          newDims,
          index ->
              IntStream.range(0, dims.length)
                  .mapToLong(a -> a == axis ? at : index[a < axis ? a : a - 1])
                  .toArray());
    }

    Reference transpose(int... axes) {
      return from(
          Arrays.stream(axes).mapToLong(a -> dims[a]).toArray(),
          index -> {
            long[] old = new long[dims.length];
            for (int i = 0; i < axes.length; i++) {
              old[axes[i]] = index[i];
            }
            return old;
          });
    }

    boolean isContiguous() {
      for (int i = 0; i < places.length; i++) {
        if (places[i] != places[0] + i) {
          return false;
        }
      }
      return true;
    }
  }

  static IntStream seeds() {
    return IntStream.range(0, 60);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void viewsOfViewsShowWhatTheyAreDefinedToShow(int seed) {
    Random random = new Random(seed);
    DType dtype = random.nextBoolean() ? DType.INT32 : DType.INT64;
    long[] dims = random.longs(1 + random.nextInt(5), 1, 6).toArray();
    Tensor base = ctx.empty(dtype, dims);
    int count = (int) base.size();
    for (int i = 0; i < count; i++) {
      if (dtype == DType.INT32) {
        base.setIntAt(i, i);
      } else {
        base.setLongAt(i, i);
      }
    }
    Tensor view = base;
    Reference reference = new Reference(dims, IntStream.range(0, count).toArray());
    for (int step = 0; step < 12; step++) {
      int rank = view.rank();
      int axis = rank == 0 ? 0 : random.nextInt(rank);
      switch (rank == 0 ? 3 : random.nextInt(5)) {
        case 0:
          long from = random.nextInt((int) view.shape().dim(axis) + 1);
          long to = from + random.nextInt((int) (view.shape().dim(axis) - from) + 1);
          if (from == to && random.nextInt(4) > 0) {
            continue;
          }
          view = view.slice(axis, from, to);
          reference = reference.slice(axis, from, to);
          break;
        case 1:
          if (view.shape().dim(axis) == 0) {
            continue;
          }
          long at = random.nextInt((int) view.shape().dim(axis));
          view = view.select(axis, at);
          reference = reference.select(axis, at);
          break;
        case 2:
          int[] axes = shuffled(rank, random);
          view = view.transpose(axes);
          reference = reference.transpose(axes);
          break;
        case 3:
          if (!view.isContiguous()) {
            continue;
          }
          Shape shape = factored(view.size(), random);
          view = view.reshape(shape);
          reference = new Reference(shape.toArray(), reference.places());
          break;
        default:
          view = view.transpose();
          reference =
              reference.transpose(IntStream.range(0, rank).map(a -> rank - 1 - a).toArray());
      }
      assertShows(reference, view, base);
    }
  }

  private static int[] shuffled(int rank, Random random) {
    int[] axes = IntStream.range(0, rank).toArray();
    for (int i = rank; --i > 0; ) {
      int j = random.nextInt(i + 1);
      int swapped = axes[i];
      axes[i] = axes[j];
      axes[j] = swapped;
    }
    return axes;
  }

  private static Shape factored(long count, Random random) {
    long first = 1;
    for (int divisor = 2; divisor <= 6; divisor++) {
      if (count % divisor == 0 && random.nextBoolean()) {
        first = divisor;
      }
    }
    return random.nextBoolean()
        ? Shape.of(first, count / first)
        : Shape.of(count / first, 1, first);
  }

  private static void assertShows(Reference reference, Tensor view, Tensor base) {
    assertArrayEquals(reference.dims(), view.shape().toArray());
    int[] places = reference.places();
    assertEquals(places.length, view.size());
    assertEquals((long) places.length * view.dtype().byteSize(), view.byteSize());
    assertEquals(places.length == 0, view.isEmpty());
    boolean ints = view.dtype() == DType.INT32;
    for (int i = 0; i < places.length; i++) {
      long[] index = Reference.unflatten(reference.dims(), i);
      assertEquals(places[i], ints ? view.getIntAt(i) : view.getLongAt(i));
      assertEquals(places[i], ints ? view.getInt(index) : view.getLong(index));
      long place = 0;
      for (int axis = 0; axis < index.length; axis++) {
        place += index[axis] * view.stride(axis);
      }
      assertEquals(places[i], places[0] + place, "strides are distances in elements");
    }
    assertEquals(reference.isContiguous(), view.isContiguous());
    long[] all =
        ints ? Arrays.stream(view.toIntArray()).asLongStream().toArray() : view.toLongArray();
    assertArrayEquals(Arrays.stream(places).asLongStream().toArray(), all);
    if (places.length > 0) {
      long distance = view.address() - base.address();
      assertEquals((long) places[0] * view.dtype().byteSize(), distance, "no copy");
    }
    assertTrue(view.address() != 0);
  }

  @Test
  void viewsWriteThroughToTheirSource() {
    Tensor base = ctx.zeros(DType.FLOAT32, 3, 4);
    base.transpose().slice(0, 1, 3).select(1, 2).fill(7f);
    assertArrayEquals(new float[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 7, 0}, base.toFloatArray());
    base.select(0, 0).setFloat(5f, 3);
    assertEquals(5f, base.getFloat(0, 3));
    long used = ctx.memoryUsage();
    base.reshape(Shape.of(12)).slice(0, 0, 6).reshape(Shape.of(2, 3)).transpose();
    assertEquals(used, ctx.memoryUsage(), "nothing is allocated");
  }

  @Test
  void axesOfOneDoNotMakeAViewStrided() {
    Tensor base = ctx.copyOf(Shape.of(4, 1, 3), counting(12));
    assertTrue(base.transpose(1, 0, 2).isContiguous());
    assertTrue(base.slice(0, 1, 2).transpose(2, 1, 0).isContiguous());
    assertTrue(base.slice(0, 2, 3).isContiguous());
    assertFalse(base.transpose(2, 1, 0).isContiguous());
    assertFalse(base.slice(2, 0, 2).isContiguous());
  }

  @Test
  void emptyViewsAreEmptyAndAligned() {
    Tensor base = ctx.copyOf(Shape.of(2, 3), counting(6));
    for (Tensor empty :
        new Tensor[] {
          base.slice(0, 1, 1),
          base.slice(1, 3, 3),
          base.slice(0, 2, 2).transpose(),
          base.slice(1, 0, 0).reshape(Shape.of(0, 7)),
          base.slice(1, 1, 1).select(0, 1)
        }) {
      assertTrue(empty.isEmpty());
      assertTrue(empty.isContiguous());
      assertEquals(0, empty.toFloatArray().length);
      assertEquals(0, empty.asFloatBuffer().remaining());
      assertNotEquals(0, empty.address());
      assertEquals(0, empty.address() % 4);
      assertEquals(-1, empty.mismatch(empty.copy(ctx)));
    }
  }

  @Test
  void anEmptyViewBehindTheLastElementIsWithinItsSource() {
    Tensor wrapped =
        ctx.wrap(
            ByteBuffer.allocateDirect(24).order(ByteOrder.nativeOrder()),
            DType.FLOAT32,
            Shape.of(2, 3));
    Tensor empty = wrapped.slice(1, 2, 3).slice(0, 2, 2);
    assertEquals(Shape.of(0, 1), empty.shape());
    assertEquals(0, empty.asFloatBuffer().capacity());
  }

  @Test
  void whatIsOutOfRangeIsRefusedWithTheValues() {
    Tensor base = ctx.zeros(DType.FLOAT32, 2, 3);
    Class<IndexOutOfBoundsException> range = IndexOutOfBoundsException.class;
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    assertRefuses(range, () -> base.slice(2, 0, 1), "axis 2", "[2, 3]");
    assertRefuses(range, () -> base.slice(-1, 0, 1), "axis -1", "[2, 3]");
    assertRefuses(range, () -> base.slice(1, -1, 2), "-1", "axis 1", "[2, 3]");
    assertRefuses(range, () -> base.slice(1, 0, 4), "0 to 4", "axis 1", "[2, 3]");
    assertRefuses(range, () -> base.slice(1, 2, 1), "2 to 1", "axis 1", "[2, 3]");
    assertRefuses(range, () -> base.slice(1, Long.MIN_VALUE, Long.MAX_VALUE), "axis 1");
    assertRefuses(range, () -> base.select(2, 0), "axis 2", "[2, 3]");
    assertRefuses(range, () -> base.select(0, 2), "index 2", "axis 0", "[2, 3]");
    assertRefuses(range, () -> base.select(0, -1), "index -1", "axis 0", "[2, 3]");
    assertRefuses(range, () -> base.stride(2), "axis 2", "[2, 3]");
    assertRefuses(range, () -> ctx.allocTemp(1f).slice(0, 0, 1), "axis 0", "[]");
    assertRefuses(bad, () -> base.reshape(Shape.of(7)), "[2, 3]", "[7]", "6", "7");
    for (int[] axes : new int[][] {{0}, {0, 0}, {0, 2}, {-1, 0}, {0, 1, 1}, {1, 1}, {2, 1, 0}}) {
      assertRefuses(bad, () -> base.transpose(axes), Arrays.toString(axes), "[2, 3]");
    }
    assertRefuses(bad, () -> ctx.allocTemp(1f).transpose(0), "[0]");
  }

  @Test
  void aStridedViewCannotBeReshapedAndSaysWhatHelps() {
    Tensor strided = ctx.zeros(DType.FLOAT32, 2, 3).transpose();
    assertRefuses(() -> strided.reshape(Shape.of(6)), "strided", "contiguous(ctx)");
    assertEquals(Shape.of(6), strided.contiguous(ctx).reshape(Shape.of(6)).shape());
  }

  @Test
  void aScalarHasViewsToo() {
    Tensor scalar = ctx.allocTemp(4f);
    assertEquals(4f, scalar.reshape(Shape.of(1, 1)).getFloat(0, 0));
    assertEquals(4f, scalar.transpose().getFloat());
    assertEquals(4f, ctx.allocSlice(3f, 4f).select(0, 1).getFloat());
  }

  @Test
  void contiguousGivesAContiguousTensorAndCopiesOnlyWhenItMust() {
    Tensor base = ctx.copyOf(Shape.of(2, 3), counting(6));
    assertSame(base, base.contiguous(ctx));
    Tensor rows = base.slice(0, 1, 2);
    assertSame(rows, rows.contiguous(ctx));
    Tensor copy = base.transpose().contiguous(ctx);
    assertTrue(copy.isContiguous());
    assertArrayEquals(new float[] {0, 3, 1, 4, 2, 5}, copy.toFloatArray());
    copy.setFloat(9f, 0, 0);
    assertEquals(0f, base.getFloat(0, 0));
  }

  @Test
  void copyGivesAWritableContiguousTensorInTheContextThatIsAsked() {
    SharedTensor shared = ctx.copyOf(Shape.of(2, 3), counting(6)).share();
    try (ExecutionContext other = ExecutionContext.open()) {
      Tensor copy = shared.transpose().copy(other);
      assertTrue(copy.isContiguous());
      assertTrue(copy.isWritable());
      assertEquals(24, other.memoryUsage());
      shared.close();
      ctx.reset();
      assertArrayEquals(new float[] {0, 3, 1, 4, 2, 5}, copy.toFloatArray());
    }
  }
}
