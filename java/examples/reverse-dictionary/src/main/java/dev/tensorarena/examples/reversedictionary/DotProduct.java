package dev.tensorarena.examples.reversedictionary;

/**
 * The dot product of two vectors of {@link MiniLm#WIDTH} floats, in eight sums instead of one: each
 * addition would wait for the one before it, and the compiler may not reorder them.
 *
 * <p>The pipeline with arenas leaves it to {@link Blas}, which heap arrays cannot be given to
 * without a copy.
 */
final class DotProduct {

  private DotProduct() {}

  /** {@code a · b[from .. from + WIDTH)}. */
  static float of(float[] a, float[] b, int from) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    for (int i = 0; i < MiniLm.WIDTH; i += 8) {
      int j = from + i;
      s0 += a[i] * b[j];
      s1 += a[i + 1] * b[j + 1];
      s2 += a[i + 2] * b[j + 2];
      s3 += a[i + 3] * b[j + 3];
      s4 += a[i + 4] * b[j + 4];
      s5 += a[i + 5] * b[j + 5];
      s6 += a[i + 6] * b[j + 6];
      s7 += a[i + 7] * b[j + 7];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }
}
