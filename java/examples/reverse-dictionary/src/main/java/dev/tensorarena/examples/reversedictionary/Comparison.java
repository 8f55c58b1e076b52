package dev.tensorarena.examples.reversedictionary;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.function.ToDoubleFunction;

/** The table at the end: the pipeline with arenas, and beside it the one with heap arrays. */
record Comparison(Measurement arenas, Measurement heapArrays) {

  private static final String LABEL = "%-32s";

  /** Measures both variants on the same queries, after both have answered them to warm up. */
  static Comparison of(Search search, List<String> queries)
      throws InterruptedException, ExecutionException {
    Tally tally = new Tally();
    Tally heapTally = new Tally();
    try (Pipeline<List<String>, List<List<Hit>>> arenas = search.withArenas(tally);
        Pipeline<List<String>, List<List<Hit>>> heapArrays = search.withHeapArrays(heapTally)) {
      Search.answer(arenas, queries);
      Search.answer(heapArrays, queries);
      return new Comparison(
          Measurement.of(arenas, queries, tally, search::libraryGarbage),
          Measurement.of(heapArrays, queries, heapTally, search::libraryGarbage));
    }
  }

  void print(PrintWriter out) {
    out.printf(LABEL + " %15s %15s%n", "", "arenas", "heap arrays");
    row(out, "queries", Measurement::queries);
    row(out, "queries a second", m -> m.queries() / m.seconds());
    row(out, "tensors (or arrays)", m -> m.tally().tensors());
    row(out, "their bytes", m -> m.tally().bytes());
    row(out, "bytes copied on the way", m -> m.tally().copiedBytes());
    arenaRow(out, "contexts", m -> m.tally().contexts());
    arenaRow(out, "peak bytes of a context", m -> m.tally().peakBytes());
    arenaRow(out, "chunks", m -> m.tally().chunks());
    arenaRow(out, "JNI refills after warm-up", m -> m.tally().refills());
    row(out, "garbage bytes per query", m -> (double) m.totalGarbage() / m.queries());
    for (String stage : arenas.garbage().keySet()) {
      row(out, "  in " + stage, m -> (double) m.garbage().get(stage) / m.queries());
    }
    row(
        out,
        "  without the libraries' own",
        m -> (double) (m.totalGarbage() - m.libraryGarbage()) / m.queries());
    out.println(
        """

        Garbage is all that a stage's thread allocates on the Java heap. The libraries' own is
        what the tokenizer's encode() and ONNX Runtime's run() allocate inside.
        """);
  }

  private void row(PrintWriter out, String label, ToDoubleFunction<Measurement> value) {
    out.printf(
        Locale.ROOT,
        LABEL + " %,15.0f %,15.0f%n",
        label,
        value.applyAsDouble(arenas),
        value.applyAsDouble(heapArrays));
  }

  private void arenaRow(PrintWriter out, String label, ToDoubleFunction<Measurement> value) {
    out.printf(Locale.ROOT, LABEL + " %,15.0f %15s%n", label, value.applyAsDouble(arenas), "-");
  }
}
