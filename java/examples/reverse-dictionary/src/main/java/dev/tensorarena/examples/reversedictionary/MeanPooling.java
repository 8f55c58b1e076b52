package dev.tensorarena.examples.reversedictionary;

import java.util.Arrays;

/**
 * One vector for a text out of one for every token: their mean, padding left out, scaled to length
 * one. After that, cosine similarity is a dot product. So the model was trained (Reimers and
 * Gurevych, Sentence-BERT, 2019).
 *
 * <p>An object is an accumulator for text after text, used by one thread.
 */
final class MeanPooling {

  private final float[] sum = new float[MiniLm.WIDTH];
  private int count;

  void add(float[] tokenVector) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] += tokenVector[i];
    }
    count++;
  }

  /** Writes the text's vector, and is ready for the next text. */
  void finish(float[] vector) {
    double squares = 0;
    for (int i = 0; i < sum.length; i++) {
      vector[i] = sum[i] / count;
      squares += (double) vector[i] * vector[i];
    }
    float scale = (float) (1 / Math.sqrt(squares));
    for (int i = 0; i < vector.length; i++) {
      vector[i] *= scale;
    }
    Arrays.fill(sum, 0);
    count = 0;
  }
}
