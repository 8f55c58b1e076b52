package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;

/**
 * A context for each stage, whose result is shared with the next one and outlives it: what stages
 * on threads of their own do too, as in the reverse dictionary.
 */
final class ArenaPipeline implements QueryPipeline {
  private static final Shape BATCH = Shape.of(BufferStages.TOKEN_LONGS);
  private static final Shape STATES = Shape.of(Query.TOKENS, Query.WIDTH);
  private static final Shape VECTOR = Shape.of(Query.WIDTH);
  private static final Shape SCORES = Shape.of(Query.ROWS);

  private final BufferStages stages = new BufferStages();
  private final SharedTensor index;

  ArenaPipeline(float... index) {
    try (ExecutionContext context = ExecutionContext.open()) {
      this.index = context.copyOf(Shape.of(Query.ROWS, Query.WIDTH), index).share();
    }
  }

  private record Embedded(SharedTensor batch, SharedTensor states) {}

  @Override
  public int[] answer(int... tokens) {
    return best(score(pool(embed(tokenise(tokens)))));
  }

  private SharedTensor tokenise(int... tokens) {
    try (ExecutionContext context = ExecutionContext.open()) {
      Tensor batch = context.empty(DType.INT64, BATCH);
      stages.tokenise(batch.asLongBuffer(), tokens);
      return batch.share();
    }
  }

  private Embedded embed(SharedTensor batch) {
    try (ExecutionContext context = ExecutionContext.open()) {
      Tensor states = context.empty(DType.FLOAT32, STATES);
      stages.embed(batch.asLongBuffer(), states.asFloatBuffer());
      return new Embedded(batch, states.share());
    }
  }

  private SharedTensor pool(Embedded sent) {
    try (SharedTensor batch = sent.batch;
        SharedTensor states = sent.states;
        ExecutionContext context = ExecutionContext.open()) {
      Tensor pooled = context.empty(DType.FLOAT32, VECTOR);
      stages.pool(batch.asLongBuffer(), states.asFloatBuffer(), pooled.asFloatBuffer());
      return pooled.share();
    }
  }

  private SharedTensor score(SharedTensor sent) {
    try (SharedTensor pooled = sent;
        ExecutionContext context = ExecutionContext.open()) {
      Tensor scores = context.empty(DType.FLOAT32, SCORES);
      stages.score(pooled.asFloatBuffer(), index.asFloatBuffer(), scores.asFloatBuffer());
      return scores.share();
    }
  }

  private int[] best(SharedTensor sent) {
    try (SharedTensor scores = sent) {
      return stages.best(scores.asFloatBuffer());
    }
  }

  @Override
  public void close() {
    index.close();
  }
}
