package dev.tensorarena.bench.phase1;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import java.util.List;

/** The tables. */
final class Report {
  /** The original's times, as its README gives them; on a machine that it does not name. */
  private static final String CLONE = "610.97";

  private static final String SHARE = "3.54";
  private static final String VEC = "12.16";
  private static final String ARENA = "601.33";

  private static final String NONE = "";

  private final Results results;

  Report(Results results) {
    this.results = results;
  }

  /** A line of a table of times. */
  private record Line(
      String what,
      String original,
      String originalRatio,
      String here,
      String ratio,
      String garbage) {}

  /** The original's first table. */
  String sharing() {
    return table(
        "per share",
        List.of(
            line("deep copy: float[].clone()", CLONE, "172x", Row.HEAP_CLONE, Row.SHARE),
            line("deep copy: copy(ctx), warm arena", CLONE, "172x", Row.COPY, Row.SHARE),
            line("share() and close()", SHARE, NONE, Row.SHARE, Row.SHARE),
            line("  if the handle escapes", SHARE, NONE, Row.SHARE_ESCAPING, Row.SHARE)));
  }

  /** The original's second table. */
  String allocating() {
    return table(
        "per empty",
        List.of(
            line("raw: empty(FLOAT32, shape)", VEC, NONE, Row.EMPTY, Row.EMPTY),
            line("raw: new float[1000]", NONE, NONE, Row.HEAP_ARRAY, Row.EMPTY),
            line("raw: malloc and free, from C", NONE, NONE, Row.MALLOC, Row.EMPTY),
            line("filled: allocSlice(values)", ARENA, "49x", Row.ALLOC_SLICE, Row.EMPTY),
            line("filled: memcpy, from C", NONE, NONE, Row.MEMCPY, Row.EMPTY)));
  }

  private Line line(String what, String original, String originalRatio, Row row, Row unit) {
    return new Line(
        what,
        original,
        originalRatio,
        results.time(row).toString(),
        row == unit ? NONE : ratio(row, unit) + "x",
        results.bytes(row).brief());
  }

  private static String table(String ratio, List<Line> lines) {
    return AsciiTable.getTable(
        AsciiTable.BASIC_ASCII_NO_DATA_SEPARATORS,
        lines,
        List.of(
            left("").with(Line::what),
            right("original, ns").with(Line::original),
            right(ratio).with(Line::originalRatio),
            right("here, ns").with(Line::here),
            right(ratio).with(Line::ratio),
            right("garbage, B").with(Line::garbage)));
  }

  /** What is promised, and whether it holds here. */
  String checks() {
    List<Check> checks =
        List.of(
            Check.atLeast(
                "copy into warm arena memory / share and close",
                ratio(Row.COPY, Row.SHARE),
                100,
                "x"),
            Check.atLeast(
                "float[].clone() / share and close", ratio(Row.HEAP_CLONE, Row.SHARE), 400, "x"),
            Check.atMost("garbage of share and close", results.bytes(Row.SHARE), 0, " B"),
            Check.atMost("  if the handle escapes", results.bytes(Row.SHARE_ESCAPING), 56, " B"),
            Check.atMost("empty / malloc and free", ratio(Row.EMPTY, Row.MALLOC), 1, "x"),
            Check.atMost("allocSlice / memcpy", ratio(Row.ALLOC_SLICE, Row.MEMCPY), 1.5, "x"),
            Check.atMost(
                "open + 3 tensors + close / empty JNI call",
                ratio(Row.THREE_TENSORS, Row.JNI),
                12,
                "x"),
            Check.atMost("refills while allocating", refills(), 0, ""),
            Check.atMost(
                "reset after 1,000,000 tensors / after 10",
                ratio(Row.RESET_1000000, Row.RESET_10),
                1.2,
                "x"),
            Check.atMost("heap of an idle context", results.bytes(Row.IDLE), 256, " B"),
            Check.atMost(
                "chunks of an idle context", results.secondary(Row.IDLE, "chunks"), 0, ""));
    return AsciiTable.getTable(
        AsciiTable.BASIC_ASCII_NO_DATA_SEPARATORS,
        checks,
        List.of(
            left("promised").with(Check::what),
            right("").with(Check::promise),
            right("here").with(Check::result),
            left("kept").with(Check::verdict)));
  }

  private Figure refills() {
    return Figure.exact(
        results.secondary(Row.EMPTY, "refills").value()
            + results.secondary(Row.ALLOC_SLICE, "refills").value());
  }

  private Figure ratio(Row row, Row unit) {
    return results.time(row).over(results.time(unit));
  }

  private static Column left(String header) {
    return column(header, HorizontalAlign.LEFT);
  }

  private static Column right(String header) {
    return column(header, HorizontalAlign.RIGHT);
  }

  private static Column column(String header, HorizontalAlign align) {
    return new Column().header(header).headerAlign(align).dataAlign(align);
  }
}
