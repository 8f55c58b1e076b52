package dev.tensorarena.interop.jdk22;

import static dev.tensorarena.interop.jdk22.VectorApiExamplesTest.dot;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import dev.tensorarena.ffm.Segments;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;
import org.junit.jupiter.api.Test;

/** What the recipe for the Vector API rests on. */
class VectorApiTest {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();

  /** Whole numbers, whose sums are exact in any order. */
  private static Tensor numbers(ExecutionContext ctx, int size, int factor) {
    Tensor tensor = ctx.empty(DType.FLOAT32, size);
    for (int i = 0; i < size; i++) {
      tensor.setFloatAt(i, factor * i % 17 - 8);
    }
    return tensor;
  }

  private static float scalarDot(Tensor x, Tensor y) {
    float dot = 0;
    for (long i = 0; i < x.size(); i++) {
      dot += x.getFloatAt(i) * y.getFloatAt(i);
    }
    return dot;
  }

  @Test
  void theDotProductIsTheScalarOneForEveryRestOfAVector() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      for (int size = 0; size <= 5 * SPECIES.length(); size++) {
        Tensor x = numbers(ctx, size, 3);
        Tensor y = numbers(ctx, size, 5);
        assertEquals(scalarDot(x, y), dot(x, y), "of " + size);
      }
    }
  }

  @Test
  void aRowIsReadWhereItLies() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor rows = numbers(ctx, 3 * 100, 3).reshape(Shape.of(3, 100));
      Tensor query = numbers(ctx, 100, 5);
      for (int i = 0; i < 3; i++) {
        Tensor row = rows.select(0, i);
        assertEquals(rows.address() + 400L * i, Segments.of(row).address());
        assertEquals(scalarDot(row, query), dot(row, query));
      }
    }
  }

  @Test
  void vectorsAreWrittenIntoTheTensor() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      int size = SPECIES.length() + 1;
      Tensor x = numbers(ctx, size, 3);
      Tensor y = ctx.zeros(DType.FLOAT32, size);
      MemorySegment from = Segments.of(x);
      MemorySegment to = Segments.of(y);
      for (int i = 0; i < size; i += SPECIES.length()) {
        VectorMask<Float> inside = SPECIES.indexInRange(i, size);
        FloatVector.fromMemorySegment(SPECIES, from, 4L * i, ORDER, inside)
            .mul(2)
            .intoMemorySegment(to, 4L * i, ORDER, inside);
      }
      for (int i = 0; i < size; i++) {
        assertEquals(2 * x.getFloatAt(i), y.getFloatAt(i));
      }
    }
  }

  @Test
  void aFrozenTensorIsReadAndNotWritten() {
    try (ExecutionContext ctx = ExecutionContext.open();
        SharedTensor shared = numbers(ctx, 100, 3).share()) {
      assertEquals(scalarDot(shared, shared), dot(shared, shared));
      MemorySegment frozen = Segments.of(shared);
      FloatVector zero = FloatVector.zero(SPECIES);
      assertThrows(
          UnsupportedOperationException.class, () -> zero.intoMemorySegment(frozen, 0, ORDER));
    }
  }

  @Test
  void nothingIsReadPastTheEndNorAfterIt() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Scope scope = ctx.scope();
      Tensor x = numbers(ctx, SPECIES.length(), 3);
      MemorySegment bytes = Segments.of(x);
      FloatVector.fromMemorySegment(SPECIES, bytes, 0, ORDER);
      assertThrows(
          IndexOutOfBoundsException.class,
          () -> FloatVector.fromMemorySegment(SPECIES, bytes, 4, ORDER));
      scope.close();
      assertThrows(
          IllegalStateException.class,
          () -> FloatVector.fromMemorySegment(SPECIES, bytes, 0, ORDER));
      assertThrows(IllegalStateException.class, () -> dot(x, x));
    }
  }

  @Test
  void anotherThreadTakesASegmentOfItsOwnHandle() throws Exception {
    Throwable[] failed = new Throwable[1];
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = numbers(ctx, 100, 3);
      float expected = scalarDot(x, x);
      MemorySegment ours = Segments.of(x);
      SharedTensor shared = x.share();
      Thread thread =
          new Thread(
              () -> {
                assertThrows(
                    WrongThreadException.class,
                    () -> FloatVector.fromMemorySegment(SPECIES, ours, 0, ORDER));
                try (shared) {
                  assertEquals(expected, dot(shared, shared));
                }
              });
      thread.setUncaughtExceptionHandler((on, thrown) -> failed[0] = thrown);
      thread.start();
      thread.join();
    }
    assertEquals(null, failed[0]);
  }
}
