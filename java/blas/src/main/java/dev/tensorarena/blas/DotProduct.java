package dev.tensorarena.blas;

/**
 * The dot product in plain Java, for numbers that lie where {@link Blas} could not have them
 * without a copy, such as heap arrays, or where there is no BLAS library.
 */
public final class DotProduct {
  private static final int SUMS = 8;

  /**
   * Reads numbers wherever they lie: {@code buffer::get}, or {@code i -> array[i]}. The JIT inlines
   * it while a process has one or two kinds of them; with more, each element costs a call.
   */
  @FunctionalInterface
  public interface Floats {
    /**
     * Returns an element.
     *
     * @param index where it is, from 0
     * @return the element
     * @throws IndexOutOfBoundsException if there is none
     */
    float get(int index);
  }

  private DotProduct() {}

  /**
   * Returns the dot product of an array and as many other numbers.
   *
   * <p>It adds up in eight sums instead of one: each addition would wait for the one before it, and
   * the compiler may not reorder them. The order, and so the result, is the same wherever the
   * numbers lie.
   *
   * @param x {@code float[n]}
   * @param y at least {@code from + n} numbers
   * @param from index of the first of y
   * @return Σ x[i] y[from + i]
   * @throws IndexOutOfBoundsException if y has fewer
   */
  public static float of(float[] x, Floats y, int from) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    int bound = x.length - x.length % SUMS;
    int i = 0;
    for (; i < bound; i += SUMS) {
      int j = from + i;
      s0 += x[i] * y.get(j);
      s1 += x[i + 1] * y.get(j + 1);
      s2 += x[i + 2] * y.get(j + 2);
      s3 += x[i + 3] * y.get(j + 3);
      s4 += x[i + 4] * y.get(j + 4);
      s5 += x[i + 5] * y.get(j + 5);
      s6 += x[i + 6] * y.get(j + 6);
      s7 += x[i + 7] * y.get(j + 7);
    }
    float rest = 0;
    for (; i < x.length; i++) {
      rest += x[i] * y.get(from + i);
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)) + rest;
  }
}
