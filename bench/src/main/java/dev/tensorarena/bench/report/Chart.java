package dev.tensorarena.bench.report;

import java.util.List;

/**
 * A bar chart: a bar for each method, or one for each method and JDK.
 *
 * @param id of its element on the page
 * @param title above it
 * @param unit of the values
 * @param log whether the values are too far apart for anything but a logarithmic axis
 * @param forReadme whether the root's README shows it
 */
record Chart(
    String id,
    String title,
    String unit,
    boolean log,
    boolean forReadme,
    List<String> bars,
    List<Boolean> ours,
    List<Series> series) {
  /** The bars of a JDK, in the order of the chart's; null where there is none. */
  record Series(String name, List<Bar> values) {}

  /** A value with the ends of its error. */
  record Bar(double value, double low, double high, String text) {
    static Bar of(Figure figure) {
      return new Bar(
          figure.value(),
          Math.max(0, figure.value() - figure.error()),
          figure.value() + figure.error(),
          figure.toString());
    }
  }
}
