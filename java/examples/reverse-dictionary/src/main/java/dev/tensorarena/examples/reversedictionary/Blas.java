package dev.tensorarena.examples.reversedictionary;

import com.sun.jna.Pointer;
import dev.tensorarena.DType;
import dev.tensorarena.Tensor;
import dev.tensorarena.jna.TensorPointer;

/**
 * Linear algebra on {@code FLOAT32} tensors by OpenBLAS, on the bytes where they lie: nothing is
 * copied.
 *
 * <p>Vectors have rank 1 and any stride, matrices rank 2 and neighbours on one axis, as row-major
 * tensors, their transposes, and slices of both have. Results are written into a tensor of the
 * caller's, which must be writable and must not overlap the arguments. Called on a thread that may
 * use the tensors.
 *
 * <p>Each method throws {@link IllegalArgumentException} for types, shapes and strides that do not
 * fit, with what they are, and {@link IllegalStateException} for a dead tensor and a frozen result.
 */
public final class Blas {
  private Blas() {}

  /**
   * The dot product.
   *
   * @param x {@code float[n]}
   * @param y {@code float[n]}
   * @return Σ x[i] y[i]
   */
  public static float dot(Tensor x, Tensor y) {
    int n = vector("x", x);
    require(vector("y", y) == n, "x and y differ in length", x, y);
    return OpenBlas.cblas_sdot(n, pointer(x), step(x), pointer(y), step(y));
  }

  /**
   * Adds a multiple: y ← αx + y.
   *
   * @param alpha α
   * @param x {@code float[n]}
   * @param y {@code float[n]}, the result
   */
  public static void axpy(float alpha, Tensor x, Tensor y) {
    int n = vector("x", x);
    require(vector("y", y) == n, "x and y differ in length", x, y);
    requireWritable(y);
    OpenBlas.cblas_saxpy(n, alpha, pointer(x), step(x), pointer(y), step(y));
  }

  /**
   * Matrix times vector: y ← αAx + βy.
   *
   * @param alpha α
   * @param a {@code float[m][n]}
   * @param x {@code float[n]}
   * @param beta β; with 0, y may be uninitialised
   * @param y {@code float[m]}, the result
   */
  public static void gemv(float alpha, Tensor a, Tensor x, float beta, Tensor y) {
    Matrix matrix = new Matrix("A", a);
    require(vector("x", x) == matrix.columns, "A has not as many columns as x elements", a, x);
    require(vector("y", y) == matrix.rows, "A has not as many rows as y elements", a, y);
    requireWritable(y);
    if (matrix.rows == 0) {
      return;
    }
    // As it is stored, which a transposed matrix is not.
    int rows = matrix.transposed() ? matrix.columns : matrix.rows;
    int columns = matrix.transposed() ? matrix.rows : matrix.columns;
    if (matrix.columns == 0) { // OpenBLAS returns at once then and leaves y as it is
      scale(beta, y);
      return;
    }
    OpenBlas.cblas_sgemv(
        OpenBlas.ROW_MAJOR,
        matrix.transpose,
        rows,
        columns,
        alpha,
        matrix.pointer,
        matrix.rowStep,
        pointer(x),
        step(x),
        beta,
        pointer(y),
        step(y));
  }

  private static void scale(float beta, Tensor y) {
    for (long i = 0; i < y.size(); i++) {
      y.setFloatAt(i, beta == 0 ? 0 : beta * y.getFloatAt(i));
    }
  }

  /**
   * Matrix times matrix: C ← αAB + βC.
   *
   * @param alpha α
   * @param a {@code float[m][k]}
   * @param b {@code float[k][n]}
   * @param beta β; with 0, C may be uninitialised
   * @param c {@code float[m][n]}, the result
   */
  public static void gemm(float alpha, Tensor a, Tensor b, float beta, Tensor c) {
    Matrix left = new Matrix("A", a);
    Matrix right = new Matrix("B", b);
    Matrix result = new Matrix("C", c);
    require(left.columns == right.rows, "A has not as many columns as B rows", a, b);
    require(left.rows == result.rows, "A has not as many rows as C", a, c);
    require(right.columns == result.columns, "B has not as many columns as C", b, c);
    requireWritable(c);
    if (result.transposed()) { // C' = B'A'
      gemm(alpha, b.transpose(), a.transpose(), beta, c.transpose());
      return;
    }
    OpenBlas.cblas_sgemm(
        OpenBlas.ROW_MAJOR,
        left.transpose,
        right.transpose,
        left.rows,
        right.columns,
        left.columns,
        alpha,
        left.pointer,
        left.rowStep,
        right.pointer,
        right.rowStep,
        beta,
        result.pointer,
        result.rowStep);
  }

  // ---- what BLAS is told of a tensor

  private static Pointer pointer(Tensor tensor) {
    return TensorPointer.strided(tensor);
  }

  private static int vector(String name, Tensor tensor) {
    require(
        tensor.dtype() == DType.FLOAT32 && tensor.rank() == 1,
        name + " must be a FLOAT32 vector",
        tensor);
    return (int) tensor.size();
  }

  private static int step(Tensor vector) {
    return vector.size() <= 1 ? 1 : (int) vector.stride(0);
  }

  /** How a matrix lies: row after row, or, transposed, column after column. */
  private static final class Matrix {
    final Pointer pointer;
    final int rows;
    final int columns;
    final int transpose;

    /** From a row, or from a column if transposed, to the next. */
    final int rowStep;

    Matrix(String name, Tensor tensor) {
      require(
          tensor.dtype() == DType.FLOAT32 && tensor.rank() == 2,
          name + " must be a FLOAT32 matrix",
          tensor);
      pointer = TensorPointer.strided(tensor);
      rows = (int) tensor.shape().dim(0);
      columns = (int) tensor.shape().dim(1);
      // On an axis of one element, the stride is no step that is ever made.
      boolean byRows = columns <= 1 || tensor.stride(1) == 1;
      require(
          byRows || rows <= 1 || tensor.stride(0) == 1,
          name + " has neighbours on neither axis; pass contiguous(ctx)",
          tensor);
      transpose = byRows ? OpenBlas.NO_TRANSPOSE : OpenBlas.TRANSPOSE;
      long step = !byRows ? tensor.stride(1) : rows <= 1 ? 1 : tensor.stride(0);
      rowStep = (int) Math.max(step, Math.max(1, byRows ? columns : rows));
    }

    boolean transposed() {
      return transpose == OpenBlas.TRANSPOSE;
    }
  }

  // ---- refusals

  private static void requireWritable(Tensor result) {
    if (!result.isWritable()) {
      throw new IllegalStateException(
          "the result is frozen: " + result + "; mutable(ctx) gives one that can be written");
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
