package dev.tensorarena.bench;

import org.openjdk.jmh.annotations.Benchmark;

/**
 * What does the memory of a query cost, from its tokens to its hits: in throughput, in latency up
 * to the worst of a thousand, in collections, and in garbage?
 *
 * <p>The rows are run by {@link PipelineIn256m} and {@link PipelineIn2g}, with those heaps, and
 * look at {@code -prof gc} too. {@link Query} says what a query is.
 *
 * <p>Rows named {@code …By…} are the pipeline as the user of that memory writes it: they compute
 * with what it allows. All others make the same sums in the same order, and so differ in memory
 * only.
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
    return answer(index -> new ArrayPipeline(ArrayScores.byDotProduct(index), false));
  }

  /**
   * Heap arrays that each stage copies.
   *
   * @return the hits
   */
  @Benchmark
  public int[] heapCopies() {
    return answer(index -> new ArrayPipeline(ArrayScores.byDotProduct(index), true));
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

  // ---- as its user writes it

  /**
   * Tensors: a context for each query, and BLAS on them where they lie.
   *
   * @return the hits
   */
  @Benchmark
  public int[] tensorsByBlas() {
    return answer(BlasPipeline::new);
  }

  /**
   * Heap arrays by reference, and the plain loop over them.
   *
   * @return the hits
   */
  @Benchmark
  public int[] heapArraysByLoop() {
    return answer(index -> new ArrayPipeline(ArrayScores.byLoop(index), false));
  }

  /**
   * Heap arrays by reference, which are copied to BLAS and back.
   *
   * @return the hits
   */
  @Benchmark
  public int[] heapArraysByBlas() {
    return answer(index -> new ArrayPipeline(ArrayScores.byBlas(index), false));
  }
}
