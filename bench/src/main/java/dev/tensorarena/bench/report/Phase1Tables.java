package dev.tensorarena.bench.report;

import static dev.tensorarena.bench.report.Table.numbers;
import static dev.tensorarena.bench.report.Table.row;
import static dev.tensorarena.bench.report.Table.text;

import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The original's two tables, with ours beside them. */
final class Phase1Tables {
  /** The original's times, as its README gives them; on a machine that it does not name. */
  private static final String CLONE = "610.97";

  private static final String SHARE = "3.54";
  private static final String VEC = "12.16";
  private static final String ARENA = "601.33";

  private static final String NONE = "";

  private static final Row HEAP_CLONE = Row.of("Share.heapClone");
  private static final Row COPY = Row.of("Share.copy");
  private static final Row SHARED = Row.of("Share.shareAndClose");
  private static final Row ESCAPING = Row.of("Share.shareAndCloseEscaping");
  private static final Row EMPTY = allocate("empty");
  private static final Row HEAP_ARRAY = allocate("heapArray");
  private static final Row MALLOC = allocate("mallocAndFree");
  private static final Row ALLOC_SLICE = allocate("allocSlice");
  private static final Row MEMCPY = allocate("memcpy");

  private static final Row ELSEWHERE = Row.of("Share.shareAndCloseElsewhere");
  private static final Row SCOPE = Row.of("OpenAndClose.scopeWithOneTensor");
  private static final Row OPEN = Row.of("OpenAndClose.threeTensors");

  private static final List<Row> ROWS =
      List.of(
          HEAP_CLONE,
          COPY,
          SHARED,
          ESCAPING,
          EMPTY,
          HEAP_ARRAY,
          MALLOC,
          ALLOC_SLICE,
          MEMCPY,
          ELSEWHERE,
          SCOPE,
          OPEN);

  private final Results results;

  Phase1Tables(Results results) {
    this.results = results;
  }

  private static Row allocate(String method) {
    return new Row("AllocateAndFill." + method, Map.of());
  }

  /** Whether a row is in one of the tables or of the promises that go with them. */
  static boolean need(Job job) {
    return Stream.concat(ROWS.stream(), Promise.phase1().stream().flatMap(Promise::rows))
        .anyMatch(job::is);
  }

  List<Table> all() {
    return List.of(sharing(), allocating(), living());
  }

  /** The original's first table. */
  Table sharing() {
    return table(
        "A tensor of 10,000 f32 (40,000 B)",
        "per share",
        List.of(
            line("deep copy: float[].clone()", CLONE, "172x", HEAP_CLONE, SHARED),
            line("deep copy: copy(ctx), warm arena", CLONE, "172x", COPY, SHARED),
            line("share() and close()", SHARE, NONE, SHARED, SHARED),
            line("the same if the handle escapes", SHARE, NONE, ESCAPING, SHARED)));
  }

  /** The original's second table. */
  Table allocating() {
    return table(
        "A tensor of 1000 f32 (4000 B)",
        "per empty",
        List.of(
            line("raw: empty(FLOAT32, shape)", VEC, NONE, EMPTY, EMPTY),
            line("raw: new float[1000]", NONE, NONE, HEAP_ARRAY, EMPTY),
            line("raw: malloc and free, from C", NONE, NONE, MALLOC, EMPTY),
            line("filled: allocSlice(values)", ARENA, "49x", ALLOC_SLICE, EMPTY),
            line("filled: memcpy, from C", NONE, NONE, MEMCPY, EMPTY)));
  }

  /** What is ours alone. */
  private Table living() {
    return new Table(
        "A tensor's lifetime",
        List.of(text(""), numbers("least, ns"), numbers("mean, ns"), numbers("garbage, B")),
        List.of(
            line("share() and close() on another thread", ELSEWHERE),
            line("a scope with one tensor", SCOPE),
            line("open(), 3 tensors, close()", OPEN)));
  }

  private List<String> line(String what, Row row) {
    Optional<Measurement> found = results.find(row);
    return row(
        what,
        found.flatMap(Measurement::least).map(Figure::brief).orElse(NONE),
        found.map(m -> m.score().toString()).orElse("not measured"),
        found.flatMap(Measurement::bytes).map(Figure::brief).orElse(NONE));
  }

  private static Table table(String caption, String ratio, List<List<String>> lines) {
    return new Table(
        caption,
        List.of(
            text(""),
            numbers("original, ns"),
            numbers(ratio),
            numbers("least here, ns"),
            numbers("mean here, ns"),
            numbers(ratio + ", here"),
            numbers("garbage, B")),
        lines);
  }

  private List<String> line(String what, String original, String ratio, Row row, Row unit) {
    Optional<Measurement> found = results.find(row);
    return row(
        what,
        original,
        ratio,
        found.flatMap(Measurement::least).map(Figure::brief).orElse(NONE),
        found.map(m -> m.score().toString()).orElse("not measured"),
        row == unit ? NONE : found.flatMap(m -> perUnit(m, unit)).orElse(NONE),
        found.flatMap(Measurement::bytes).map(Figure::brief).orElse(NONE));
  }

  /** Of the leasts, or else of the means. */
  private Optional<String> perUnit(Measurement row, Row unit) {
    return results
        .find(unit)
        .map(
            one ->
                row.least()
                        .flatMap(many -> one.least().map(many::over))
                        .orElseGet(() -> row.score().over(one.score()))
                    + "x");
  }

  /** Prints both, and what was measured where. */
  static void print(Run run, PrintStream out) {
    for (Table table : new Phase1Tables(run.results()).all()) {
      out.println();
      out.println(table.caption());
      out.println(table.ascii());
    }
    out.println();
    run.facts().forEach((name, value) -> out.printf("%-8s %s%n", name, value));
    out.printf(
        """

        The original's numbers are those of its README, a Rust library on a machine that it does not
        name: clone and share of a tensor, Vec::with_capacity, and a copy into its arena. Compare
        ratios. What each row does, and what it leaves out: bench/README.md.
        JMH's results: %s
        """,
        run.file());
  }
}
