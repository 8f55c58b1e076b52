package dev.tensorarena.bench;

import java.util.Arrays;

/** Heap arrays, for each stage's result a new one. */
final class ArrayPipeline implements QueryPipeline {
  private final float[] index;
  private final boolean copies;
  private final TopHits hits = new TopHits();

  /**
   * A pipeline.
   *
   * @param copies whether a stage copies what it receives, as it must if the sender may write to it
   *     later, or trusts the sender
   */
  ArrayPipeline(float[] index, boolean copies) {
    this.index = index;
    this.copies = copies;
  }

  private record Tokens(long[] ids, long[] mask) {}

  private record Embedded(long[] mask, float[] states) {}

  @Override
  public int[] answer(int... tokens) {
    return best(score(pool(embed(tokenise(tokens)))));
  }

  private long[] received(long[] array) {
    return copies ? array.clone() : array;
  }

  private float[] received(float[] array) {
    return copies ? array.clone() : array;
  }

  private Tokens tokenise(int... tokens) {
    long[] ids = new long[Query.TOKENS];
    long[] mask = new long[Query.TOKENS];
    for (int i = 0; i < tokens.length; i++) {
      ids[i] = tokens[i];
    }
    Arrays.fill(mask, 0, tokens.length, 1);
    return new Tokens(ids, mask);
  }

  private Embedded embed(Tokens sent) {
    long[] ids = received(sent.ids);
    long[] mask = received(sent.mask);
    float[] states = new float[Query.TOKENS * Query.WIDTH];
    for (int i = 0; i < Query.TOKENS; i++) {
      System.arraycopy(
          Query.STATES, (int) ids[i] * Query.WIDTH, states, i * Query.WIDTH, Query.WIDTH);
    }
    return new Embedded(mask, states);
  }

  private float[] pool(Embedded sent) {
    long[] mask = received(sent.mask);
    float[] states = received(sent.states);
    float[] vector = new float[Query.WIDTH];
    for (int i = 0; i < Query.TOKENS && mask[i] != 0; i++) {
      for (int j = 0; j < Query.WIDTH; j++) {
        vector[j] += states[i * Query.WIDTH + j];
      }
    }
    Query.normalise(vector);
    return vector;
  }

  private float[] score(float[] sent) {
    float[] vector = received(sent);
    float[] scores = new float[Query.ROWS];
    for (int row = 0; row < Query.ROWS; row++) {
      scores[row] = product(vector, index, row * Query.WIDTH);
    }
    return scores;
  }

  /** In eight sums: the additions of a single one would wait for each other. */
  private static float product(float[] a, float[] b, int from) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    for (int i = 0; i < Query.WIDTH; i += 8) {
      int j = from + i;
      s0 += a[i] * b[j];
      s1 += a[i + 1] * b[j + 1];
      s2 += a[i + 2] * b[j + 2];
      s3 += a[i + 3] * b[j + 3];
      s4 += a[i + 4] * b[j + 4];
      s5 += a[i + 5] * b[j + 5];
      s6 += a[i + 6] * b[j + 6];
      s7 += a[i + 7] * b[j + 7];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }

  private int[] best(float[] sent) {
    float[] scores = received(sent);
    for (int row = 0; row < Query.ROWS; row++) {
      hits.offer(row, scores[row]);
    }
    return hits.take();
  }

  @Override
  public void close() {
    // the collector's
  }
}
