package dev.tensorarena.blas;

import dev.tensorarena.Tensor;

/** How a matrix lies: row after row, or, transposed, column after column. */
final class Matrix extends Operand {
  final long rows;
  final long columns;
  final boolean isTransposed;

  /** From a row, or from a column if transposed, to the next. */
  final int rowStep;

  private Matrix(Tensor tensor, long rows, long columns, boolean byRows, long step) {
    super(tensor, span(rows, columns, byRows, step) * tensor.dtype().byteSize());
    this.rows = rows;
    this.columns = columns;
    this.isTransposed = !byRows;
    this.rowStep = (int) Math.max(step, Math.max(1, byRows ? columns : rows));
  }

  /** Holds a tensor that an argument of this name was given. */
  static Matrix of(String name, Tensor tensor) {
    if (!isOfRank(2, tensor)) {
      throw refusal(name + " must be a FLOAT32 or FLOAT64 matrix", tensor);
    }
    long rows = tensor.shape().dim(0);
    long columns = tensor.shape().dim(1);
    if (tensor.isContiguous()) {
      return new Matrix(tensor, rows, columns, true, columns);
    }
    // On an axis of one element, the stride is no step that is ever made.
    boolean byRows = columns <= 1 || tensor.stride(1) == 1;
    if (!byRows && rows > 1 && tensor.stride(0) != 1) {
      throw refusal(name + " has neighbours on neither axis; pass contiguous(ctx)", tensor);
    }
    long step = !byRows ? tensor.stride(1) : rows <= 1 ? 1 : tensor.stride(0);
    return new Matrix(tensor, rows, columns, byRows, step);
  }

  /** Returns the elements from the first to the last, and what lies between them. */
  private static long span(long rows, long columns, boolean byRows, long step) {
    long lines = byRows ? rows : columns;
    long length = byRows ? columns : rows;
    return lines == 0 || length == 0 ? 0 : (lines - 1) * step + length;
  }

  /** Returns how many rows are stored, which a transposed matrix has as columns. */
  int storedRows() {
    return (int) (isTransposed ? columns : rows);
  }

  /** Returns how many columns are stored. */
  int storedColumns() {
    return (int) (isTransposed ? rows : columns);
  }

  /** Returns what {@code cblas.h} calls it. */
  int transpose() {
    return isTransposed ? Cblas.TRANSPOSE : Cblas.NO_TRANSPOSE;
  }
}
