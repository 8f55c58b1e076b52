package dev.tensorarena.ffm;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ForeignMemory;
import dev.tensorarena.Tensor;

/**
 * Tensors for libraries that speak <a href="https://dmlc.github.io/dlpack/latest/">DLPack</a>, and
 * theirs as tensors: NumPy, PyTorch, JAX and others. Nothing is copied, in either direction.
 *
 * <p>A DLPack tensor is known by the address of its struct: a {@code DLManagedTensor} of the
 * versions before 1.0, or a {@code DLManagedTensorVersioned} of 1.0 and later. Whoever has it calls
 * its deleter, once: a library that takes it over, as those do that are given it in a capsule, or
 * {@link #delete(long)}. Until then the tensor's bytes are kept, whatever ends the tensor, as by a
 * {@link dev.tensorarena.TensorPin}. The deleter of a tensor from here is C alone: it runs on any
 * thread, also one that the JVM does not know, and when there is no JVM any longer.
 *
 * <p>Only DLPack tensors of the CPU are taken, with one of the types of {@link DType}.
 */
public final class Dlpack {
  private Dlpack() {}

  /**
   * Makes a {@code DLManagedTensor} of a tensor. Its consumers may write, and see what is written
   * to the tensor.
   *
   * @param tensor a tensor that may be used on the calling thread, strided ones too
   * @return the address of the struct, which belongs to the caller
   * @throws IllegalStateException if the tensor is frozen, which this struct cannot say ({@link
   *     #toDlpackVersioned} can), if it is dead or another thread's, or if it wraps memory that is
   *     not an arena's, which C alone cannot keep: take {@code copy(ctx)}
   * @throws IllegalArgumentException if it wraps memory that is not {@linkplain Tensor#isPinnable
   *     pinnable}: take {@code copy(ctx)}
   * @throws OutOfMemoryError if the system refuses memory for the struct
   */
  public static long toDlpack(Tensor tensor) {
    if (!tensor.isWritable()) {
      throw new IllegalStateException(
          tensor
              + " is frozen, which DLPack before 1.0 cannot say to those who might write; take"
              + " toDlpackVersioned(), or copy(ctx)");
    }
    return DlpackExport.before1(tensor);
  }

  /**
   * Makes a {@code DLManagedTensorVersioned} of a tensor, of version 1.0. It says that the bytes
   * are read-only if the tensor is frozen.
   *
   * @param tensor a tensor that may be used on the calling thread, strided ones too
   * @return the address of the struct, which belongs to the caller
   * @throws IllegalStateException if the tensor is dead or another thread's, or if it wraps memory
   *     that is not an arena's, which C alone cannot keep: take {@code copy(ctx)}
   * @throws IllegalArgumentException if it wraps memory that is not {@linkplain Tensor#isPinnable
   *     pinnable}: take {@code copy(ctx)}
   * @throws OutOfMemoryError if the system refuses memory for the struct
   */
  public static long toDlpackVersioned(Tensor tensor) {
    return DlpackExport.versioned(tensor, tensor.isWritable() ? 0 : DlpackStruct.READ_ONLY);
  }

  /**
   * Takes over a {@code DLManagedTensor} as a writable tensor. Its deleter is called when nobody
   * needs the bytes any longer, as {@link ForeignMemory#released} says: at the end of the scope, or
   * after that with the last share or pin, on whichever thread that is.
   *
   * <p><b>This is unsafe</b>: an address that is no such struct's crashes the JVM.
   *
   * @param ctx a context of the calling thread
   * @param address where the struct lies; it is taken over if this method returns, and else stays
   *     the caller's
   * @return a tensor of the context's innermost open scope
   * @throws IllegalArgumentException if it lies on another device than the CPU, is of a type that
   *     no {@link DType} is, or if strides are negative or have elements overlap or interleave
   * @throws IllegalStateException if the context is closed or another thread's
   */
  public static Tensor fromDlpack(ExecutionContext ctx, long address) {
    return DlpackStruct.before1(address).wrap(ctx);
  }

  /**
   * Takes over a {@code DLManagedTensorVersioned}, as {@link #fromDlpack} takes over a struct
   * without a version. The tensor is frozen if its flags say that it is read-only.
   *
   * <p><b>This is unsafe</b>: an address that is no such struct's crashes the JVM.
   *
   * @param ctx a context of the calling thread
   * @param address where the struct lies; it is taken over if this method returns, and else stays
   *     the caller's
   * @return a tensor of the context's innermost open scope
   * @throws IllegalArgumentException as {@link #fromDlpack} throws it, and if the struct is of
   *     another major version than 1
   * @throws IllegalStateException if the context is closed or another thread's
   */
  public static Tensor fromDlpackVersioned(ExecutionContext ctx, long address) {
    return DlpackStruct.versioned(address).wrap(ctx);
  }

  /**
   * Calls the deleter of a {@code DLManagedTensor} that nobody took over; does nothing if it has
   * none. The struct must not be used afterwards.
   *
   * @param address where it lies
   */
  public static void delete(long address) {
    DlpackStruct.before1(address).delete();
  }

  /**
   * Calls the deleter of a {@code DLManagedTensorVersioned} that nobody took over; does nothing if
   * it has none. The struct must not be used afterwards.
   *
   * @param address where it lies
   */
  public static void deleteVersioned(long address) {
    DlpackStruct.versioned(address).delete();
  }
}
