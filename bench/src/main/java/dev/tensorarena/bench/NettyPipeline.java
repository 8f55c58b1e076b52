package dev.tensorarena.bench;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;

/**
 * A pooled Netty buffer for each stage's result, released by the stage that received it; computed
 * on through its NIO view.
 */
final class NettyPipeline implements QueryPipeline {
  private final BufferStages stages = new BufferStages();
  private final ByteBuf index;

  NettyPipeline(float... index) {
    this.index = floats(index.length);
    asFloats(this.index).put(0, index);
  }

  private static ByteBuf floats(int count) {
    int bytes = count * Float.BYTES;
    return Netty.POOLED.directBuffer(bytes).writerIndex(bytes);
  }

  private static ByteBuffer nio(ByteBuf buffer) {
    return buffer.nioBuffer().order(ByteOrder.nativeOrder());
  }

  private static FloatBuffer asFloats(ByteBuf buffer) {
    return nio(buffer).asFloatBuffer();
  }

  private static LongBuffer asLongs(ByteBuf buffer) {
    return nio(buffer).asLongBuffer();
  }

  private record Embedded(ByteBuf batch, ByteBuf states) {}

  @Override
  public int[] answer(int... tokens) {
    return best(score(pool(embed(tokenise(tokens)))));
  }

  private ByteBuf tokenise(int... tokens) {
    int bytes = BufferStages.TOKEN_LONGS * Long.BYTES;
    ByteBuf batch = Netty.POOLED.directBuffer(bytes).writerIndex(bytes);
    stages.tokenise(asLongs(batch), tokens);
    return batch;
  }

  private Embedded embed(ByteBuf batch) {
    ByteBuf states = floats(BufferStages.STATE_FLOATS);
    stages.embed(asLongs(batch), asFloats(states));
    return new Embedded(batch, states);
  }

  private ByteBuf pool(Embedded sent) {
    ByteBuf pooled = floats(Query.WIDTH);
    stages.pool(asLongs(sent.batch), asFloats(sent.states), asFloats(pooled));
    sent.batch.release();
    sent.states.release();
    return pooled;
  }

  private ByteBuf score(ByteBuf pooled) {
    ByteBuf scores = floats(Query.ROWS);
    stages.score(asFloats(pooled), asFloats(index), asFloats(scores));
    pooled.release();
    return scores;
  }

  private int[] best(ByteBuf scores) {
    int[] best = stages.best(asFloats(scores));
    scores.release();
    return best;
  }

  @Override
  public void close() {
    index.release();
  }
}
