package dev.tensorarena.bench;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** The Vector API over heap arrays. */
final class ArrayScoresVectorsOn22 implements ArrayScores {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  /** Sums beside each other, since each addition waits for the one before it. */
  private static final int SUMS = 4;

  private final float[] index;

  ArrayScoresVectorsOn22(float... index) {
    if (Query.WIDTH % (SUMS * LANES) != 0) {
      throw new IllegalStateException(Query.WIDTH + " is not a multiple of " + SUMS * LANES);
    }
    this.index = index;
  }

  @Override
  public void compute(float[] vector, float[] scores) {
    for (int row = 0; row < Query.ROWS; row++) {
      scores[row] = dot(vector, row * Query.WIDTH);
    }
  }

  private float dot(float[] vector, int row) {
    FloatVector s0 = FloatVector.zero(SPECIES);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int i = 0; i < Query.WIDTH; i += SUMS * LANES) {
      s0 = product(vector, row, i, s0);
      s1 = product(vector, row, i + LANES, s1);
      s2 = product(vector, row, i + 2 * LANES, s2);
      s3 = product(vector, row, i + 3 * LANES, s3);
    }
    return s0.add(s1).add(s2.add(s3)).reduceLanes(VectorOperators.ADD);
  }

  private FloatVector product(float[] vector, int row, int i, FloatVector sum) {
    return FloatVector.fromArray(SPECIES, vector, i)
        .fma(FloatVector.fromArray(SPECIES, index, row + i), sum);
  }

  @Override
  public double tolerance() {
    return ExpectedHits.OF_ANOTHER_ORDER;
  }
}
