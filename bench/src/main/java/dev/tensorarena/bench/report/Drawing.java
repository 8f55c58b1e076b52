package dev.tensorarena.bench.report;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A chart's shapes, in the units of its picture: below the name of each row a bar for each JDK,
 * with the value at its end and a whisker for its error.
 *
 * @param height of the picture
 * @param unit below the axis
 */
record Drawing(
    int width, int height, String unit, List<Key> keys, List<Tick> ticks, List<Row> rows) {
  /** What a colour means. */
  record Key(double x, String colour, String text) {}

  /** A line of the axis. */
  record Tick(double x, String text) {}

  /** A name and its bars. */
  record Row(double y, String name, List<Bar> bars) {}

  /** A bar; its whisker, if it has one, reaches from low to high. */
  record Bar(
      double y,
      double width,
      String colour,
      String text,
      boolean whisker,
      double low,
      double high) {}

  /** A picture is as wide as a telephone, and grows with the page. */
  private static final int WIDTH = 360;

  /** Of bars; the rest is for the values at their ends. */
  private static final int LONGEST = 200;

  private static final int NAME = 17;
  private static final int BAR = 13;
  private static final int GAP = 6;
  private static final int HEADER = 20;
  private static final int FOOTER = 30;
  private static final int KEY = 80;
  private static final int MOST_TICKS = 5;
  private static final int BETWEEN_TICKS = 60;

  private static final List<String> OURS = List.of("#0b7285", "#22b8cf");
  private static final List<String> RIVALS = List.of("#868e96", "#ced4da");

  /** Draws. */
  static Drawing of(Chart chart) {
    int jdks = chart.series().size();
    Axis axis = Axis.of(chart);
    int top = jdks > 1 ? HEADER : 0;
    List<Row> rows = new ArrayList<>();
    int y = top;
    for (int i = 0; i < chart.bars().size(); i++) {
      List<Bar> bars = new ArrayList<>();
      for (int jdk = 0; jdk < jdks; jdk++) {
        Chart.Bar bar = chart.series().get(jdk).values().get(i);
        if (bar != null) {
          bars.add(bar(bar, y + NAME + jdk * BAR, colour(chart.ours().get(i), jdk), axis));
        }
      }
      rows.add(new Row(y, chart.bars().get(i), bars));
      y += NAME + jdks * BAR + GAP;
    }
    List<Key> keys =
        IntStream.range(0, jdks > 1 ? jdks : 0)
            .mapToObj(i -> new Key(KEY * i, colour(true, i), chart.series().get(i).name()))
            .toList();
    String unit = chart.log() ? chart.unit() + ", logarithmic" : chart.unit();
    return new Drawing(WIDTH, y + FOOTER, unit, keys, axis.ticks(), rows);
  }

  private static String colour(boolean ours, int jdk) {
    List<String> shades = ours ? OURS : RIVALS;
    return shades.get(jdk % shades.size());
  }

  private static Bar bar(Chart.Bar bar, int y, String colour, Axis axis) {
    return new Bar(
        y,
        axis.at(bar.value()),
        colour,
        bar.text(),
        bar.high() > bar.low(),
        axis.at(bar.low()),
        axis.at(bar.high()));
  }

  /** From the least value that is shown to the greatest. */
  private record Axis(double least, double most, boolean log) {
    static Axis of(Chart chart) {
      List<Double> values =
          chart.series().stream()
              .flatMap(series -> series.values().stream())
              .filter(bar -> bar != null && bar.value() > 0)
              .map(Chart.Bar::value)
              .toList();
      double most = values.stream().mapToDouble(v -> v).max().orElse(1);
      if (!chart.log()) {
        return new Axis(0, most, false);
      }
      // It has no zero for bars to begin at: they begin at a power of ten that is well below.
      double low = Math.log10(values.stream().mapToDouble(v -> v).min().orElse(1));
      return new Axis(Math.pow(10, Math.floor(low - 0.3)), most, true);
    }

    /** To a tenth; what is beyond an end is at that end. */
    double at(double value) {
      double shown = Math.max(least, Math.min(most, value));
      double part =
          log ? Math.log10(shown / least) / Math.log10(most / least) : (shown - least) / most;
      return Math.rint(10 * LONGEST * part) / 10;
    }

    List<Tick> ticks() {
      List<Tick> ticks = new ArrayList<>();
      double step = Math.pow(10, Math.floor(Math.log10(most)));
      while (!log && most / step > MOST_TICKS) {
        step *= 2;
      }
      double last = -BETWEEN_TICKS;
      for (double value = least; value <= most; value = log ? value * 10 : value + step) {
        double x = at(value);
        if (x - last >= BETWEEN_TICKS) {
          ticks.add(new Tick(x, Figure.exact(value).brief()));
          last = x;
        }
      }
      return ticks;
    }
  }
}
