package dev.tensorarena.bench;

import java.util.Arrays;
import java.util.Random;

/**
 * What {@link Pipeline}'s rows work on: the sizes of a semantic search over a dictionary, an index,
 * and queries.
 *
 * <p>The model is a stub: a token's state is a row of {@link #STATES}, copied. So a query costs
 * memory and one pass over the index, and no inference.
 */
final class Query {
  /** Length of a vector. */
  static final int WIDTH = 384;

  /** Vectors of the index. */
  static final int ROWS = 20_000;

  /** Tokens of a query, padding included. */
  static final int TOKENS = 128;

  /** Hits of a query. */
  static final int HITS = 10;

  /** Different queries. */
  static final int QUERIES = 64;

  private static final int VOCABULARY = 1024;
  private static final int SHORTEST = 16;
  private static final long SEED = 1;

  /** What the stubbed model says of each token: {@code [VOCABULARY][WIDTH]}. */
  static final float[] STATES = vectors(VOCABULARY, SEED);

  private Query() {}

  /** The tokens of query {@code number}: at most {@link #TOKENS}, each an index into the states. */
  static int[] tokens(int number) {
    Random random = new Random(SEED + number);
    int[] tokens = new int[SHORTEST + random.nextInt(TOKENS - SHORTEST + 1)];
    Arrays.setAll(tokens, i -> random.nextInt(VOCABULARY));
    return tokens;
  }

  /** The index, {@code [ROWS][WIDTH]}, row after row. */
  static float[] index() {
    return vectors(ROWS, SEED + 1);
  }

  private static float[] vectors(int count, long seed) {
    Random random = new Random(seed);
    float[] vectors = new float[count * WIDTH];
    for (int i = 0; i < vectors.length; i++) {
      vectors[i] = random.nextFloat() - 0.5f;
    }
    return vectors;
  }

  /** Scales a sum of token states to length one. */
  static void normalise(float[] vector) {
    double squares = 0;
    for (float component : vector) {
      squares += (double) component * component;
    }
    float scale = (float) (1 / Math.sqrt(squares));
    for (int i = 0; i < vector.length; i++) {
      vector[i] *= scale;
    }
  }
}
