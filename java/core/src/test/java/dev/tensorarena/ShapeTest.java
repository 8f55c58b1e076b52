package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class ShapeTest {
  @Test
  void aShapeHasTheExtentsThatItWasGiven() {
    Shape shape = Shape.of(2, 3, 4);
    assertEquals(3, shape.rank());
    assertEquals(24, shape.numElements());
    assertEquals(2, shape.dim(0));
    assertEquals(3, shape.dim(1));
    assertEquals(4, shape.dim(2));
    assertArrayEquals(new long[] {2, 3, 4}, shape.toArray());
    assertEquals("[2, 3, 4]", shape.toString());
  }

  @Test
  void aScalarHasNoAxesAndOneElement() {
    assertEquals(0, Shape.scalar().rank());
    assertEquals(1, Shape.scalar().numElements());
    assertSame(Shape.scalar(), Shape.of());
    assertEquals("[]", Shape.scalar().toString());
  }

  @Test
  void anExtentOfZeroMeansNoElements() {
    assertEquals(0, Shape.of(3, 0, 4).numElements());
    assertEquals(0, Shape.of(Long.MAX_VALUE, 0, Long.MAX_VALUE).numElements());
  }

  @Test
  void aNegativeExtentIsRefusedWithTheValues() {
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    assertRefuses(bad, () -> Shape.of(3, -1), "-1", "[3, -1]");
    assertRefuses(bad, () -> Shape.of(0, -7), "-7", "[0, -7]");
    assertRefuses(bad, () -> Shape.of(-2, -3), "-2");
  }

  @Test
  void theNumberOfElementsDoesNotOverflow() {
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    assertEquals(Long.MAX_VALUE, Shape.of(Long.MAX_VALUE, 1).numElements());
    assertEquals(1L << 62, Shape.of(1L << 31, 1L << 31).numElements());
    assertRefuses(bad, () -> Shape.of(1L << 32, 1L << 31), "[4294967296, 2147483648]", "2^63");
    assertRefuses(bad, () -> Shape.of(1L << 32, 1L << 32), "2^63");
    assertRefuses(bad, () -> Shape.of(1L << 33, 1L << 33), "2^63");
    assertRefuses(bad, () -> Shape.of(Long.MAX_VALUE, 2), "2^63");
    assertRefuses(bad, () -> Shape.of(3037000500L, 3037000500L), "2^63");
  }

  @Test
  void theSizeInBytesDoesNotOverflow() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      for (DType dtype : DType.values()) {
        long most = Long.MAX_VALUE / dtype.byteSize();
        assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(dtype, most));
        if (dtype.byteSize() > 1) {
          assertRefuses(
              IllegalArgumentException.class,
              () -> ctx.empty(dtype, most + 1),
              dtype.toString(),
              "[" + (most + 1) + "]");
        }
      }
      assertEquals(0, ctx.memoryUsage());
    }
  }

  @Test
  void axesOutOfRangeAreRefusedWithTheValues() {
    Class<IndexOutOfBoundsException> bad = IndexOutOfBoundsException.class;
    assertRefuses(bad, () -> Shape.of(2, 3).dim(2), "axis 2", "[2, 3]");
    assertRefuses(bad, () -> Shape.of(2, 3).dim(-1), "axis -1", "[2, 3]");
    assertRefuses(bad, () -> Shape.scalar().dim(0), "axis 0", "[]");
  }

  @Test
  void aShapeCannotBeChanged() {
    long[] dims = {2, 3};
    Shape shape = Shape.of(dims);
    dims[0] = 9;
    shape.toArray()[1] = 9;
    assertEquals(Shape.of(2, 3), shape);
  }

  @Test
  void shapesAreEqualWhenTheirExtentsAre() {
    assertEquals(Shape.of(2, 3), Shape.of(2, 3));
    assertEquals(Shape.of(2, 3).hashCode(), Shape.of(2, 3).hashCode());
    assertNotEquals(Shape.of(2, 3).hashCode(), Shape.of(3, 2).hashCode());
    assertNotEquals(Shape.of(2, 3), Shape.of(3, 2));
    assertNotEquals(Shape.of(6), Shape.of(6, 1));
    assertNotEquals(Shape.of(6), "[6]");
    assertNotEquals(Shape.of(6), null);
  }

  @Test
  void typesHaveTheirSizes() {
    int[] sizes = {4, 8, 2, 2, 8, 4, 2, 1, 1, 1};
    assertEquals(
        "[FLOAT32, FLOAT64, FLOAT16, BFLOAT16, INT64, INT32, INT16, INT8, UINT8, BOOL]",
        java.util.Arrays.toString(DType.values()));
    for (DType dtype : DType.values()) {
      assertEquals(sizes[dtype.ordinal()], dtype.byteSize(), dtype.toString());
    }
  }
}
