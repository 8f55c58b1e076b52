package dev.tensorarena.examples.reversedictionary;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tensorarena.blas.DotProduct;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MeanPoolingTest {

  @Test
  void agreesWithTheFormulaForTextAfterText() {
    Random random = new Random(17);
    MeanPooling pooling = new MeanPooling();
    for (int tokens = 1; tokens <= 20; tokens++) {
      double[] expected = new double[MiniLm.WIDTH];
      for (int t = 0; t < tokens; t++) {
        float[] vector = new float[MiniLm.WIDTH];
        for (int i = 0; i < vector.length; i++) {
          vector[i] = (float) random.nextGaussian();
          expected[i] += vector[i];
        }
        pooling.add(vector);
      }
      double length = 0;
      for (double x : expected) {
        length += x / tokens * (x / tokens);
      }
      length = Math.sqrt(length);
      float[] actual = new float[MiniLm.WIDTH];
      pooling.finish(actual);
      for (int i = 0; i < actual.length; i++) {
        assertEquals(expected[i] / tokens / length, actual[i], 1e-6, tokens + " tokens, " + i);
      }
      assertEquals(1, DotProduct.of(actual, i -> actual[i], 0), 1e-5);
    }
  }
}
