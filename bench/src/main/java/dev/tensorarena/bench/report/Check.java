package dev.tensorarena.bench.report;

import java.util.Optional;

/**
 * A figure that the project promises.
 *
 * @param mean what came out, of means or of what was counted
 * @param least what came out of the leasts; nothing where there are none
 * @param bound what both are compared with
 * @param atLeast whether the bound is the least allowed, rather than the most
 * @param unit of all, with its leading space
 */
record Check(Figure mean, Optional<Figure> least, double bound, boolean atLeast, String unit) {
  String promise() {
    return (atLeast ? "at least " : "at most ") + Figure.exact(bound).brief() + unit;
  }

  String result() {
    return mean + unit;
  }

  /** Of the leasts, or empty. */
  String leastResult() {
    return least.map(figure -> figure + unit).orElse("");
  }

  /**
   * "yes" or "no", or how the errors leave it open: by the leasts if there are any, and by the
   * means too if they say otherwise.
   */
  String verdict() {
    String byMean = verdict(mean);
    if (least.isEmpty()) {
      return byMean;
    }
    String byLeast = verdict(least.get());
    return isKept(mean) == isKept(least.get())
        ? byLeast
        : byLeast + " by the least; " + byMean + " by the mean";
  }

  private String verdict(Figure measured) {
    String verdict = isKept(measured) ? "yes" : "no";
    return Math.abs(margin(measured)) < measured.error() ? verdict + ", within the error" : verdict;
  }

  /** NaN is a "no". */
  private boolean isKept(Figure measured) {
    return margin(measured) >= 0;
  }

  private double margin(Figure measured) {
    return atLeast ? measured.value() - bound : bound - measured.value();
  }
}
