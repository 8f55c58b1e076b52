package dev.tensorarena.jna;

import com.sun.jna.FromNativeContext;
import com.sun.jna.Memory;
import com.sun.jna.NativeMapped;
import com.sun.jna.Pointer;
import dev.tensorarena.Tensor;

/**
 * A tensor as a JNA pointer to its first element. Nothing is copied.
 *
 * <pre>{@code
 * interface CMath extends Library {
 *   float cblas_sdot(int n, Pointer x, int stepX, Pointer y, int stepY);
 * }
 * float dot = math.cblas_sdot(n, TensorPointer.of(x), 1, TensorPointer.of(y), 1);
 * }</pre>
 *
 * <p><b>What is checked, and when.</b> {@link #of} refuses what no C function can take: a dead
 * tensor, another thread's, one that is not contiguous, and one of 2 GiB and more. A pointer may
 * outlive its tensor:
 *
 * <ul>
 *   <li>as an argument of a function of a library interface, it refuses a tensor that has died, and
 *       pins its bytes for the time of the call;
 *   <li>so do the accessors of the pointer itself, which are checked against the tensor's bounds;
 *   <li>in a direct-mapped call JNA reads the address of a {@code Pointer} parameter without asking
 *       the object. Make the pointer where it is passed, {@code f(TensorPointer.of(x))}, which
 *       checks every call, or register with {@link TensorTypeMapper} and declare {@code Tensor} or
 *       {@code TensorPointer}. While the call runs, the tensor's thread is in it and ends no scope;
 *       a function that calls back into Java which does wants a {@link dev.tensorarena.TensorPin}.
 * </ul>
 *
 * <p>The pointer keeps the tensor and its context reachable. It is not the owner of anything:
 * {@link #close} does nothing. Native code may write through it even if the tensor is frozen, and
 * must not.
 */
public final class TensorPointer extends Memory implements NativeMapped {
  private final Tensor tensor;

  /** For JNA, which asks an instance of the class for the type that it is passed as. */
  public TensorPointer() {
    tensor = null;
  }

  private TensorPointer(Tensor tensor, long bytes) {
    this.tensor = tensor;
    this.peer = tensor.address();
    this.size = bytes;
  }

  /**
   * A pointer to a tensor's first element.
   *
   * @param tensor a contiguous tensor of less than 2 GiB
   * @return the pointer; valid as long as the tensor is alive
   * @throws IllegalStateException if the tensor is dead, or another thread's
   * @throws IllegalArgumentException if it is not contiguous, or too large
   */
  public static TensorPointer of(Tensor tensor) {
    if (!tensor.isContiguous()) {
      throw new IllegalArgumentException(
          tensor
              + " is not contiguous, which no C function could know; pass contiguous(ctx), or"
              + " strided(tensor) to a function that takes strides");
    }
    return new TensorPointer(tensor, checkSize(tensor, tensor.byteSize()));
  }

  /**
   * A pointer to the first element of a tensor that may have gaps and another order, for a function
   * that is told its strides, as those of BLAS are.
   *
   * @param tensor a tensor that spans less than 2 GiB
   * @return the pointer; valid as long as the tensor is alive
   * @throws IllegalStateException if the tensor is dead, or another thread's
   * @throws IllegalArgumentException if it is too large
   */
  public static TensorPointer strided(Tensor tensor) {
    long last = 0;
    for (int axis = 0; axis < tensor.rank(); axis++) {
      last += (tensor.shape().dim(axis) - 1) * tensor.stride(axis);
    }
    long span = tensor.isEmpty() ? 0 : (last + 1) * tensor.dtype().byteSize();
    return new TensorPointer(tensor, checkSize(tensor, span));
  }

  private static long checkSize(Tensor tensor, long bytes) {
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          tensor
              + " has "
              + bytes
              + " bytes, more than the 2^31 - 1 that JNA's buffers and C's int reach; pass slices of"
              + " it");
    }
    return bytes;
  }

  /**
   * The tensor.
   *
   * @return as it was given to {@link #of} or {@link #strided}
   */
  public Tensor tensor() {
    return tensor;
  }

  /** Refuses a dead tensor, and what lies outside of it. */
  @Override
  protected void boundsCheck(long offset, long bytes) {
    tensor.rank(); // passes the gate
    if (offset < 0 || bytes < 0 || bytes > size - offset) {
      throw new IndexOutOfBoundsException(
          bytes + " bytes at offset " + offset + " of a " + tensor + " of " + size + " bytes");
    }
  }

  /** Does nothing: the memory is the tensor's. */
  @Override
  public void close() {}

  // ---- for JNA

  /**
   * What is passed: a pointer that pins the tensor until JNA says that the call is over.
   *
   * @return for one call
   * @throws IllegalStateException if the tensor is dead, or another thread's
   */
  @Override
  public Object toNative() {
    return tensor == null ? null : PinnedArgument.of(tensor);
  }

  @Override
  public Class<?> nativeType() {
    return Pointer.class;
  }

  /**
   * Tensors are arguments, not results.
   *
   * @throws UnsupportedOperationException always
   */
  @Override
  public Object fromNative(Object value, FromNativeContext context) {
    throw new UnsupportedOperationException(
        "an address alone is no tensor: return Pointer, and make one with tensorAt or wrap");
  }

  @Override
  public String toString() {
    return "pointer to " + tensor;
  }
}
