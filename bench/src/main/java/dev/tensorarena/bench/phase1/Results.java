package dev.tensorarena.bench.phase1;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;

/** What JMH found for each row. */
final class Results {
  private static final String BYTES = "gc.alloc.rate.norm";

  /** Per byte: what is finer is other threads' of the JVM. */
  private static final double PRECISION = 10;

  private final Map<Row, RunResult> results = new EnumMap<>(Row.class);
  private final int rounds;

  Results(int rounds) {
    this.rounds = rounds;
  }

  /** The result of another round. */
  void add(Row row, RunResult result) {
    results.merge(row, result, Results::join);
  }

  private static RunResult join(RunResult earlier, RunResult later) {
    List<BenchmarkResult> all = new ArrayList<>(earlier.getBenchmarkResults());
    all.addAll(later.getBenchmarkResults());
    return new RunResult(earlier.getParams(), all);
  }

  int rounds() {
    return rounds;
  }

  Collection<RunResult> all() {
    return results.values();
  }

  /** Nanoseconds per operation. */
  Figure time(Row row) {
    return figure(results.get(row).getPrimaryResult());
  }

  /** Bytes of heap allocated per operation. */
  Figure bytes(Row row) {
    return Figure.exact(Math.rint(secondary(row, BYTES).value() * PRECISION) / PRECISION);
  }

  /** A counter of the benchmark's own, or a profiler's result. */
  Figure secondary(Row row, String name) {
    return figure(results.get(row).getSecondaryResults().get(name));
  }

  private static Figure figure(Result<?> result) {
    return Figure.measured(result.getScore(), result.getScoreError());
  }

  /** How the rows were run, which is the same for all. */
  BenchmarkParams settings() {
    return results.get(Row.SHARE).getParams();
  }
}
