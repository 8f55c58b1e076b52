package dev.tensorarena.blas;

import dev.tensorarena.DType;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPin;
import java.lang.ref.Reference;

/**
 * A tensor as an argument of one call: where it lies, and that it stays there until the call is
 * over. The calling thread is in the call meanwhile and ends no scope of its own, but another
 * thread may close a shared handle: the bytes of a frozen tensor, as those of handles are, are
 * pinned.
 */
abstract class Operand implements AutoCloseable {
  /** Where element 0 lies. */
  final long address;

  private final Tensor tensor;
  private final TensorPin pin;

  /**
   * Holds a tensor.
   *
   * @param span bytes from its first element to the end of its last
   * @throws IllegalStateException if the tensor is dead or another thread's
   * @throws IllegalArgumentException if it spans too much, or is over memory that somebody else can
   *     end during the call
   */
  Operand(Tensor tensor, long span) {
    if (span > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          tensor
              + " spans "
              + span
              + " bytes, more than the 2^31 - 1 that C's int reaches; pass slices of it");
    }
    TensorPin.requirePinnable(tensor);
    this.tensor = tensor;
    this.address = tensor.address();
    this.pin = tensor.isWritable() ? null : TensorPin.of(tensor);
  }

  /** Lets the tensor go, once the function has returned. */
  @Override
  public final void close() {
    if (pin != null) {
      pin.close();
    }
    // Nobody else may hold the tensor, and what becomes unreachable is reclaimed.
    Reference.reachabilityFence(tensor);
  }

  static boolean isOfRank(int rank, Tensor tensor) {
    DType dtype = tensor.dtype();
    return tensor.rank() == rank && (dtype == DType.FLOAT32 || dtype == DType.FLOAT64);
  }

  /** Returns the refusal of these tensors, for the caller to throw. */
  static IllegalArgumentException refusal(String reason, Tensor... tensors) {
    StringBuilder message = new StringBuilder(reason);
    String separator = ": ";
    for (Tensor tensor : tensors) {
      message.append(separator).append(tensor);
      separator = ", ";
    }
    return new IllegalArgumentException(message.toString());
  }
}
