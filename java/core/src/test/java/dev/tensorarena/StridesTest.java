package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.junit.jupiter.api.Test;

class StridesTest {
  private static final Shape SHAPE = Shape.of(2, 3, 4);
  private static final long[] TRANSPOSED = {1, 2, 6};

  @Test
  void rowMajorStridesStepOverAllFurtherAxes() {
    assertArrayEquals(new long[] {12, 4, 1}, Strides.rowMajor(SHAPE));
    assertArrayEquals(new long[0], Strides.rowMajor(Shape.scalar()));
  }

  @Test
  void theExtentReachesFromTheFirstElementToTheLast() {
    assertEquals(24, Strides.extent(SHAPE, Strides.rowMajor(SHAPE)));
    assertEquals(24, Strides.extent(SHAPE, TRANSPOSED));
    assertEquals(1 + 100 + 2 * 10 + 3, Strides.extent(SHAPE, new long[] {100, 10, 1}));
    assertEquals(1, Strides.extent(Shape.of(1, 1), new long[] {100, 10}));
    assertEquals(1, Strides.extent(Shape.scalar(), new long[0]));
    assertEquals(0, Strides.extent(Shape.of(3, 0), new long[] {100, 10}));
  }

  @Test
  void rowMajorStridesAreNoneWhateverAnAxisOfOneSays() {
    assertNull(Strides.normalised(SHAPE, Strides.rowMajor(SHAPE)));
    assertNull(Strides.normalised(Shape.of(3, 1), new long[] {1, 77}));
    assertNull(Strides.normalised(Shape.of(3, 0), new long[] {100, 10}));
    assertSame(TRANSPOSED, Strides.normalised(SHAPE, TRANSPOSED));
  }

  @Test
  void stridesOfSomebodyElseAreTakenWhereNoElementsOverlap() {
    assertArrayEquals(TRANSPOSED, Strides.checked(SHAPE, TRANSPOSED));
    assertArrayEquals(new long[] {20, 5, 1}, Strides.checked(SHAPE, new long[] {20, 5, 1}));
    assertArrayEquals(
        new long[] {1, 3}, Strides.checked(Shape.of(1, 2), new long[] {-9, 3}), "of one index");
    assertArrayEquals(new long[] {4, 1}, Strides.checked(Shape.of(0, 4), new long[] {-1, 0}));
    long most = Long.MAX_VALUE - 1;
    assertArrayEquals(new long[] {most}, Strides.checked(Shape.of(2), new long[] {most}));
  }

  @Test
  void otherStridesAreRefusedByTheirValues() {
    assertRefuses(SHAPE, "[12, 4] for shape [2, 3, 4]: there must be one", 12, 4);
    assertRefuses(SHAPE, "[12, -4, 1] for shape [2, 3, 4]: none may be negative", 12, -4, 1);
    assertRefuses(SHAPE, "[12, 4, 0] for shape [2, 3, 4]: elements would overlap", 12, 4, 0);
    assertRefuses(SHAPE, "overlap", 12, 3, 1);
    assertRefuses(Shape.of(3, 2), "or interleave", 2, 3);
    assertRefuses(SHAPE, "overlap", 1, 1, 2);
    assertRefuses(SHAPE, "[11, 4, 1]", 11, 4, 1);
    assertRefuses(Shape.of(2), "reach beyond 2^63 - 1", Long.MAX_VALUE);
    assertRefuses(Shape.of(2, 3), "beyond", 1, Long.MAX_VALUE / 2);
  }

  private static void assertRefuses(Shape shape, String words, long... strides) {
    TestSupport.assertRefuses(
        IllegalArgumentException.class, () -> Strides.checked(shape, strides), words);
  }

  @Test
  void aRowMajorIndexLeadsToThePlace() {
    for (int i = 0; i < 24; i++) {
      assertEquals(i, Strides.place(SHAPE, Strides.rowMajor(SHAPE), i));
      assertEquals(i / 12 + i / 4 % 3 * 2L + i % 4 * 6L, Strides.place(SHAPE, TRANSPOSED, i));
    }
  }
}
