package dev.tensorarena.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** A confined arena for each query, which the stages pass segments of. */
final class SegmentPipeline implements QueryPipeline {
  private final Arena own = Arena.ofConfined();
  private final MemorySegment index;
  private final float[] vector = new float[Query.WIDTH];
  private final TopHits hits = new TopHits();

  SegmentPipeline(float... index) {
    this.index = own.allocateFrom(JAVA_FLOAT, index);
  }

  @Override
  public int[] answer(int... tokens) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment batch = tokenise(arena, tokens);
      return best(score(arena, pool(arena, batch, embed(arena, batch))));
    }
  }

  private static MemorySegment tokenise(Arena arena, int... tokens) {
    MemorySegment batch = arena.allocate(JAVA_LONG, 2 * Query.TOKENS);
    for (int i = 0; i < tokens.length; i++) { // the rest is zero already
      batch.setAtIndex(JAVA_LONG, i, tokens[i]);
      batch.setAtIndex(JAVA_LONG, Query.TOKENS + i, 1);
    }
    return batch;
  }

  private static MemorySegment embed(Arena arena, MemorySegment batch) {
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
      scores.setAtIndex(JAVA_FLOAT, row, product(vector, index, row * Query.WIDTH));
    }
    return scores;
  }

  /** In eight sums: the additions of a single one would wait for each other. */
  private static float product(float[] a, MemorySegment b, int from) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    for (int i = 0; i < Query.WIDTH; i += 8) {
      int j = from + i;
      s0 += a[i] * b.getAtIndex(JAVA_FLOAT, j);
      s1 += a[i + 1] * b.getAtIndex(JAVA_FLOAT, j + 1);
      s2 += a[i + 2] * b.getAtIndex(JAVA_FLOAT, j + 2);
      s3 += a[i + 3] * b.getAtIndex(JAVA_FLOAT, j + 3);
      s4 += a[i + 4] * b.getAtIndex(JAVA_FLOAT, j + 4);
      s5 += a[i + 5] * b.getAtIndex(JAVA_FLOAT, j + 5);
      s6 += a[i + 6] * b.getAtIndex(JAVA_FLOAT, j + 6);
      s7 += a[i + 7] * b.getAtIndex(JAVA_FLOAT, j + 7);
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
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
