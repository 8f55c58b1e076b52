package dev.tensorarena.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;

/** The rows of {@link Pipeline} with the Vector API, in a heap of that size. */
@Fork(
    value = 3,
    jvmArgsAppend = {
      "--enable-native-access=ALL-UNNAMED",
      "--add-modules=jdk.incubator.vector",
      "-Xms256m",
      "-Xmx256m",
      "-XX:+UseG1GC",
      "-XX:+AlwaysPreTouch"
    })
public class PipelineIn256mVectorsOn22 extends PipelineRuns {

  /**
   * Segments of a confined arena for each query.
   *
   * @return the hits
   */
  @Benchmark
  public int[] segmentsByVectors() {
    return answer(SegmentPipelineVectorsOn22::new);
  }

  /**
   * Heap arrays by reference.
   *
   * @return the hits
   */
  @Benchmark
  public int[] heapArraysByVectors() {
    return answer(index -> new ArrayPipeline(new ArrayScoresVectorsOn22(index), false));
  }
}
