package dev.tensorarena.blas;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import org.junit.jupiter.api.Test;

/** What the README and the package's description show: the core compares them. */
class ExamplesTest {
  @Test
  void aMatrixTimesAVector() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      // example
      Tensor index = ctx.copyOf(Shape.of(2, 3), 1f, 2f, 3f, 4f, 5f, 6f); // two vectors of three
      Tensor query = ctx.allocSlice(1f, 0f, 2f);
      Tensor scores = ctx.empty(DType.FLOAT32, 2);
      Blas.gemv(1, index, query, 0, scores); // scores = index times query: 7, 16
      Blas.scal(0.5, scores); // 3.5, 8
      // end of example
      assertArrayEquals(new float[] {3.5f, 8}, scores.toFloatArray());
    }
  }
}
