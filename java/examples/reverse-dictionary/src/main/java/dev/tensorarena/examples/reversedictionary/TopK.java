package dev.tensorarena.examples.reversedictionary;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/** Keeps the {@code k} best of the hits it is offered; of equal ones, those with the lower row. */
final class TopK {

  private static final Comparator<Hit> WORST_FIRST =
      Comparator.comparingDouble(Hit::score).thenComparing(Hit::row, Comparator.reverseOrder());

  private final int k;
  private final PriorityQueue<Hit> best;

  TopK(int k) {
    this.k = k;
    this.best = new PriorityQueue<>(k, WORST_FIRST);
  }

  /** Offers {@code length} scores, those of the rows from {@code firstRow} on. */
  void offer(int firstRow, float[] scores, int length) {
    for (int i = 0; i < length; i++) {
      // Rows come in ascending order, so one that is no better than the worst loses. Most do.
      if (best.size() < k) {
        best.add(new Hit(firstRow + i, scores[i]));
      } else if (scores[i] > best.peek().score()) {
        best.poll();
        best.add(new Hit(firstRow + i, scores[i]));
      }
    }
  }

  /** The hits, best first. */
  List<Hit> hits() {
    List<Hit> hits = new ArrayList<>(best);
    hits.sort(WORST_FIRST.reversed());
    return hits;
  }
}
