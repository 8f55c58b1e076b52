package dev.tensorarena.blas;

import dev.tensorarena.Tensor;

/** How a vector lies: an element after every {@code step}. */
final class Vector extends Operand {
  final int size;
  final int step;

  private Vector(Tensor tensor, long size, long step) {
    super(tensor, size == 0 ? 0 : ((size - 1) * step + 1) * tensor.dtype().byteSize());
    this.size = (int) size;
    this.step = (int) step;
  }

  /** Holds a tensor that an argument of this name was given. */
  static Vector of(String name, Tensor tensor) {
    if (!isOfRank(1, tensor)) {
      throw refusal(name + " must be a FLOAT32 or FLOAT64 vector", tensor);
    }
    long size = tensor.size();
    // A step that is never made may be as large as it likes.
    long step = size <= 1 || tensor.isContiguous() ? 1 : tensor.stride(0);
    return new Vector(tensor, size, step);
  }
}
