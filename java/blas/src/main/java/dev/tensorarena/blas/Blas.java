package dev.tensorarena.blas;

import com.sun.jna.Pointer;
import dev.tensorarena.DType;
import dev.tensorarena.Tensor;
import dev.tensorarena.jna.TensorPointer;

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
 * <p>Each method is called on a thread that may use the tensors, and computes on that thread alone
 * (OpenBLAS is told so, for the whole process; another library may use threads of its own). Results
 * may differ in the last bits from one processor or library to another, since sums are added up in
 * different orders.
 *
 * <p>Each method throws {@link IllegalArgumentException} for types, shapes and strides that do not
 * fit, and for tensors that span 2 GiB and more, with what they are; {@link IllegalStateException}
 * for a dead tensor, another thread's, and a frozen result; and {@link LinkageError} if there is no
 * library.
 */
public final class Blas {
  private Blas() {}

  /**
   * Returns the dot product of two vectors.
   *
   * @param x {@code [n]}
   * @param y {@code [n]}
   * @return Σ x[i] y[i]; of {@code FLOAT32} vectors, a {@code float}
   */
  public static double dot(Tensor x, Tensor y) {
    Vector left = new Vector("x", x);
    Vector right = new Vector("y", y);
    requireAlike("x and y", x, y);
    require(left.size == right.size, "x and y differ in length", x, y);
    int n = (int) left.size;
    return isFloat(x)
        ? Cblas.cblas_sdot(n, left.pointer, left.step, right.pointer, right.step)
        : Cblas.cblas_ddot(n, left.pointer, left.step, right.pointer, right.step);
  }

  /**
   * Adds a multiple of a vector to another: y ← αx + y.
   *
   * @param alpha α
   * @param x {@code [n]}
   * @param y {@code [n]}, the result
   */
  public static void axpy(double alpha, Tensor x, Tensor y) {
    Vector from = new Vector("x", x);
    Vector to = new Vector("y", y);
    requireAlike("x and y", x, y);
    require(from.size == to.size, "x and y differ in length", x, y);
    requireWritable(y);
    int n = (int) from.size;
    if (isFloat(y)) {
      Cblas.cblas_saxpy(n, (float) alpha, from.pointer, from.step, to.pointer, to.step);
    } else {
      Cblas.cblas_daxpy(n, alpha, from.pointer, from.step, to.pointer, to.step);
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
    Vector vector = new Vector("x", x);
    requireWritable(x);
    int n = (int) vector.size;
    if (isFloat(x)) {
      Cblas.cblas_sscal(n, (float) alpha, vector.pointer, vector.step);
    } else {
      Cblas.cblas_dscal(n, alpha, vector.pointer, vector.step);
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
    Matrix matrix = new Matrix("A", a);
    Vector from = new Vector("x", x);
    Vector to = new Vector("y", y);
    requireAlike("A, x and y", a, x, y);
    require(from.size == matrix.columns, "A has not as many columns as x elements", a, x);
    require(to.size == matrix.rows, "A has not as many rows as y elements", a, y);
    requireWritable(y);
    if (matrix.rows == 0) {
      return;
    }
    if (matrix.columns == 0) { // libraries return at once then and leave y as it is
      multiply(beta, y);
      return;
    }
    // As it is stored, which a transposed matrix is not.
    int rows = (int) (matrix.isTransposed() ? matrix.columns : matrix.rows);
    int columns = (int) (matrix.isTransposed() ? matrix.rows : matrix.columns);
    if (isFloat(y)) {
      Cblas.cblas_sgemv(
          Cblas.ROW_MAJOR,
          matrix.transpose,
          rows,
          columns,
          (float) alpha,
          matrix.pointer,
          matrix.rowStep,
          from.pointer,
          from.step,
          (float) beta,
          to.pointer,
          to.step);
    } else {
      Cblas.cblas_dgemv(
          Cblas.ROW_MAJOR,
          matrix.transpose,
          rows,
          columns,
          alpha,
          matrix.pointer,
          matrix.rowStep,
          from.pointer,
          from.step,
          beta,
          to.pointer,
          to.step);
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
    Matrix left = new Matrix("A", a);
    Matrix right = new Matrix("B", b);
    Matrix result = new Matrix("C", c);
    requireAlike("A, B and C", a, b, c);
    require(left.columns == right.rows, "A has not as many columns as B rows", a, b);
    require(left.rows == result.rows, "A has not as many rows as C", a, c);
    require(right.columns == result.columns, "B has not as many columns as C", b, c);
    requireWritable(c);
    if (result.isTransposed()) { // C' = B'A'
      gemm(alpha, b.transpose(), a.transpose(), beta, c.transpose());
      return;
    }
    if (isFloat(c)) {
      Cblas.cblas_sgemm(
          Cblas.ROW_MAJOR,
          left.transpose,
          right.transpose,
          (int) left.rows,
          (int) right.columns,
          (int) left.columns,
          (float) alpha,
          left.pointer,
          left.rowStep,
          right.pointer,
          right.rowStep,
          (float) beta,
          result.pointer,
          result.rowStep);
    } else {
      Cblas.cblas_dgemm(
          Cblas.ROW_MAJOR,
          left.transpose,
          right.transpose,
          (int) left.rows,
          (int) right.columns,
          (int) left.columns,
          alpha,
          left.pointer,
          left.rowStep,
          right.pointer,
          right.rowStep,
          beta,
          result.pointer,
          result.rowStep);
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

  // ---- what BLAS is told of a tensor

  private static boolean isFloat(Tensor tensor) {
    return tensor.dtype() == DType.FLOAT32;
  }

  private static boolean isOfRank(int rank, Tensor tensor) {
    return tensor.rank() == rank && (isFloat(tensor) || tensor.dtype() == DType.FLOAT64);
  }

  /** Where a vector lies: an element after every {@code step}. */
  private static final class Vector {
    final Pointer pointer;
    final long size;
    final int step;

    Vector(String name, Tensor tensor) {
      require(isOfRank(1, tensor), name + " must be a FLOAT32 or FLOAT64 vector", tensor);
      pointer = TensorPointer.strided(tensor);
      size = tensor.size();
      // A step that is never made may be as large as it likes.
      step = size <= 1 ? 1 : (int) tensor.stride(0);
    }
  }

  /** How a matrix lies: row after row, or, transposed, column after column. */
  private static final class Matrix {
    final Pointer pointer;
    final long rows;
    final long columns;
    final int transpose;

    /** From a row, or from a column if transposed, to the next. */
    final int rowStep;

    Matrix(String name, Tensor tensor) {
      require(isOfRank(2, tensor), name + " must be a FLOAT32 or FLOAT64 matrix", tensor);
      pointer = TensorPointer.strided(tensor);
      rows = tensor.shape().dim(0);
      columns = tensor.shape().dim(1);
      // On an axis of one element, the stride is no step that is ever made.
      boolean byRows = columns <= 1 || tensor.stride(1) == 1;
      require(
          byRows || rows <= 1 || tensor.stride(0) == 1,
          name + " has neighbours on neither axis; pass contiguous(ctx)",
          tensor);
      transpose = byRows ? Cblas.NO_TRANSPOSE : Cblas.TRANSPOSE;
      long step = !byRows ? tensor.stride(1) : rows <= 1 ? 1 : tensor.stride(0);
      rowStep = (int) Math.max(step, Math.max(1, byRows ? columns : rows));
    }

    boolean isTransposed() {
      return transpose == Cblas.TRANSPOSE;
    }
  }

  // ---- refusals

  private static void requireWritable(Tensor result) {
    if (!result.isWritable()) {
      throw new IllegalStateException(
          "the result is frozen: " + result + "; mutable(ctx) gives one that can be written");
    }
  }

  private static void requireAlike(String names, Tensor... tensors) {
    for (Tensor tensor : tensors) {
      require(tensor.dtype() == tensors[0].dtype(), names + " differ in type", tensors);
    }
  }

  private static void require(boolean holds, String otherwise, Tensor... tensors) {
    if (!holds) {
      StringBuilder message = new StringBuilder(otherwise);
      String separator = ": ";
      for (Tensor tensor : tensors) {
        message.append(separator).append(tensor);
        separator = ", ";
      }
      throw new IllegalArgumentException(message.toString());
    }
  }
}
