package dev.tensorarena.examples.reversedictionary;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** OpenBLAS on tensors as they lie, against sums in double. */
class BlasTest {
  private final ExecutionContext ctx = ExecutionContext.open();
  private final Random random = new Random(7);

  @AfterEach
  void close() {
    ctx.close();
  }

  private Tensor random(long... dims) {
    Tensor tensor = ctx.empty(DType.FLOAT32, dims);
    for (long i = 0; i < tensor.size(); i++) {
      tensor.setFloatAt(i, random.nextFloat() - 0.5f);
    }
    return tensor;
  }

  /** A vector in every layout that there is. */
  private List<Tensor> vectors(long n) {
    return List.of(
        random(n), random(n, 3).select(1, 1), random(2, n + 5).select(0, 1).slice(0, 2, n + 2));
  }

  /** A matrix in every layout that BLAS takes: by rows, by columns, and parts of both. */
  private List<Tensor> matrices(long m, long n) {
    return List.of(
        random(m, n),
        random(n, m).transpose(),
        random(m + 2, n + 3).slice(0, 1, m + 1).slice(1, 2, n + 2),
        random(n + 2, m + 3).slice(0, 1, n + 1).slice(1, 2, m + 2).transpose());
  }

  private static double dot(Tensor a, Tensor b) {
    double sum = 0;
    for (long i = 0; i < a.size(); i++) {
      sum += (double) a.getFloatAt(i) * b.getFloatAt(i);
    }
    return sum;
  }

  @Test
  void dotAndAxpyHonourStrides() {
    for (long n : new long[] {0, 1, 2, 7, 1000}) {
      for (Tensor x : vectors(n)) {
        for (Tensor y : vectors(n)) {
          assertEquals(dot(x, y), Blas.dot(x, y), 1e-4);
          Tensor before = y.copy(ctx);
          Blas.axpy(2f, x, y);
          for (long i = 0; i < n; i++) {
            assertEquals(2 * x.getFloatAt(i) + before.getFloatAt(i), y.getFloatAt(i), 1e-5);
          }
        }
      }
      ctx.reset();
    }
  }

  @Test
  void gemvHonoursStridesAndTransposes() {
    for (long[] size : new long[][] {{1, 1}, {1, 9}, {9, 1}, {5, 7}, {33, 384}, {0, 3}, {3, 0}}) {
      for (Tensor a : matrices(size[0], size[1])) {
        for (Tensor x : vectors(size[1])) {
          for (Tensor y : vectors(size[0])) {
            Tensor before = y.copy(ctx);
            Blas.gemv(3f, a, x, 0.5f, y);
            for (long i = 0; i < size[0]; i++) {
              double expected = 3 * dot(a.select(0, i), x) + 0.5 * before.getFloatAt(i);
              assertEquals(expected, y.getFloatAt(i), 1e-4, a + " " + x);
            }
            y.fill(Float.NaN);
            Blas.gemv(1f, a, x, 0f, y);
            for (long i = 0; i < size[0]; i++) {
              assertEquals(dot(a.select(0, i), x), y.getFloatAt(i), 1e-4, "beta 0 reads no y");
            }
          }
        }
      }
      ctx.reset();
    }
  }

  @Test
  void gemmHonoursStridesAndTransposesOfAllThree() {
    for (long[] size : new long[][] {{1, 1, 1}, {4, 5, 6}, {1, 5, 3}, {5, 1, 3}, {5, 3, 1}}) {
      for (Tensor a : matrices(size[0], size[2])) {
        for (Tensor b : matrices(size[2], size[1])) {
          for (Tensor c : matrices(size[0], size[1])) {
            Tensor before = c.copy(ctx);
            Blas.gemm(2f, a, b, -1f, c);
            for (long i = 0; i < size[0]; i++) {
              for (long j = 0; j < size[1]; j++) {
                double expected = 2 * dot(a.select(0, i), b.select(1, j)) - before.getFloat(i, j);
                assertEquals(expected, c.getFloat(i, j), 1e-4);
              }
            }
          }
        }
      }
      ctx.reset();
    }
  }

  @Test
  void nothingOutsideOfTheResultIsWritten() {
    Tensor around = ctx.zeros(DType.FLOAT32, 4, 5);
    Blas.gemv(1f, random(2, 3), random(3), 0f, around.select(1, 2).slice(0, 1, 3));
    Blas.gemm(1f, random(2, 3), random(3, 2), 0f, around.slice(0, 2, 4).slice(1, 3, 5));
    int zeros = 0;
    for (long i = 0; i < around.size(); i++) {
      zeros += around.getFloatAt(i) == 0 ? 1 : 0;
    }
    assertEquals(20 - 2 - 4, zeros);
  }

  private static void assertRefuses(Class<? extends Throwable> type, Executable call, String part) {
    String message = assertThrows(type, call).getMessage();
    assertTrue(message.contains(part), message);
  }

  @Test
  void whatDoesNotFitIsRefusedWithTheShapes() {
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    Tensor a = random(3, 4);
    Tensor x = random(4);
    Tensor y = random(3);
    assertRefuses(bad, () -> Blas.dot(x, y), "[4], FLOAT32 tensor of shape [3]");
    assertRefuses(bad, () -> Blas.axpy(1f, x, y), "differ in length");
    assertRefuses(bad, () -> Blas.gemv(1f, a, y, 0f, y), "columns");
    assertRefuses(bad, () -> Blas.gemv(1f, a, x, 0f, x), "rows");
    assertRefuses(bad, () -> Blas.gemv(1f, x, x, 0f, y), "A must be a FLOAT32 matrix");
    assertRefuses(bad, () -> Blas.gemv(1f, a, a, 0f, y), "x must be a FLOAT32 vector");
    assertRefuses(bad, () -> Blas.dot(x, ctx.zeros(DType.FLOAT64, 4)), "y must be a FLOAT32");
    assertRefuses(bad, () -> Blas.gemm(1f, a, a, 0f, a), "columns as B rows");
    Tensor spread = random(3, 4, 2).select(2, 0);
    assertRefuses(bad, () -> Blas.gemv(1f, spread, x, 0f, y), "contiguous(ctx)");
    Class<IllegalStateException> state = IllegalStateException.class;
    try (SharedTensor frozen = y.share()) {
      assertRefuses(state, () -> Blas.gemv(1f, a, x, 0f, frozen), "frozen");
      assertRefuses(state, () -> Blas.axpy(1f, frozen, y), "frozen");
      assertEquals(dot(y, y), Blas.dot(frozen, y), 1e-5);
    }
    ctx.reset();
    assertRefuses(state, () -> Blas.dot(x, x), "is dead");
  }
}
