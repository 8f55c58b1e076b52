package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Elements by row-major index and by one index for each axis, for all types and ranks. */
@Tag("platform")
class ElementAccessTest {
  /** The accessors of one Java type, the element types they are for, and values to tell apart. */
  private record Family(String name, Class<?> type, Set<DType> dtypes, IntFunction<Object> value) {
    Object get(Tensor tensor, long... index) throws Throwable {
      return call("get" + name, new Class<?>[] {long[].class}, tensor, index);
    }

    void set(Tensor tensor, Object value, long... index) throws Throwable {
      call("set" + name, new Class<?>[] {type, long[].class}, tensor, value, index);
    }

    Object getAt(Tensor tensor, long flat) throws Throwable {
      return call("get" + name + "At", new Class<?>[] {long.class}, tensor, flat);
    }

    void setAt(Tensor tensor, long flat, Object value) throws Throwable {
      call("set" + name + "At", new Class<?>[] {long.class, type}, tensor, flat, value);
    }

    /** By the method for exactly this rank. */
    Object getByRank(Tensor tensor, long... index) throws Throwable {
      Class<?>[] types = new Class<?>[index.length];
      Arrays.fill(types, long.class);
      return call("get" + name, types, tensor, Arrays.stream(index).boxed().toArray());
    }

    private static Object call(String name, Class<?>[] types, Tensor tensor, Object... arguments)
        throws Throwable {
      Method method = Tensor.class.getMethod(name, types);
      try {
        return method.invoke(tensor, arguments);
      } catch (InvocationTargetException e) {
        throw e.getCause();
      }
    }
  }

  private static final List<Family> FAMILIES =
      List.of(
          new Family(
              "Float",
              float.class,
              Set.of(DType.FLOAT32, DType.FLOAT16, DType.BFLOAT16),
              i -> i + 0.5f),
          new Family("Double", double.class, Set.of(DType.FLOAT64), i -> i + 1e-9),
          new Family("Long", long.class, Set.of(DType.INT64), i -> i * 1_000_000_007_000L),
          new Family("Int", int.class, Set.of(DType.INT32), i -> i * -70_000),
          new Family("Short", short.class, Set.of(DType.INT16), i -> (short) (i * -999)),
          new Family("Byte", byte.class, Set.of(DType.INT8, DType.UINT8), i -> (byte) (i * 7)),
          new Family("Boolean", boolean.class, Set.of(DType.BOOL), i -> i % 3 == 0));

  /** One shape for each rank, 24 elements each. */
  private static final List<Shape> SHAPES =
      List.of(Shape.of(24), Shape.of(4, 6), Shape.of(2, 3, 4), Shape.of(2, 1, 3, 4));

  private static Stream<DynamicTest> forAll(TypeTest test) {
    return FAMILIES.stream()
        .flatMap(
            family ->
                Stream.of(DType.values())
                    .map(
                        dtype ->
                            dynamicTest(
                                family.name() + " of " + dtype,
                                () -> {
                                  try (ExecutionContext ctx = ExecutionContext.open()) {
                                    test.run(ctx, family, dtype);
                                  }
                                })));
  }

  private interface TypeTest {
    void run(ExecutionContext ctx, Family family, DType dtype) throws Throwable;
  }

  /** The index for each axis, from the row-major index. */
  private static long[] unflatten(Shape shape, int flat) {
    long[] index = new long[shape.rank()];
    int rest = flat;
    for (int axis = shape.rank() - 1; axis >= 0; axis--) {
      index[axis] = rest % (int) shape.dim(axis);
      rest /= (int) shape.dim(axis);
    }
    return index;
  }

  @TestFactory
  Stream<DynamicTest> whatOneAccessorWritesEveryOtherReads() {
    return forAll(
        (ctx, family, dtype) -> {
          if (family.dtypes().contains(dtype)) {
            for (Shape shape : SHAPES) {
              assertAgree(family, ctx.zeros(dtype, shape));
              assertAgree(family, ctx.zeros(dtype, reversed(shape)).transpose());
              assertAgree(family, ctx.zeros(dtype, 3, 24).slice(0, 1, 2).reshape(shape));
            }
          }
        });
  }

  private static Shape reversed(Shape shape) {
    long[] dims = shape.toArray();
    for (int i = 0; i < dims.length; i++) {
      dims[i] = shape.dim(dims.length - 1 - i);
    }
    return Shape.of(dims);
  }

  private static void assertAgree(Family family, Tensor tensor) throws Throwable {
    for (int i = 0; i < 24; i++) {
      family.setAt(tensor, i, family.value().apply(i));
    }
    assertReads(family, tensor, 0);
    for (int i = 0; i < 24; i++) {
      family.set(tensor, family.value().apply(i + 1), unflatten(tensor.shape(), i));
    }
    assertReads(family, tensor, 1);
  }

  private static void assertReads(Family family, Tensor tensor, int shift) throws Throwable {
    for (int i = 0; i < 24; i++) {
      Object expected = family.value().apply(i + shift);
      long[] index = unflatten(tensor.shape(), i);
      assertEquals(expected, family.getAt(tensor, i));
      assertEquals(expected, family.get(tensor, index));
      if (index.length <= 3) {
        assertEquals(expected, family.getByRank(tensor, index));
      }
    }
  }

  @TestFactory
  Stream<DynamicTest> everyOtherTypeIsRefusedWithTheTypes() {
    return forAll(
        (ctx, family, dtype) -> {
          if (!family.dtypes().contains(dtype)) {
            Class<IllegalArgumentException> bad = IllegalArgumentException.class;
            Tensor tensor = ctx.zeros(dtype, 4);
            String asked = family.type().getName();
            Object value = family.value().apply(1);
            assertRefuses(bad, () -> family.get(tensor, 0), dtype.toString(), asked);
            assertRefuses(bad, () -> family.getAt(tensor, 0), dtype.toString(), asked);
            assertRefuses(bad, () -> family.getByRank(tensor, 0), dtype.toString(), asked);
            assertRefuses(bad, () -> family.set(tensor, value, 0), dtype.toString(), asked);
            assertRefuses(bad, () -> family.setAt(tensor, 0, value), dtype.toString(), asked);
            Tensor zeros = ctx.zeros(dtype, 4);
            assertEquals(-1, tensor.mismatch(zeros), "nothing was written");
          }
        });
  }

  @TestFactory
  Stream<DynamicTest> indicesOutOfRangeAreRefusedWithTheValues() {
    return forAll(
        (ctx, family, dtype) -> {
          if (family.dtypes().contains(dtype)) {
            assertRangesChecked(family, ctx.zeros(dtype, 2, 3));
            assertRangesChecked(family, ctx.zeros(dtype, 3, 2).transpose());
            assertRangesChecked(family, ctx.zeros(dtype, 5, 5).slice(0, 1, 3).slice(1, 0, 3));
          }
        });
  }

  private static void assertRangesChecked(Family family, Tensor tensor) {
    Class<IndexOutOfBoundsException> bad = IndexOutOfBoundsException.class;
    Object value = family.value().apply(1);
    for (long flat : new long[] {-1, 6, 7, 1L << 32, Long.MIN_VALUE, Long.MAX_VALUE}) {
      assertRefuses(bad, () -> family.getAt(tensor, flat), "index " + flat, "[2, 3]");
      assertRefuses(bad, () -> family.setAt(tensor, flat, value), "index " + flat, "[2, 3]");
    }
    for (long wrong : new long[] {-1, 3, 1L << 32, Long.MIN_VALUE, Long.MAX_VALUE}) {
      String[] parts = {"index " + wrong, "axis 1", "[2, 3]"};
      assertRefuses(bad, () -> family.get(tensor, 1, wrong), parts);
      assertRefuses(bad, () -> family.getByRank(tensor, 1, wrong), parts);
      assertRefuses(bad, () -> family.set(tensor, value, 1, wrong), parts);
      assertRefuses(bad, () -> family.getByRank(tensor, wrong, 0), "index " + wrong, "axis 0");
      assertRefuses(bad, () -> family.get(tensor, wrong, 0), "index " + wrong, "axis 0");
    }
    // In range of the whole, but not of its axis.
    assertRefuses(bad, () -> family.getByRank(tensor, 0, 4), "index 4 on axis 1");
    assertRefuses(bad, () -> family.get(tensor, 0, 4), "index 4 on axis 1");
  }

  @TestFactory
  Stream<DynamicTest> anotherNumberOfIndicesIsRefusedWithTheValues() {
    return forAll(
        (ctx, family, dtype) -> {
          if (family.dtypes().contains(dtype)) {
            Class<IllegalArgumentException> bad = IllegalArgumentException.class;
            Object value = family.value().apply(1);
            for (int rank = 0; rank <= 4; rank++) {
              long[] dims = new long[rank];
              Arrays.fill(dims, 2);
              Tensor tensor = ctx.zeros(dtype, dims);
              for (int given = 0; given <= 4; given++) {
                if (given != rank) {
                  long[] index = new long[given];
                  String[] parts = {given + " indices", "shape " + tensor.shape()};
                  assertRefuses(bad, () -> family.get(tensor, index), parts);
                  assertRefuses(bad, () -> family.set(tensor, value, index), parts);
                  if (given > 0 && given < 4) {
                    assertRefuses(bad, () -> family.getByRank(tensor, index), parts);
                  }
                }
              }
            }
          }
        });
  }

  @Test
  void aScalarIsReadWithoutIndices() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor scalar = ctx.allocTemp(2.5);
      assertEquals(2.5, scalar.getDouble());
      assertEquals(2.5, scalar.getDoubleAt(0));
      scalar.setDouble(3.5);
      assertArrayEquals(new double[] {3.5}, scalar.toDoubleArray());
    }
  }

  @Test
  void anEmptyTensorHasNoElementToAccess() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor empty = ctx.empty(DType.FLOAT32, 2, 0);
      Class<IndexOutOfBoundsException> bad = IndexOutOfBoundsException.class;
      assertRefuses(bad, () -> empty.getFloatAt(0), "index 0", "[2, 0]");
      assertRefuses(bad, () -> empty.getFloat(0, 0), "index 0 on axis 1");
      assertRefuses(bad, () -> empty.setFloat(1f, 1, 0), "index 0 on axis 1");
    }
  }

  @Test
  void anyByteButZeroIsTrueAndTrueIsWrittenAsOne() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor flags = ctx.zeros(DType.BOOL, 3);
      flags.asByteBuffer().put(0, (byte) -128).put(1, (byte) 2);
      assertArrayEquals(new boolean[] {true, true, false}, flags.toBooleanArray());
      flags.setBooleanAt(0, true);
      flags.setBooleanAt(1, false);
      assertEquals(1, flags.asByteBuffer().get(0));
      assertEquals(0, flags.asByteBuffer().get(1));
    }
  }
}
