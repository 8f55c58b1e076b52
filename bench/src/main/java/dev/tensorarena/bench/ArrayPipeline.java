package dev.tensorarena.bench;

import java.util.Arrays;

/** Heap arrays, for each stage's result a new one. */
final class ArrayPipeline implements QueryPipeline {
  private final ArrayScores scores;
  private final boolean copies;
  private final TopHits hits = new TopHits();

  /**
   * A pipeline.
   *
   * @param scores how it compares; closed with it
   * @param copies whether a stage copies what it receives, as it must if the sender may write to it
   *     later, or trusts the sender
   */
  ArrayPipeline(ArrayScores scores, boolean copies) {
    this.scores = scores;
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
    float[] result = new float[Query.ROWS];
    scores.compute(received(sent), result);
    return result;
  }

  private int[] best(float[] sent) {
    float[] received = received(sent);
    for (int row = 0; row < Query.ROWS; row++) {
      hits.offer(row, received[row]);
    }
    return hits.take();
  }

  @Override
  public double tolerance() {
    return scores.tolerance();
  }

  @Override
  public void close() {
    scores.close();
  }
}
