package dev.tensorarena.blas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tensorarena.ClosableMemory;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A BLAS library on tensors as they lie, against sums in double. */
class BlasTest {
  private final ExecutionContext ctx = ExecutionContext.open();
  private final Random random = new Random(7);

  @AfterEach
  void close() {
    ctx.close();
  }

  private static double get(Tensor tensor, long i) {
    return tensor.dtype() == DType.FLOAT32 ? tensor.getFloatAt(i) : tensor.getDoubleAt(i);
  }

  /** What sums of a few hundred products below 1 may be off. */
  private static double error(Tensor tensor) {
    return tensor.dtype() == DType.FLOAT32 ? 1e-4 : 1e-12;
  }

  private static void fill(Tensor tensor, double value) {
    if (tensor.dtype() == DType.FLOAT32) {
      tensor.fill((float) value);
    } else {
      tensor.fill(value);
    }
  }

  private Tensor random(DType dtype, long... dims) {
    Tensor tensor = ctx.empty(dtype, dims);
    for (long i = 0; i < tensor.size(); i++) {
      double value = random.nextDouble() - 0.5;
      if (dtype == DType.FLOAT32) {
        tensor.setFloatAt(i, (float) value);
      } else {
        tensor.setDoubleAt(i, value);
      }
    }
    return tensor;
  }

  /** A vector in every layout that there is. */
  private List<Tensor> vectors(DType dtype, long n) {
    return List.of(
        random(dtype, n),
        random(dtype, n, 3).select(1, 1),
        random(dtype, 2, n + 5).select(0, 1).slice(0, 2, n + 2));
  }

  /** A matrix in every layout that BLAS takes: by rows, by columns, and parts of both. */
  private List<Tensor> matrices(DType dtype, long m, long n) {
    return List.of(
        random(dtype, m, n),
        random(dtype, n, m).transpose(),
        random(dtype, m + 2, n + 3).slice(0, 1, m + 1).slice(1, 2, n + 2),
        random(dtype, n + 2, m + 3).slice(0, 1, n + 1).slice(1, 2, m + 2).transpose());
  }

  private static double dot(Tensor a, Tensor b) {
    double sum = 0;
    for (long i = 0; i < a.size(); i++) {
      sum += get(a, i) * get(b, i);
    }
    return sum;
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void dotAxpyAndScalHonourStrides(DType dtype) {
    for (long n : new long[] {0, 1, 2, 7, 1000}) {
      for (Tensor x : vectors(dtype, n)) {
        for (Tensor y : vectors(dtype, n)) {
          assertEquals(dot(x, y), Blas.dot(x, y), error(x));
          Tensor before = y.copy(ctx);
          Blas.axpy(2.25, x, y);
          for (long i = 0; i < n; i++) {
            assertEquals(2.25 * get(x, i) + get(before, i), get(y, i), error(x));
          }
        }
        Tensor before = x.copy(ctx);
        Blas.scal(-1.5, x);
        for (long i = 0; i < n; i++) {
          assertEquals(-1.5 * get(before, i), get(x, i), error(x));
        }
      }
      ctx.reset();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void gemvHonoursStridesAndTransposes(DType dtype) {
    for (long[] size : new long[][] {{1, 1}, {1, 9}, {9, 1}, {5, 7}, {33, 384}, {0, 3}, {3, 0}}) {
      for (Tensor a : matrices(dtype, size[0], size[1])) {
        for (Tensor x : vectors(dtype, size[1])) {
          for (Tensor y : vectors(dtype, size[0])) {
            Tensor before = y.copy(ctx);
            Blas.gemv(3, a, x, 0.5, y);
            for (long i = 0; i < size[0]; i++) {
              double expected = 3 * dot(a.select(0, i), x) + 0.5 * get(before, i);
              assertEquals(expected, get(y, i), error(y), a + " " + x);
            }
            fill(y, Double.NaN);
            Blas.gemv(1, a, x, 0, y);
            for (long i = 0; i < size[0]; i++) {
              assertEquals(dot(a.select(0, i), x), get(y, i), error(y), "beta 0 reads no y");
            }
          }
        }
      }
      ctx.reset();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void gemmHonoursStridesAndTransposesOfAllThree(DType dtype) {
    long[][] sizes = {
      {1, 1, 1}, {4, 5, 6}, {1, 5, 3}, {5, 1, 3}, {5, 3, 1}, {4, 3, 0}, {4, 1, 0}, {1, 4, 0}
    };
    for (long[] size : sizes) {
      for (Tensor a : matrices(dtype, size[0], size[2])) {
        for (Tensor b : matrices(dtype, size[2], size[1])) {
          for (Tensor c : matrices(dtype, size[0], size[1])) {
            Tensor before = c.copy(ctx);
            Blas.gemm(2, a, b, -1, c);
            assertProduct(2, a, b, before, c);
            fill(c, Double.NaN);
            fill(before, 0);
            Blas.gemm(1, a, b, 0, c);
            assertProduct(1, a, b, before, c);
          }
        }
      }
      ctx.reset();
    }
  }

  /** Expects c = αab - before. */
  private static void assertProduct(double alpha, Tensor a, Tensor b, Tensor before, Tensor c) {
    for (long i = 0; i < c.shape().dim(0); i++) {
      for (long j = 0; j < c.shape().dim(1); j++) {
        double expected = alpha * dot(a.select(0, i), b.select(1, j)) - get(before.select(0, i), j);
        assertEquals(expected, get(c.select(0, i), j), error(c), a + " " + b + " " + c);
      }
    }
  }

  @Test
  void nothingOutsideOfTheResultIsWritten() {
    DType f32 = DType.FLOAT32;
    Tensor around = ctx.zeros(f32, 4, 5);
    Blas.gemv(1, random(f32, 2, 3), random(f32, 3), 0, around.select(1, 2).slice(0, 1, 3));
    Blas.gemm(1, random(f32, 2, 3), random(f32, 3, 2), 0, around.slice(0, 2, 4).slice(1, 3, 5));
    Blas.axpy(1, random(f32, 2), around.select(1, 0).slice(0, 0, 2));
    assertEquals(20 - 2 - 4 - 2, zeros(around));
    Tensor ones = ctx.zeros(f32, 4, 5).fill(1f);
    Blas.scal(0, ones.select(1, 3));
    assertEquals(4, zeros(ones));
  }

  private static int zeros(Tensor tensor) {
    int zeros = 0;
    for (long i = 0; i < tensor.size(); i++) {
      zeros += tensor.getFloatAt(i) == 0 ? 1 : 0;
    }
    return zeros;
  }

  private static void assertRefuses(Class<? extends Throwable> type, Executable call, String part) {
    String message = assertThrows(type, call).getMessage();
    assertTrue(message.contains(part), message);
  }

  @Test
  void whatDoesNotFitIsRefusedWithTheShapes() {
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    Tensor a = random(DType.FLOAT32, 3, 4);
    Tensor x = random(DType.FLOAT32, 4);
    Tensor y = random(DType.FLOAT32, 3);
    assertRefuses(bad, () -> Blas.dot(x, y), "[4], FLOAT32 tensor of shape [3]");
    assertRefuses(bad, () -> Blas.axpy(1, x, y), "differ in length");
    assertRefuses(bad, () -> Blas.gemv(1, a, y, 0, y), "columns");
    assertRefuses(bad, () -> Blas.gemv(1, a, x, 0, x), "rows");
    assertRefuses(bad, () -> Blas.gemv(1, x, x, 0, y), "A must be a FLOAT32 or FLOAT64 matrix");
    assertRefuses(bad, () -> Blas.gemv(1, a, a, 0, y), "x must be a FLOAT32 or FLOAT64 vector");
    assertRefuses(bad, () -> Blas.scal(1, a), "x must be a FLOAT32 or FLOAT64 vector");
    assertRefuses(bad, () -> Blas.scal(1, ctx.zeros(DType.INT32, 4)), "x must be a FLOAT32 or");
    assertRefuses(bad, () -> Blas.gemm(1, a, a, 0, a), "columns as B rows");
    Tensor spread = random(DType.FLOAT32, 3, 4, 2).select(2, 0);
    assertRefuses(bad, () -> Blas.gemv(1, spread, x, 0, y), "contiguous(ctx)");
  }

  @Test
  void tensorsOf2GiBAreRefused() {
    Tensor x = ctx.empty(DType.FLOAT32, 1 << 29); // which nobody touches
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    assertRefuses(bad, () -> Blas.scal(2, x), "spans 2147483648 bytes, more than the 2^31 - 1");
    Tensor y = ctx.empty(DType.FLOAT32, 1 << 15);
    Tensor a = x.reshape(Shape.of(1 << 15, 1 << 14));
    assertRefuses(bad, () -> Blas.gemv(1, a, y.slice(0, 0, 1 << 14), 0, y), "spans 2147483648");
  }

  @Test
  void tensorsOfDifferentTypesAreRefused() {
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    Tensor a = random(DType.FLOAT32, 4, 4);
    Tensor x = random(DType.FLOAT32, 4);
    Tensor wide = random(DType.FLOAT64, 4);
    assertRefuses(bad, () -> Blas.dot(x, wide), "x and y differ in type: FLOAT32");
    assertRefuses(bad, () -> Blas.axpy(1, wide, x), "x and y differ in type: FLOAT64");
    assertRefuses(bad, () -> Blas.gemv(1, a, x, 0, wide), "A, x and y differ in type");
    assertRefuses(bad, () -> Blas.gemv(1, a, wide, 0, x), "A, x and y differ in type");
    Tensor b = random(DType.FLOAT64, 4, 4);
    assertRefuses(bad, () -> Blas.gemm(1, a, b, 0, a), "A, B and C differ in type");
    assertRefuses(bad, () -> Blas.gemm(1, a, a, 0, b), "A, B and C differ in type");
  }

  @Test
  void deadTensorsAndFrozenResultsAreRefused() {
    Class<IllegalStateException> state = IllegalStateException.class;
    Tensor a = random(DType.FLOAT32, 3, 3);
    Tensor x = random(DType.FLOAT32, 3);
    Tensor y = random(DType.FLOAT32, 3);
    try (SharedTensor frozen = y.share();
        SharedTensor matrix = a.share()) {
      assertRefuses(state, () -> Blas.axpy(1, x, frozen), "frozen");
      assertRefuses(state, () -> Blas.axpy(1, x, y), "frozen");
      assertRefuses(state, () -> Blas.scal(2, frozen), "frozen");
      assertRefuses(state, () -> Blas.gemv(1, a, x, 0, frozen), "frozen");
      assertRefuses(state, () -> Blas.gemm(1, a, a, 0, matrix), "frozen");
      assertEquals(dot(y, y), Blas.dot(frozen, y), 1e-5);
    }
    ctx.reset();
    assertRefuses(state, () -> Blas.dot(x, x), "is dead");
    assertRefuses(state, () -> Blas.scal(2, x), "is dead");
  }

  /** Another thread could close it while the library computes. */
  @Test
  void memoryThatSomebodyElseCanEndIsRefused() throws Exception {
    assumeTrue(ClosableMemory.IS_SUPPORTED);
    try (ClosableMemory memory = new ClosableMemory()) {
      Tensor tensor = ctx.wrap(memory.buffer(8), DType.FLOAT32, Shape.of(2)).fill(1f);
      Exception refusal =
          assertThrows(IllegalArgumentException.class, () -> Blas.dot(tensor, tensor));
      assertTrue(refusal.getMessage().contains("copy(ctx)"), refusal.getMessage());
      assertEquals(2, Blas.dot(tensor.copy(ctx), tensor.copy(ctx)));
    }
  }
}
