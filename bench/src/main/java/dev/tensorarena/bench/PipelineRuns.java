package dev.tensorarena.bench;

import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How {@link Pipeline}'s rows, and those of its sibling for JDK 22, are measured: every query is
 * timed, so that percentiles are those of queries.
 */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 3)
@State(Scope.Thread)
public abstract class PipelineRuns extends AverageTime {
  /** Queries whose hits are compared with those of another computation. */
  private static final int CHECKED = 10;

  private final int[][] queries = new int[Query.QUERIES][];
  private QueryPipeline pipeline;
  private int next;

  /** For the rows' classes. */
  protected PipelineRuns() {}

  /** Makes the queries. */
  @Setup
  public void prepare() {
    Arrays.setAll(queries, Query::tokens);
  }

  /** Gives the memory back. */
  @TearDown
  public void close() {
    pipeline.close();
  }

  /** Answers one query with the one pipeline of this row, which at first is opened and checked. */
  final int[] answer(Function<float[], QueryPipeline> open) {
    if (pipeline == null) {
      pipeline = checked(open);
    }
    next = (next + 1) % Query.QUERIES;
    return pipeline.answer(queries[next]);
  }

  private QueryPipeline checked(Function<float[], QueryPipeline> open) {
    float[] index = Query.index();
    QueryPipeline opened = open.apply(index);
    for (int i = 0; i < CHECKED; i++) {
      ExpectedHits expected = new ExpectedHits(index, queries[i]);
      expected.check(opened.tolerance(), opened.answer(queries[i]));
    }
    return opened;
  }
}
