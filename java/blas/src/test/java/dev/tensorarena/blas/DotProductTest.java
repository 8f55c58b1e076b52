package dev.tensorarena.blas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.tensorarena.ExecutionContext;
import java.nio.FloatBuffer;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DotProductTest {
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 8, 9, 384, 1003})
  void readsTheRowThatItIsGivenAndGivesTheSameForEveryMemory(int width) {
    Random random = new Random(18);
    float[] query = new float[width];
    float[] rows = new float[3 * width];
    double[] expected = new double[3];
    for (int i = 0; i < width; i++) {
      query[i] = (float) random.nextGaussian();
    }
    for (int i = 0; i < rows.length; i++) {
      rows[i] = (float) random.nextGaussian();
      expected[i / width] += (double) rows[i] * query[i % width];
    }
    try (ExecutionContext ctx = ExecutionContext.open()) {
      FloatBuffer tensor = ctx.allocSlice(rows).asFloatBuffer();
      for (int row = 0; row < 3; row++) {
        float product = DotProduct.of(query, i -> rows[i], row * width);
        assertEquals(expected[row], product, 1e-3);
        assertEquals(product, DotProduct.of(query, tensor::get, row * width));
      }
      assertThrows(
          IndexOutOfBoundsException.class,
          () -> DotProduct.of(new float[9], tensor::get, 3 * width));
    }
  }
}
