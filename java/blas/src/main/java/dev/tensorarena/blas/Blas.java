package dev.tensorarena.blas;

import dev.tensorarena.DType;
import dev.tensorarena.Tensor;

/**
 * Linear algebra on {@code FLOAT32} and {@code FLOAT64} tensors by OpenBLAS, or another library
 * with C's BLAS interface, on the bytes where they lie: nothing is copied. The package says where
 * the library comes from.
 *
 * <p>Vectors have rank 1 and any stride. Matrices have rank 2 and neighbours on one axis, as
 * row-major tensors, their transposes, and slices of both have. All tensors of a call have one
 * type; a factor of {@code FLOAT32} tensors is rounded to {@code float}. Results are written into a
 * tensor of the caller's, which must be writable and must not overlap the other arguments; nobody
 * checks that.
 *
 * <p>Each method is called on a thread that may use the tensors. The library may compute on threads
 * of its own beside it; {@link #threads} says how many. Results may differ in the last bits from
 * one processor, library or number of threads to another, since sums are added up in different
 * orders. It reads the bytes itself: where a tensor is over a mapped file that somebody cuts short,
 * the JVM crashes; {@code copy(ctx)} of the tensor throws then.
 *
 * <p>Each method throws {@link IllegalArgumentException} for types, shapes and strides that do not
 * fit, and for tensors that span 2 GiB and more, with what they are; {@link IllegalStateException}
 * for a dead tensor, another thread's, and a frozen result; and {@link LinkageError} if there is no
 * library.
 */
public final class Blas {
  private Blas() {}

  /**
   * Sets the number of threads that OpenBLAS computes large products, and vectors of more than some
   * 10,000 elements, on. It is one number for the whole process, also for others that call
   * OpenBLAS. Until it is set, it is OpenBLAS's own choice: what {@code OPENBLAS_NUM_THREADS} says,
   * or else one thread for each processor. A program that computes on several threads of its own
   * sets 1, before they compute: else they wait for each other.
   *
   * @param count at least 1; OpenBLAS takes no more than it was built for
   * @return true if OpenBLAS was told; false if the library is another one, which is left as it is
   * @throws IllegalArgumentException if the count is below 1
   * @throws LinkageError if there is no library
   */
  public static boolean threads(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("at least 1 thread computes, not " + count);
    }
    return Threads.set(Cblas.LIBRARY, count);
  }

  /**
   * Returns the dot product of two vectors.
   *
   * @param x {@code [n]}
   * @param y {@code [n]}
   * @return Σ x[i] y[i]; of {@code FLOAT32} vectors, a {@code float}
   */
  public static double dot(Tensor x, Tensor y) {
    try (Vector left = Vector.of("x", x);
        Vector right = Vector.of("y", y)) {
      requireAlike(left, right, x, y);
      return isFloat(x)
          ? Cblas.cblas_sdot(left.size, left.address, left.step, right.address, right.step)
          : Cblas.cblas_ddot(left.size, left.address, left.step, right.address, right.step);
    }
  }

  /**
   * Adds a multiple of a vector to another: y ← αx + y.
   *
   * @param alpha α
   * @param x {@code [n]}
   * @param y {@code [n]}, the result
   */
  public static void axpy(double alpha, Tensor x, Tensor y) {
    try (Vector from = Vector.of("x", x);
        Vector to = Vector.of("y", y)) {
      requireAlike(from, to, x, y);
      requireWritable(y);
      int n = from.size;
      if (isFloat(y)) {
        Cblas.cblas_saxpy(n, (float) alpha, from.address, from.step, to.address, to.step);
      } else {
        Cblas.cblas_daxpy(n, alpha, from.address, from.step, to.address, to.step);
      }
    }
  }

  /**
   * Scales a vector: x ← αx.
   *
   * @param alpha α; with 0, the library decides whether an element that is no finite number becomes
   *     0 or NaN
   * @param x {@code [n]}, the result
   */
  public static void scal(double alpha, Tensor x) {
    try (Vector vector = Vector.of("x", x)) {
      requireWritable(x);
      if (isFloat(x)) {
        Cblas.cblas_sscal(vector.size, (float) alpha, vector.address, vector.step);
      } else {
        Cblas.cblas_dscal(vector.size, alpha, vector.address, vector.step);
      }
    }
  }

  /**
   * Multiplies a matrix by a vector: y ← αAx + βy.
   *
   * @param alpha α
   * @param a {@code [m][n]}
   * @param x {@code [n]}
   * @param beta β; with 0, y may be uninitialised
   * @param y {@code [m]}, the result
   */
  public static void gemv(double alpha, Tensor a, Tensor x, double beta, Tensor y) {
    try (Matrix matrix = Matrix.of("A", a);
        Vector from = Vector.of("x", x);
        Vector to = Vector.of("y", y)) {
      requireOneType("A, x and y", a, x, y);
      if (from.size != matrix.columns) {
        throw Operand.refusal("A has not as many columns as x elements", a, x);
      }
      if (to.size != matrix.rows) {
        throw Operand.refusal("A has not as many rows as y elements", a, y);
      }
      requireWritable(y);
      if (matrix.rows == 0) {
        return;
      }
      if (matrix.columns == 0) { // libraries return at once then and leave y as it is
        multiply(beta, y);
        return;
      }
      if (isFloat(y)) {
        Cblas.cblas_sgemv(
            Cblas.ROW_MAJOR,
            matrix.transpose(),
            matrix.storedRows(),
            matrix.storedColumns(),
            (float) alpha,
            matrix.address,
            matrix.rowStep,
            from.address,
            from.step,
            (float) beta,
            to.address,
            to.step);
      } else {
        Cblas.cblas_dgemv(
            Cblas.ROW_MAJOR,
            matrix.transpose(),
            matrix.storedRows(),
            matrix.storedColumns(),
            alpha,
            matrix.address,
            matrix.rowStep,
            from.address,
            from.step,
            beta,
            to.address,
            to.step);
      }
    }
  }

  /**
   * Multiplies two matrices: C ← αAB + βC.
   *
   * @param alpha α
   * @param a {@code [m][k]}
   * @param b {@code [k][n]}
   * @param beta β; with 0, C may be uninitialised
   * @param c {@code [m][n]}, the result
   */
  public static void gemm(double alpha, Tensor a, Tensor b, double beta, Tensor c) {
    try (Matrix left = Matrix.of("A", a);
        Matrix right = Matrix.of("B", b);
        Matrix result = Matrix.of("C", c)) {
      requireOneType("A, B and C", a, b, c);
      if (left.columns != right.rows) {
        throw Operand.refusal("A has not as many columns as B rows", a, b);
      }
      if (left.rows != result.rows) {
        throw Operand.refusal("A has not as many rows as C", a, c);
      }
      if (right.columns != result.columns) {
        throw Operand.refusal("B has not as many columns as C", b, c);
      }
      requireWritable(c);
      if (result.isTransposed) { // C' = B'A'
        gemm(alpha, b.transpose(), a.transpose(), beta, c.transpose());
      } else if (isFloat(c)) {
        Cblas.cblas_sgemm(
            Cblas.ROW_MAJOR,
            left.transpose(),
            right.transpose(),
            (int) left.rows,
            (int) right.columns,
            (int) left.columns,
            (float) alpha,
            left.address,
            left.rowStep,
            right.address,
            right.rowStep,
            (float) beta,
            result.address,
            result.rowStep);
      } else {
        Cblas.cblas_dgemm(
            Cblas.ROW_MAJOR,
            left.transpose(),
            right.transpose(),
            (int) left.rows,
            (int) right.columns,
            (int) left.columns,
            alpha,
            left.address,
            left.rowStep,
            right.address,
            right.rowStep,
            beta,
            result.address,
            result.rowStep);
      }
    }
  }

  /** y ← βy, where with 0 nothing is read. */
  private static void multiply(double beta, Tensor y) {
    if (beta == 0) {
      y.fill(0);
    } else {
      scal(beta, y);
    }
  }

  private static boolean isFloat(Tensor tensor) {
    return tensor.dtype() == DType.FLOAT32;
  }

  // ---- refusals

  private static void requireWritable(Tensor result) {
    if (!result.isWritable()) {
      throw new IllegalStateException(
          "the result is frozen: " + result + "; mutable(ctx) gives one that can be written");
    }
  }

  private static void requireAlike(Vector left, Vector right, Tensor x, Tensor y) {
    if (x.dtype() != y.dtype()) {
      throw Operand.refusal("x and y differ in type", x, y);
    }
    if (left.size != right.size) {
      throw Operand.refusal("x and y differ in length", x, y);
    }
  }

  private static void requireOneType(String names, Tensor a, Tensor b, Tensor c) {
    if (a.dtype() != b.dtype() || a.dtype() != c.dtype()) {
      throw Operand.refusal(names + " differ in type", a, b, c);
    }
  }
}
