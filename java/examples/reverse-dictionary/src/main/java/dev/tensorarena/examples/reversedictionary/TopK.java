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

  /** Offers a hit; rows must come in ascending order. */
  void offer(int row, float score) {
    if (best.size() == k) {
      // One that is no better than the worst loses, since its row is higher. Most do.
      if (score <= best.peek().score()) {
        return;
      }
      best.poll();
    }
    best.add(new Hit(row, score));
  }

  /** The hits, best first. */
  List<Hit> hits() {
    List<Hit> hits = new ArrayList<>(best);
    hits.sort(WORST_FIRST.reversed());
    return hits;
  }
}
