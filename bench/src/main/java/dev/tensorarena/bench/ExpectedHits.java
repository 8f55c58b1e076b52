package dev.tensorarena.bench;

import java.util.Arrays;

/**
 * The hits of a query, by a computation that shares nothing with the rows': in doubles, with a sort
 * of all scores.
 */
final class ExpectedHits {
  /**
   * How far two scores may lie apart that are the same but for the order in which floats were
   * added, as a part of the lengths of query and vector: the bound that numerical analysis gives
   * for sums of so many.
   */
  static final double OF_ANOTHER_ORDER = (Query.TOKENS + Query.WIDTH) * (double) Math.ulp(1f);

  private final double[] scores = new double[Query.ROWS];
  private final double[] lengths = new double[Query.ROWS];
  private final int[] hits;

  /** Of the query with these tokens. */
  ExpectedHits(float[] index, int... tokens) {
    double[] vector = new double[Query.WIDTH];
    for (int token : tokens) {
      for (int i = 0; i < Query.WIDTH; i++) {
        vector[i] += Query.STATES[token * Query.WIDTH + i];
      }
    }
    double length = Math.sqrt(Arrays.stream(vector).map(x -> x * x).sum());
    Integer[] rows = new Integer[Query.ROWS];
    for (int row = 0; row < Query.ROWS; row++) {
      rows[row] = row;
      double squares = 0;
      for (int i = 0; i < Query.WIDTH; i++) {
        double component = index[row * Query.WIDTH + i];
        scores[row] += vector[i] * component;
        squares += component * component;
      }
      lengths[row] = length * Math.sqrt(squares);
    }
    Arrays.sort(rows, (a, b) -> Double.compare(scores[b], scores[a]));
    hits = Arrays.stream(rows).limit(Query.HITS).mapToInt(Integer::intValue).toArray();
  }

  /** The rows, best first. */
  int[] hits() {
    return hits.clone();
  }

  /**
   * Expects these hits, in this order; but for rows whose scores lie closer together than that part
   * of their lengths.
   *
   * @throws AssertionError if others were found
   */
  void check(double tolerance, int... found) {
    boolean right =
        found.length == hits.length && Arrays.stream(found).distinct().count() == found.length;
    for (int i = 0; right && i < hits.length; i++) {
      double apart = Math.abs(scores[found[i]] - scores[hits[i]]);
      right =
          found[i] == hits[i] || apart < tolerance * Math.max(lengths[found[i]], lengths[hits[i]]);
    }
    if (!right) {
      throw new AssertionError(
          "found %s instead of %s".formatted(Arrays.toString(found), Arrays.toString(hits)));
    }
  }
}
