package dev.tensorarena.jna;

import com.sun.jna.FromNativeContext;
import com.sun.jna.NativeMapped;
import com.sun.jna.Pointer;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPin;
import java.nio.ByteBuffer;

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
 * <p><b>What is checked, and when.</b> {@link #of} refuses what no C function can take: a tensor
 * that has ended, one of another thread, one that is not contiguous, one of 2 GiB and more, and one
 * over memory that somebody else can end during a call ({@link Tensor#isPinnable}). A pointer may
 * outlive its tensor:
 *
 * <ul>
 *   <li>as an argument of a function of a library interface it refuses a tensor that has ended, and
 *       pins the tensor's bytes while the call runs;
 *   <li>its own accessors, and those of its parts by {@link #share(long)}, refuse a tensor that has
 *       ended, every access out of its bounds, strings that have no end in it, and writing to a
 *       tensor that is frozen;
 *   <li>in a direct-mapped call JNA reads the address of a {@code Pointer} parameter without asking
 *       the object. Make the pointer where it is passed, {@code f(TensorPointer.of(x))}, which
 *       checks every call, or register with {@link TensorTypeMapper} and declare {@code Tensor} or
 *       {@code TensorPointer}. While the call runs, the tensor's thread is in it and ends no scope.
 *       If the function calls back into Java that ends one, hold a {@link
 *       dev.tensorarena.TensorPin} during the call.
 * </ul>
 *
 * <p>The pointer keeps the tensor and its context reachable, but owns nothing: {@code close} does
 * nothing. A buffer of {@code getByteBuffer} is a raw view, like those of {@link
 * Tensor#asByteBuffer}. Native code must not write through it if the tensor is frozen, which
 * nothing prevents. Its accessors are native code, too: over a mapped file that somebody cuts short
 * they crash the JVM, where those of the tensor throw.
 */
public final class TensorPointer extends BoundedMemory implements NativeMapped {
  private final Tensor tensor;

  /**
   * Makes an instance without a tensor, which JNA asks for the type that pointers are passed as.
   */
  public TensorPointer() {
    tensor = null;
  }

  private TensorPointer(Tensor tensor, long bytes) {
    this(tensor, tensor.address(), bytes);
  }

  private TensorPointer(Tensor tensor, long address, long bytes) {
    super(address, bytes);
    this.tensor = tensor;
  }

  /**
   * Makes a pointer to a tensor's first element.
   *
   * @param tensor a contiguous tensor of less than 2 GiB
   * @return the pointer, which may be used while the tensor lives
   * @throws IllegalStateException if the tensor has ended or belongs to another thread
   * @throws IllegalArgumentException if it is not contiguous, too large, or not {@linkplain
   *     Tensor#isPinnable pinnable}
   */
  public static TensorPointer of(Tensor tensor) {
    if (!tensor.isContiguous()) {
      throw new IllegalArgumentException(
          tensor
              + " is not contiguous, which no C function could know; pass contiguous(ctx), or"
              + " strided(tensor) to a function that takes strides");
    }
    return new TensorPointer(tensor, checked(tensor, tensor.byteSize()));
  }

  /**
   * Makes a pointer to the first element of a tensor that need not be contiguous, for a function
   * that is told the strides, as those of BLAS are.
   *
   * @param tensor a tensor that spans less than 2 GiB
   * @return the pointer, which may be used while the tensor lives
   * @throws IllegalStateException if the tensor has ended or belongs to another thread
   * @throws IllegalArgumentException if it is too large, or not {@linkplain Tensor#isPinnable
   *     pinnable}
   */
  public static TensorPointer strided(Tensor tensor) {
    long last = 0;
    for (int axis = 0; axis < tensor.rank(); axis++) {
      last += (tensor.shape().dim(axis) - 1) * tensor.stride(axis);
    }
    long span = tensor.isEmpty() ? 0 : (last + 1) * tensor.dtype().byteSize();
    return new TensorPointer(tensor, checked(tensor, span));
  }

  /** Returns the size, if native code can be given so many bytes of this tensor. */
  private static long checked(Tensor tensor, long bytes) {
    TensorPin.requirePinnable(tensor);
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          tensor
              + " has "
              + bytes
              + " bytes, more than the 2^31 - 1 that JNA's buffers and C's int reach; pass slices"
              + " of it");
    }
    return bytes;
  }

  /**
   * Returns the tensor that the pointer was made for.
   *
   * @return the tensor
   */
  public Tensor tensor() {
    return tensor;
  }

  @Override
  void requireReadable() {
    if (tensor == null) {
      throw new IllegalStateException("a TensorPointer without a tensor is no pointer");
    }
    tensor.rank(); // passes the gate
  }

  @Override
  void requireWritable() {
    requireReadable();
    if (!tensor.isWritable()) {
      throw new IllegalStateException(tensor + " is frozen, since it was shared or is read-only");
    }
  }

  @Override
  BoundedMemory part(long at, long bytes) {
    return new TensorPointer(tensor, address() + at, bytes);
  }

  @Override
  ByteBuffer view(long offset, long length) {
    if (!tensor.isContiguous()) {
      throw new UnsupportedOperationException(
          tensor + " is not contiguous: it has no buffer; contiguous(ctx) gives a copy that has");
    }
    ByteBuffer all = tensor.asByteBuffer(); // the core knows of its views
    int start = Math.toIntExact(address() - tensor.address() + offset);
    return all.slice(start, Math.toIntExact(length)).order(all.order());
  }

  // ---- for JNA

  /**
   * Makes the pointer that is passed: it pins the tensor until JNA says that the call is over.
   *
   * @return a pointer for one call
   * @throws IllegalStateException if the tensor has ended or belongs to another thread
   */
  @Override
  public Object toNative() {
    return tensor == null ? null : PinnedArgument.of(tensor, address());
  }

  @Override
  public Class<?> nativeType() {
    return Pointer.class;
  }

  /**
   * Throws, because a tensor is an argument and not a result.
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
