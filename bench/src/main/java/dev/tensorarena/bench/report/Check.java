package dev.tensorarena.bench.report;

/**
 * A figure that the project promises.
 *
 * @param what it says
 * @param measured what came out
 * @param bound what it is compared with
 * @param atLeast whether the bound is the least allowed, rather than the most
 * @param unit of both, with its leading space
 */
record Check(String what, Figure measured, double bound, boolean atLeast, String unit) {
  static Check atMost(String what, Figure measured, double bound, String unit) {
    return new Check(what, measured, bound, false, unit);
  }

  static Check atLeast(String what, Figure measured, double bound, String unit) {
    return new Check(what, measured, bound, true, unit);
  }

  String promise() {
    return (atLeast ? "at least " : "at most ") + Figure.exact(bound).brief() + unit;
  }

  String result() {
    return measured + unit;
  }

  /** "yes" or "no", or how the errors leave it open. */
  String verdict() {
    double margin = atLeast ? measured.value() - bound : bound - measured.value();
    // NaN is a "no".
    String verdict = margin >= 0 ? "yes" : "no";
    return Math.abs(margin) < measured.error() ? verdict + ", within the error" : verdict;
  }
}
