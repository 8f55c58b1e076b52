package dev.tensorarena.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** As {@link SegmentPipeline}, and the Vector API adds up. */
final class SegmentPipelineVectorsOn22 implements QueryPipeline {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int LANES = SPECIES.length();
  private static final long VECTOR_BYTES = SPECIES.vectorByteSize();
  private static final long ROW_BYTES = (long) Query.WIDTH * Float.BYTES;

  /** Sums beside each other, since each addition waits for the one before it. */
  private static final int SUMS = 4;

  private final Arena own = Arena.ofConfined();
  private final MemorySegment index;
  private final float[] vector = new float[Query.WIDTH];
  private final TopHits hits = new TopHits();

  SegmentPipelineVectorsOn22(float... index) {
    if (Query.WIDTH % (SUMS * LANES) != 0) {
      throw new IllegalStateException(Query.WIDTH + " is not a multiple of " + SUMS * LANES);
    }
    this.index = own.allocateFrom(JAVA_FLOAT, index);
  }

  @Override
  public int[] answer(int... tokens) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment batch = SegmentPipeline.tokenise(arena, tokens);
      MemorySegment states = SegmentPipeline.embed(arena, batch);
      return best(score(arena, pool(arena, states, tokens.length)));
    }
  }

  private MemorySegment pool(Arena arena, MemorySegment states, int tokens) {
    for (int i = 0; i < Query.WIDTH; i += LANES) {
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int token = 0; token < tokens; token++) {
        sum = sum.add(at(states, token * ROW_BYTES + (long) i * Float.BYTES));
      }
      sum.intoArray(vector, i);
    }
    Query.normalise(vector);
    return arena.allocateFrom(JAVA_FLOAT, vector);
  }

  private MemorySegment score(Arena arena, MemorySegment pooled) {
    MemorySegment scores = arena.allocate(JAVA_FLOAT, Query.ROWS);
    for (int row = 0; row < Query.ROWS; row++) {
      scores.setAtIndex(JAVA_FLOAT, row, dot(pooled, row * ROW_BYTES));
    }
    return scores;
  }

  private float dot(MemorySegment pooled, long row) {
    FloatVector s0 = FloatVector.zero(SPECIES);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (long i = 0; i < ROW_BYTES; i += SUMS * VECTOR_BYTES) {
      s0 = product(pooled, row, i, s0);
      s1 = product(pooled, row, i + VECTOR_BYTES, s1);
      s2 = product(pooled, row, i + 2 * VECTOR_BYTES, s2);
      s3 = product(pooled, row, i + 3 * VECTOR_BYTES, s3);
    }
    return s0.add(s1).add(s2.add(s3)).reduceLanes(VectorOperators.ADD);
  }

  private FloatVector product(MemorySegment pooled, long row, long i, FloatVector sum) {
    return at(pooled, i).fma(at(index, row + i), sum);
  }

  private static FloatVector at(MemorySegment segment, long offset) {
    return FloatVector.fromMemorySegment(SPECIES, segment, offset, ORDER);
  }

  private int[] best(MemorySegment scores) {
    for (int row = 0; row < Query.ROWS; row++) {
      hits.offer(row, scores.getAtIndex(JAVA_FLOAT, row));
    }
    return hits.take();
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
