package dev.tensorarena.bench.report;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A table of texts.
 *
 * @param caption above it
 * @param columns of every row
 * @param rows each with a text for each column
 */
record Table(String caption, List<Heading> columns, List<List<String>> rows) {
  /** What stands above a column, and whether that holds numbers, which are set to the right. */
  record Heading(String text, boolean numbers) {}

  static Heading text(String heading) {
    return new Heading(heading, false);
  }

  static Heading numbers(String heading) {
    return new Heading(heading, true);
  }

  static List<String> row(String... cells) {
    return Arrays.asList(cells);
  }

  /** For a terminal, without the caption. */
  String ascii() {
    List<Column> drawn = columns.stream().map(Table::column).toList();
    return AsciiTable.getTable(
        AsciiTable.BASIC_ASCII_NO_DATA_SEPARATORS,
        rows,
        IntStream.range(0, columns.size())
            .mapToObj(i -> drawn.get(i).with((List<String> row) -> row.get(i)))
            .toList());
  }

  private static Column column(Heading heading) {
    HorizontalAlign align = heading.numbers() ? HorizontalAlign.RIGHT : HorizontalAlign.LEFT;
    return new Column().header(heading.text()).headerAlign(align).dataAlign(align);
  }
}
