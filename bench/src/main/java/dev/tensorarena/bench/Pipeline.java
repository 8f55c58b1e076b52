package dev.tensorarena.bench;

import org.openjdk.jmh.annotations.Benchmark;

/**
 * What does the memory of a query cost, from its tokens to its hits: in throughput, in latency up
 * to the worst of a thousand, in collections, and in garbage?
 *
 * <p>The rows are run by {@link PipelineIn256m} and {@link PipelineIn2g}, with those heaps, and
 * look at {@code -prof gc} too. {@link Query} says what a query is.
 */
public abstract class Pipeline extends PipelineRuns {
  /** For the heaps. */
  protected Pipeline() {}

  /**
   * Tensors: a context for each stage, and its result shared with the next one.
   *
   * @return the hits
   */
  @Benchmark
  public int[] tensors() {
    return answer(ArenaPipeline::new);
  }

  /**
   * Heap arrays that the stages pass by reference.
   *
   * @return the hits
   */
  @Benchmark
  public int[] heapReferences() {
    return answer(index -> new ArrayPipeline(index, false));
  }

  /**
   * Heap arrays that each stage copies.
   *
   * @return the hits
   */
  @Benchmark
  public int[] heapCopies() {
    return answer(index -> new ArrayPipeline(index, true));
  }

  /**
   * Direct buffers.
   *
   * @return the hits
   */
  @Benchmark
  public int[] direct() {
    return answer(DirectPipeline::new);
  }

  /**
   * Pooled Netty buffers.
   *
   * @return the hits
   */
  @Benchmark
  public int[] nettyPooled() {
    return answer(NettyPipeline::new);
  }
}
