package dev.tensorarena;

import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.Objects;

/**
 * The ways in which an {@link ExecutionContext} makes tensors: empty, zeroed, or with copied
 * values.
 */
public abstract sealed class TensorFactory permits NativeFactory {
  TensorFactory() {}

  /**
   * A tensor whose contents are unspecified.
   *
   * @param dtype the type of its elements
   * @param shape its shape
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if its size in bytes is not below 2<sup>63</sup>
   * @throws MemoryLimitExceededException if a limit would be passed
   * @throws OutOfMemoryError if the system refuses memory
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public abstract Tensor empty(DType dtype, Shape shape);

  /**
   * A tensor whose contents are unspecified.
   *
   * @param dtype the type of its elements
   * @param dims its extents, none for rank 0
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if an extent is negative or the size in bytes is not below
   *     2<sup>63</sup>
   * @throws MemoryLimitExceededException if a limit would be passed
   * @throws OutOfMemoryError if the system refuses memory
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public Tensor empty(DType dtype, long... dims) {
    return empty(dtype, Shape.of(dims));
  }

  /**
   * A tensor of zeros. Errors as {@link #empty(DType, Shape)}.
   *
   * @param dtype the type of its elements
   * @param shape its shape
   * @return a tensor of the innermost open scope
   */
  public Tensor zeros(DType dtype, Shape shape) {
    Tensor tensor = empty(dtype, shape);
    Bulk.zero(tensor);
    return tensor;
  }

  /**
   * A tensor of zeros. Errors as {@link #empty(DType, long...)}.
   *
   * @param dtype the type of its elements
   * @param dims its extents, none for rank 0
   * @return a tensor of the innermost open scope
   */
  public Tensor zeros(DType dtype, long... dims) {
    return zeros(dtype, Shape.of(dims));
  }

  /**
   * A rank-1 {@link DType#FLOAT32} tensor with a copy of the values.
   *
   * @param values what it contains; none give an empty tensor
   * @return a tensor of the innermost open scope
   * @throws MemoryLimitExceededException if a limit would be passed
   * @throws OutOfMemoryError if the system refuses memory
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public Tensor allocSlice(float... values) {
    return allocSlice(values, 0, values.length);
  }

  /**
   * A rank-1 {@link DType#FLOAT32} tensor with a copy of a part of an array. Errors as {@link
   * #allocSlice(float...)}.
   *
   * @param values the array
   * @param offset where the part begins
   * @param length how many values to copy
   * @return a tensor of the innermost open scope
   * @throws IndexOutOfBoundsException if the part is not in the array
   */
  public Tensor allocSlice(float[] values, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, values.length);
    Tensor tensor = empty(DType.FLOAT32, Shape.of(length));
    ArrayCopies.put(tensor.window, tensor.offset, values, offset, length);
    return tensor;
  }

  /**
   * A rank-1 {@link DType#FLOAT32} tensor with a copy of a buffer's values from its position to its
   * limit, in native byte order whatever the buffer's; its position is unmoved. Errors as {@link
   * #allocSlice(float...)}.
   *
   * @param values the buffer
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(FloatBuffer values) {
    Tensor tensor = empty(DType.FLOAT32, Shape.of(values.remaining()));
    tensor.window.floatsAt(tensor.offset, values.remaining()).put(values.duplicate());
    return tensor;
  }

  /**
   * A {@link DType#FLOAT32} tensor with a copy of the values. Errors as {@link
   * #allocSlice(float...)}.
   *
   * @param shape the shape
   * @param values its elements in row-major order
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  public Tensor copyOf(Shape shape, float... values) {
    checkLength(shape, values.length);
    Tensor tensor = empty(DType.FLOAT32, shape);
    ArrayCopies.put(tensor.window, tensor.offset, values, 0, values.length);
    return tensor;
  }

  /**
   * A {@link DType#FLOAT32} tensor of rank 0. Errors as {@link #allocSlice(float...)}.
   *
   * @param value its element
   * @return a tensor of the innermost open scope
   */
  public Tensor allocTemp(float value) {
    Tensor tensor = empty(DType.FLOAT32, Shape.scalar());
    tensor.setFloatAt(0, value);
    return tensor;
  }

  /**
   * A rank-1 {@link DType#FLOAT64} tensor with a copy of the values. Errors as {@link
   * #allocSlice(float...)}.
   *
   * @param values what it contains; none give an empty tensor
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(double... values) {
    return allocSlice(values, 0, values.length);
  }

  /**
   * A rank-1 {@link DType#FLOAT64} tensor with a copy of a part of an array. Errors as {@link
   * #allocSlice(double...)}.
   *
   * @param values the array
   * @param offset where the part begins
   * @param length how many values to copy
   * @return a tensor of the innermost open scope
   * @throws IndexOutOfBoundsException if the part is not in the array
   */
  public Tensor allocSlice(double[] values, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, values.length);
    Tensor tensor = empty(DType.FLOAT64, Shape.of(length));
    ArrayCopies.put(tensor.window, tensor.offset, values, offset, length);
    return tensor;
  }

  /**
   * A rank-1 {@link DType#FLOAT64} tensor with a copy of a buffer's values from its position to its
   * limit, in native byte order whatever the buffer's; its position is unmoved. Errors as {@link
   * #allocSlice(double...)}.
   *
   * @param values the buffer
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(DoubleBuffer values) {
    Tensor tensor = empty(DType.FLOAT64, Shape.of(values.remaining()));
    tensor.window.doublesAt(tensor.offset, values.remaining()).put(values.duplicate());
    return tensor;
  }

  /**
   * A {@link DType#FLOAT64} tensor with a copy of the values. Errors as {@link
   * #allocSlice(double...)}.
   *
   * @param shape the shape
   * @param values its elements in row-major order
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  public Tensor copyOf(Shape shape, double... values) {
    checkLength(shape, values.length);
    Tensor tensor = empty(DType.FLOAT64, shape);
    ArrayCopies.put(tensor.window, tensor.offset, values, 0, values.length);
    return tensor;
  }

  /**
   * A {@link DType#FLOAT64} tensor of rank 0. Errors as {@link #allocSlice(double...)}.
   *
   * @param value its element
   * @return a tensor of the innermost open scope
   */
  public Tensor allocTemp(double value) {
    Tensor tensor = empty(DType.FLOAT64, Shape.scalar());
    tensor.setDoubleAt(0, value);
    return tensor;
  }

  /**
   * A rank-1 {@link DType#INT64} tensor with a copy of the values. Errors as {@link
   * #allocSlice(float...)}.
   *
   * @param values what it contains; none give an empty tensor
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(long... values) {
    return allocSlice(values, 0, values.length);
  }

  /**
   * A rank-1 {@link DType#INT64} tensor with a copy of a part of an array. Errors as {@link
   * #allocSlice(long...)}.
   *
   * @param values the array
   * @param offset where the part begins
   * @param length how many values to copy
   * @return a tensor of the innermost open scope
   * @throws IndexOutOfBoundsException if the part is not in the array
   */
  public Tensor allocSlice(long[] values, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, values.length);
    Tensor tensor = empty(DType.INT64, Shape.of(length));
    ArrayCopies.put(tensor.window, tensor.offset, values, offset, length);
    return tensor;
  }

  /**
   * A rank-1 {@link DType#INT64} tensor with a copy of a buffer's values from its position to its
   * limit, in native byte order whatever the buffer's; its position is unmoved. Errors as {@link
   * #allocSlice(long...)}.
   *
   * @param values the buffer
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(LongBuffer values) {
    Tensor tensor = empty(DType.INT64, Shape.of(values.remaining()));
    tensor.window.longsAt(tensor.offset, values.remaining()).put(values.duplicate());
    return tensor;
  }

  /**
   * A {@link DType#INT64} tensor with a copy of the values. Errors as {@link #allocSlice(long...)}.
   *
   * @param shape the shape
   * @param values its elements in row-major order
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  public Tensor copyOf(Shape shape, long... values) {
    checkLength(shape, values.length);
    Tensor tensor = empty(DType.INT64, shape);
    ArrayCopies.put(tensor.window, tensor.offset, values, 0, values.length);
    return tensor;
  }

  /**
   * A {@link DType#INT64} tensor of rank 0. Errors as {@link #allocSlice(long...)}.
   *
   * @param value its element
   * @return a tensor of the innermost open scope
   */
  public Tensor allocTemp(long value) {
    Tensor tensor = empty(DType.INT64, Shape.scalar());
    tensor.setLongAt(0, value);
    return tensor;
  }

  /**
   * A rank-1 {@link DType#INT32} tensor with a copy of the values. Errors as {@link
   * #allocSlice(float...)}.
   *
   * @param values what it contains; none give an empty tensor
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(int... values) {
    return allocSlice(values, 0, values.length);
  }

  /**
   * A rank-1 {@link DType#INT32} tensor with a copy of a part of an array. Errors as {@link
   * #allocSlice(int...)}.
   *
   * @param values the array
   * @param offset where the part begins
   * @param length how many values to copy
   * @return a tensor of the innermost open scope
   * @throws IndexOutOfBoundsException if the part is not in the array
   */
  public Tensor allocSlice(int[] values, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, values.length);
    Tensor tensor = empty(DType.INT32, Shape.of(length));
    ArrayCopies.put(tensor.window, tensor.offset, values, offset, length);
    return tensor;
  }

  /**
   * A rank-1 {@link DType#INT32} tensor with a copy of a buffer's values from its position to its
   * limit, in native byte order whatever the buffer's; its position is unmoved. Errors as {@link
   * #allocSlice(int...)}.
   *
   * @param values the buffer
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(IntBuffer values) {
    Tensor tensor = empty(DType.INT32, Shape.of(values.remaining()));
    tensor.window.intsAt(tensor.offset, values.remaining()).put(values.duplicate());
    return tensor;
  }

  /**
   * A {@link DType#INT32} tensor with a copy of the values. Errors as {@link #allocSlice(int...)}.
   *
   * @param shape the shape
   * @param values its elements in row-major order
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  public Tensor copyOf(Shape shape, int... values) {
    checkLength(shape, values.length);
    Tensor tensor = empty(DType.INT32, shape);
    ArrayCopies.put(tensor.window, tensor.offset, values, 0, values.length);
    return tensor;
  }

  /**
   * A {@link DType#INT32} tensor of rank 0. Errors as {@link #allocSlice(int...)}.
   *
   * @param value its element
   * @return a tensor of the innermost open scope
   */
  public Tensor allocTemp(int value) {
    Tensor tensor = empty(DType.INT32, Shape.scalar());
    tensor.setIntAt(0, value);
    return tensor;
  }

  /**
   * A rank-1 {@link DType#INT16} tensor with a copy of the values. Errors as {@link
   * #allocSlice(float...)}.
   *
   * @param values what it contains; none give an empty tensor
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(short... values) {
    return allocSlice(values, 0, values.length);
  }

  /**
   * A rank-1 {@link DType#INT16} tensor with a copy of a part of an array. Errors as {@link
   * #allocSlice(short...)}.
   *
   * @param values the array
   * @param offset where the part begins
   * @param length how many values to copy
   * @return a tensor of the innermost open scope
   * @throws IndexOutOfBoundsException if the part is not in the array
   */
  public Tensor allocSlice(short[] values, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, values.length);
    Tensor tensor = empty(DType.INT16, Shape.of(length));
    ArrayCopies.put(tensor.window, tensor.offset, values, offset, length);
    return tensor;
  }

  /**
   * A rank-1 {@link DType#INT16} tensor with a copy of a buffer's values from its position to its
   * limit, in native byte order whatever the buffer's; its position is unmoved. Errors as {@link
   * #allocSlice(short...)}.
   *
   * @param values the buffer
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(ShortBuffer values) {
    Tensor tensor = empty(DType.INT16, Shape.of(values.remaining()));
    tensor.window.shortsAt(tensor.offset, values.remaining()).put(values.duplicate());
    return tensor;
  }

  /**
   * A {@link DType#INT16} tensor with a copy of the values. Errors as {@link
   * #allocSlice(short...)}.
   *
   * @param shape the shape
   * @param values its elements in row-major order
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  public Tensor copyOf(Shape shape, short... values) {
    checkLength(shape, values.length);
    Tensor tensor = empty(DType.INT16, shape);
    ArrayCopies.put(tensor.window, tensor.offset, values, 0, values.length);
    return tensor;
  }

  /**
   * A rank-1 {@link DType#INT8} tensor with a copy of the values. Errors as {@link
   * #allocSlice(float...)}.
   *
   * @param values what it contains; none give an empty tensor
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(byte... values) {
    return allocSlice(values, 0, values.length);
  }

  /**
   * A rank-1 {@link DType#INT8} tensor with a copy of a part of an array. Errors as {@link
   * #allocSlice(byte...)}.
   *
   * @param values the array
   * @param offset where the part begins
   * @param length how many values to copy
   * @return a tensor of the innermost open scope
   * @throws IndexOutOfBoundsException if the part is not in the array
   */
  public Tensor allocSlice(byte[] values, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, values.length);
    Tensor tensor = empty(DType.INT8, Shape.of(length));
    ArrayCopies.put(tensor.window, tensor.offset, values, offset, length);
    return tensor;
  }

  /**
   * A rank-1 {@link DType#INT8} tensor with a copy of a buffer's values from its position to its
   * limit, in native byte order whatever the buffer's; its position is unmoved. Errors as {@link
   * #allocSlice(byte...)}.
   *
   * @param values the buffer
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(ByteBuffer values) {
    Tensor tensor = empty(DType.INT8, Shape.of(values.remaining()));
    tensor.window.bytesAt(tensor.offset, values.remaining()).put(values.duplicate());
    return tensor;
  }

  /**
   * A {@link DType#INT8} tensor with a copy of the values. Errors as {@link #allocSlice(byte...)}.
   *
   * @param shape the shape
   * @param values its elements in row-major order
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  public Tensor copyOf(Shape shape, byte... values) {
    checkLength(shape, values.length);
    Tensor tensor = empty(DType.INT8, shape);
    ArrayCopies.put(tensor.window, tensor.offset, values, 0, values.length);
    return tensor;
  }

  private static void checkLength(Shape shape, int length) {
    if (shape.numElements() != length) {
      throw new IllegalArgumentException(
          length
              + " values for shape "
              + shape
              + ", which has "
              + shape.numElements()
              + " elements");
    }
  }
}
