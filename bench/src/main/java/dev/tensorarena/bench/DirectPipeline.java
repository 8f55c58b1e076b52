package dev.tensorarena.bench;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;

/** {@code ByteBuffer.allocateDirect} for each stage's result; the collector frees them. */
final class DirectPipeline implements QueryPipeline {
  private final BufferStages stages = new BufferStages();
  private final FloatBuffer index;

  DirectPipeline(float... index) {
    this.index = floats(index.length).put(0, index);
  }

  private static ByteBuffer bytes(int count) {
    return ByteBuffer.allocateDirect(count).order(ByteOrder.nativeOrder());
  }

  private static FloatBuffer floats(int count) {
    return bytes(count * Float.BYTES).asFloatBuffer();
  }

  @Override
  public int[] answer(int... tokens) {
    LongBuffer batch = bytes(BufferStages.TOKEN_LONGS * Long.BYTES).asLongBuffer();
    stages.tokenise(batch, tokens);
    FloatBuffer states = floats(BufferStages.STATE_FLOATS);
    stages.embed(batch, states);
    FloatBuffer pooled = floats(Query.WIDTH);
    stages.pool(batch, states, pooled);
    FloatBuffer scores = floats(Query.ROWS);
    stages.score(pooled, index, scores);
    return stages.best(scores);
  }

  @Override
  public void close() {
    // the collector's
  }
}
