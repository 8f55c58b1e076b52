package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import dev.tensorarena.blas.Blas;

/**
 * A context for each query, whose stages run on one thread and need not share; BLAS computes on the
 * tensors where they lie, on that thread.
 */
final class BlasPipeline implements QueryPipeline {
  private static final Shape BATCH = Shape.of(BufferStages.TOKEN_LONGS);
  private static final Shape STATES = Shape.of(Query.TOKENS, Query.WIDTH);
  private static final Shape VECTOR = Shape.of(Query.WIDTH);
  private static final Shape SCORES = Shape.of(Query.ROWS);

  private final BufferStages stages = new BufferStages();
  private final ExecutionContext own = ExecutionContext.open();
  private final Tensor index;
  private final Tensor ones;

  BlasPipeline(float... index) {
    Blas.threads(1);
    this.index = own.copyOf(Shape.of(Query.ROWS, Query.WIDTH), index);
    this.ones = own.empty(DType.FLOAT32, Query.TOKENS).fill(1f);
  }

  @Override
  public int[] answer(int... tokens) {
    try (ExecutionContext context = ExecutionContext.open()) {
      Tensor batch = context.empty(DType.INT64, BATCH);
      stages.tokenise(batch.asLongBuffer(), tokens);
      Tensor states = context.empty(DType.FLOAT32, STATES);
      stages.embed(batch.asLongBuffer(), states.asFloatBuffer());
      Tensor pooled = pool(states.slice(0, 0, tokens.length), context.empty(DType.FLOAT32, VECTOR));
      Tensor scores = context.empty(DType.FLOAT32, SCORES);
      Blas.gemv(1, index, pooled, 0, scores);
      return stages.best(scores.asFloatBuffer());
    }
  }

  /** The sum of the states, at length one. */
  private Tensor pool(Tensor states, Tensor to) {
    Blas.gemv(1, states.transpose(), ones.slice(0, 0, states.shape().dim(0)), 0, to);
    Blas.scal(1 / Math.sqrt(Blas.dot(to, to)), to);
    return to;
  }

  @Override
  public double tolerance() {
    return ExpectedHits.OF_ANOTHER_ORDER;
  }

  @Override
  public void close() {
    own.close();
  }
}
