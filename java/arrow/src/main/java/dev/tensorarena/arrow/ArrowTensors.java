package dev.tensorarena.arrow;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.types.pojo.Field;

/**
 * Tensors as buffers and vectors of Arrow's, and the reverse. The elements are never copied.
 *
 * <p><b>From a tensor to Arrow.</b> What is returned holds the tensor's bytes, also after the end
 * of its scope and context, until Arrow has released the last reference, on any thread. Arrow has
 * no buffer that is read-only, so the tensor is frozen, as by {@link Tensor#share()}: Arrow's
 * readers see what was in it. Nothing prevents Arrow's setters from writing into these bytes;
 * nobody should.
 *
 * <p>The allocator charges the bytes once more: they count towards its limit, beside those of the
 * tensor's context and budgets. For a vector it also allocates Arrow's validity bits, one for each
 * value of each level, which say that there are no nulls.
 *
 * <p>Where any of these methods throws, nothing is held and nothing is frozen. They throw {@link
 * org.apache.arrow.memory.OutOfMemoryException} past the allocator's limit.
 *
 * <p>An allocator's {@code close()} throws while anything that it was charged for is open, as it
 * does for its own buffers; after that it never lets go of the bytes.
 *
 * <p><b>From Arrow to a tensor.</b> {@link #wrap} takes a reference of its own, and gives it back
 * when the last holder of the bytes lets go: a scope, share, kept result or pin.
 *
 * <p><b>Types.</b> All but BFLOAT16, for which Arrow has no type: FLOAT16, FLOAT32 and FLOAT64 are
 * Arrow's floating point, INT8 to INT64 and UINT8 its integers. Arrow's own {@code bool} has a bit
 * for each element where BOOL has a byte, so BOOL is the canonical extension {@code arrow.bool8}, a
 * vector of {@code int8} with that name in its field's metadata.
 */
public final class ArrowTensors {
  private ArrowTensors() {}

  /**
   * Returns the bytes of a tensor as a buffer, whatever its type, rank and size. The elements lie
   * in row-major order; those of BOOL have a byte each, which is not what Arrow's {@code bool} has.
   *
   * @param allocator charged for the bytes; its parents are, too
   * @param tensor a contiguous tensor
   * @return a buffer of exactly its bytes, to be closed by the caller
   * @throws IllegalArgumentException if the tensor is not contiguous, or wraps memory that is not
   *     {@linkplain Tensor#isPinnable pinnable}
   * @throws IllegalStateException if it is dead or another thread's, or while parts of it are open
   */
  public static ArrowBuf buffer(BufferAllocator allocator, Tensor tensor) {
    return TensorAllocation.handOver(tensor, allocator::wrapForeignAllocation);
  }

  /**
   * Returns a tensor as a vector. One of rank 1 is a vector of its elements; one of rank n is a
   * vector of {@code FixedSizeList}, of which each list has lists, and so on: a value for each
   * index of the first axis.
   *
   * @param allocator charged for the bytes and for the validity bits; its parents are, too
   * @param name of the vector's field
   * @param tensor a contiguous tensor of rank 1 or more, and less than 2<sup>31</sup> elements
   * @return the vector, to be closed by the caller
   * @throws IllegalArgumentException if the tensor is a scalar, too large, of BFLOAT16, not
   *     contiguous, or wraps memory that is not {@linkplain Tensor#isPinnable pinnable}
   * @throws IllegalStateException if it is dead or another thread's, or while parts of it are open
   */
  public static FieldVector vector(BufferAllocator allocator, String name, Tensor tensor) {
    Field field = Vectors.field(name, tensor.dtype(), tensor.shape());
    return vector(allocator, field, tensor);
  }

  /**
   * Returns a tensor as a vector of tensors: a value for each index of the first axis.
   *
   * @param allocator charged for the bytes and for the validity bits; its parents are, too
   * @param name of the vector's field
   * @param type the type of the values, which need not be registered for this
   * @param tensor the values, of which each has the type's {@linkplain
   *     FixedShapeTensorType#logicalShape() logical} shape; contiguous once the type's permutation
   *     is undone
   * @return the vector, to be closed by the caller
   * @throws IllegalArgumentException as the method for lists does, and if the shape is not that of
   *     the type
   * @throws IllegalStateException if the tensor is dead or another thread's, or while parts of it
   *     are open
   */
  public static FixedShapeTensorVector vector(
      BufferAllocator allocator, String name, FixedShapeTensorType type, Tensor tensor) {
    Tensor physical = type.layout().physical(tensor);
    Shape stored = Shape.of(physical.shape().dim(0), type.shape().numElements());
    Field field = type.field(name, tensor.dtype(), stored);
    return (FixedShapeTensorVector)
        TensorAllocation.handOver(physical, bytes -> Vectors.over(bytes, allocator, field, stored));
  }

  private static FieldVector vector(BufferAllocator allocator, Field field, Tensor tensor) {
    Shape shape = tensor.shape();
    return TensorAllocation.handOver(tensor, bytes -> Vectors.over(bytes, allocator, field, shape));
  }

  /**
   * Makes a tensor over the values of a vector: of a vector of numbers one of rank 1, of nested
   * {@code FixedSizeList} one of rank n, and of a {@link FixedShapeTensorVector} one with the
   * values on its first axis and their {@linkplain FixedShapeTensorType#logicalShape() logical}
   * axes after it, which is strided if there is a permutation. The tensor is frozen, since others
   * may read the vector, and its bytes may be a frozen tensor's; {@code mutable(ctx)} is a copy.
   *
   * <p>The vector and its reference stay the caller's, who may close it at once. While anybody
   * holds the bytes Arrow's allocator cannot be closed. The raw views of the tensor end when nobody
   * holds them any longer, as {@link dev.tensorarena.ForeignMemory#released} says.
   *
   * @param ctx a context of the calling thread
   * @param vector without nulls
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the vector has nulls, is dictionary-encoded, or has values
   *     that no tensor has, such as bits, dates or strings
   * @throws IllegalStateException if the context is closed or belongs to another thread
   */
  public static Tensor wrap(ExecutionContext ctx, FieldVector vector) {
    if (vector instanceof FixedShapeTensorVector tensors) {
      return tensors.type().layout().logical(values(ctx, tensors.getUnderlyingVector()));
    }
    return values(ctx, vector);
  }

  private static Tensor values(ExecutionContext ctx, FieldVector vector) {
    Vectors.Values values = Vectors.of(vector);
    if (values.bytes() == 0) {
      return ctx.empty(values.dtype(), values.shape()); // there is nothing to hold
    }
    ArrowMemory memory = new ArrowMemory(values.data(), values.bytes());
    memory.retain();
    Tensor tensor = null;
    try {
      tensor = ctx.wrap(memory, values.dtype(), values.shape());
    } finally {
      if (tensor == null) {
        memory.released();
      }
    }
    return tensor;
  }
}
