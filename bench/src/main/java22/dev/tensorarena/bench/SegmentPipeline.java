package dev.tensorarena.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tensorarena.blas.DotProduct;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;

/** A confined arena for each query, which the stages pass segments of. */
final class SegmentPipeline implements QueryPipeline {
  private final Arena own = Arena.ofConfined();
  private final DotProduct.Floats index;
  private final float[] vector = new float[Query.WIDTH];
  private final TopHits hits = new TopHits();

  SegmentPipeline(float... index) {
    FloatBuffer vectors =
        own.allocateFrom(JAVA_FLOAT, index)
            .asByteBuffer()
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    this.index = vectors::get; // which is a little faster than the segment's getAtIndex
  }

  @Override
  public int[] answer(int... tokens) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment batch = tokenise(arena, tokens);
      return best(score(arena, pool(arena, batch, embed(arena, batch))));
    }
  }

  static MemorySegment tokenise(Arena arena, int... tokens) {
    MemorySegment batch = arena.allocate(JAVA_LONG, 2 * Query.TOKENS);
    for (int i = 0; i < tokens.length; i++) { // the rest is zero already
      batch.setAtIndex(JAVA_LONG, i, tokens[i]);
      batch.setAtIndex(JAVA_LONG, Query.TOKENS + i, 1);
    }
    return batch;
  }

  static MemorySegment embed(Arena arena, MemorySegment batch) {
    MemorySegment states = arena.allocate(JAVA_FLOAT, Query.TOKENS * Query.WIDTH);
    for (int i = 0; i < Query.TOKENS; i++) {
      int token = (int) batch.getAtIndex(JAVA_LONG, i);
      MemorySegment.copy(
          Query.STATES,
          token * Query.WIDTH,
          states,
          JAVA_FLOAT,
          (long) i * Query.WIDTH * Float.BYTES,
          Query.WIDTH);
    }
    return states;
  }

  private MemorySegment pool(Arena arena, MemorySegment batch, MemorySegment states) {
    Arrays.fill(vector, 0);
    for (int i = 0; i < Query.TOKENS; i++) {
      if (batch.getAtIndex(JAVA_LONG, Query.TOKENS + i) == 0) {
        break;
      }
      for (int j = 0; j < Query.WIDTH; j++) {
        vector[j] += states.getAtIndex(JAVA_FLOAT, i * Query.WIDTH + j);
      }
    }
    Query.normalise(vector);
    return arena.allocateFrom(JAVA_FLOAT, vector);
  }

  private MemorySegment score(Arena arena, MemorySegment pooled) {
    MemorySegment.copy(pooled, JAVA_FLOAT, 0, vector, 0, Query.WIDTH);
    MemorySegment scores = arena.allocate(JAVA_FLOAT, Query.ROWS);
    for (int row = 0; row < Query.ROWS; row++) {
      scores.setAtIndex(JAVA_FLOAT, row, DotProduct.of(vector, index, row * Query.WIDTH));
    }
    return scores;
  }

  private int[] best(MemorySegment scores) {
    for (int row = 0; row < Query.ROWS; row++) {
      hits.offer(row, scores.getAtIndex(JAVA_FLOAT, row));
    }
    return hits.take();
  }

  @Override
  public void close() {
    own.close();
  }
}
