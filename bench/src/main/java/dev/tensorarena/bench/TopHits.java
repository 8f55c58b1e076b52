package dev.tensorarena.bench;

import java.util.Arrays;

/** The best rows of those that are offered. It is used again for the next query. */
final class TopHits {
  private final int[] rows = new int[Query.HITS];
  private final float[] scores = new float[Query.HITS];
  private int count;

  void offer(int row, float score) {
    if (count == rows.length && score <= scores[count - 1]) {
      return; // as most
    }
    int place = count < rows.length ? count++ : count - 1;
    while (place > 0 && scores[place - 1] < score) {
      scores[place] = scores[place - 1];
      rows[place] = rows[place - 1];
      place--;
    }
    scores[place] = score;
    rows[place] = row;
  }

  /** The rows, best first; then none are left. */
  int[] take() {
    int[] best = Arrays.copyOf(rows, count);
    count = 0;
    return best;
  }
}
