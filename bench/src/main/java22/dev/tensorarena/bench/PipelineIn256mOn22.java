package dev.tensorarena.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;

/** The row of {@link Pipeline} with {@code java.lang.foreign}, in a heap of that size. */
@Fork(
    value = 3,
    jvmArgsAppend = {
      "--enable-native-access=ALL-UNNAMED",
      "-Xms256m",
      "-Xmx256m",
      "-XX:+UseG1GC",
      "-XX:+AlwaysPreTouch"
    })
public class PipelineIn256mOn22 extends PipelineRuns {

  /**
   * Segments of a confined arena for each query.
   *
   * @return the hits
   */
  @Benchmark
  public int[] confined() {
    return answer(SegmentPipeline::new);
  }
}
