package dev.tensorarena.bench;

import dev.tensorarena.blas.DotProduct;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;

/**
 * What the stages compute, on buffers outside the heap: the same for every rival that gives such
 * buffers, so that the rows differ in where the memory comes from and how it is handed on.
 */
final class BufferStages {
  /** Ids, and behind them the mask. */
  static final int TOKEN_LONGS = 2 * Query.TOKENS;

  static final int STATE_FLOATS = Query.TOKENS * Query.WIDTH;

  private final float[] vector = new float[Query.WIDTH];
  private final float[] state = new float[Query.WIDTH];
  private final TopHits hits = new TopHits();

  void tokenise(LongBuffer batch, int... tokens) {
    for (int i = 0; i < Query.TOKENS; i++) {
      boolean padding = i >= tokens.length;
      batch.put(i, padding ? 0 : tokens[i]);
      batch.put(Query.TOKENS + i, padding ? 0 : 1);
    }
  }

  void embed(LongBuffer batch, FloatBuffer states) {
    for (int i = 0; i < Query.TOKENS; i++) {
      int token = (int) batch.get(i);
      states.put(i * Query.WIDTH, Query.STATES, token * Query.WIDTH, Query.WIDTH);
    }
  }

  void pool(LongBuffer batch, FloatBuffer states, FloatBuffer pooled) {
    Arrays.fill(vector, 0);
    for (int i = 0; i < Query.TOKENS && batch.get(Query.TOKENS + i) != 0; i++) {
      states.get(i * Query.WIDTH, state);
      for (int j = 0; j < Query.WIDTH; j++) {
        vector[j] += state[j];
      }
    }
    Query.normalise(vector);
    pooled.put(0, vector);
  }

  void score(FloatBuffer pooled, FloatBuffer index, FloatBuffer scores) {
    pooled.get(0, vector);
    DotProduct.Floats vectors = index::get;
    for (int row = 0; row < Query.ROWS; row++) {
      scores.put(row, DotProduct.of(vector, vectors, row * Query.WIDTH));
    }
  }

  int[] best(FloatBuffer scores) {
    for (int row = 0; row < Query.ROWS; row++) {
      hits.offer(row, scores.get(row));
    }
    return hits.take();
  }
}
