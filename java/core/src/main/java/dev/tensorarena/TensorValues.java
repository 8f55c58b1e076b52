package dev.tensorarena;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;

/**
 * The access to all of a {@link Tensor}'s elements at once: raw views, arrays, filling, comparing.
 *
 * <p>Every method throws {@link IllegalStateException} for a dead tensor, on the wrong thread, for
 * writes to a frozen tensor, and for more than 2 GiB, which need segments; {@link
 * IllegalArgumentException} for a tensor of another type or length.
 *
 * <p><b>Raw views</b> ({@code asFloatBuffer} and its kin) copy nothing, have position 0 and native
 * byte order, and are read-only if the tensor is frozen at that moment. They are valid until the
 * tensor's scope ends or its shared handle is released. Afterwards they still cannot crash the JVM,
 * but their bytes are unspecified and may be another tensor's: {@code -Dtensorarena.quarantine}
 * helps to find such uses. A writable view taken before the first {@code share()} stays writable:
 * writing through it while others read is the one data race that the library cannot prevent. Loops
 * over existing memory are fastest in blocks: {@code view.get(i, block)} into a local array of some
 * thousand elements, computed there, and put back; or with the Vector API on segments.
 */
public abstract sealed class TensorValues extends TensorElements permits Tensor {
  TensorValues(
      Window window,
      int offset,
      int length,
      DType dtype,
      Shape shape,
      long[] strides,
      Tensor origin,
      Scope scope) {
    super(window, offset, length, dtype, shape, strides, origin, scope);
  }

  // ---- raw views

  /**
   * The bytes of a contiguous tensor of any type.
   *
   * @return a view
   * @throws IllegalStateException also for a strided view: {@code contiguous(ctx)} gives one
   *     without gaps
   */
  public final ByteBuffer asByteBuffer() {
    Object living = useRaw(true, "bytes");
    ByteBuffer view = window.bytesAt(offset, length << dtype.shift);
    Reference.reachabilityFence(living);
    return isFrozen() ? view.asReadOnlyBuffer().order(ByteOrder.nativeOrder()) : view;
  }

  /**
   * The elements of a contiguous tensor of {@link DType#FLOAT32}.
   *
   * @return a view
   * @throws IllegalStateException also for a strided view
   */
  public final FloatBuffer asFloatBuffer() {
    Object living = useRaw(dtype == DType.FLOAT32, "FloatBuffer");
    FloatBuffer view = window.floatsAt(offset, length);
    Reference.reachabilityFence(living);
    return isFrozen() ? view.asReadOnlyBuffer() : view;
  }

  /**
   * The elements of a contiguous tensor of {@link DType#FLOAT64}.
   *
   * @return a view
   * @throws IllegalStateException also for a strided view
   */
  public final DoubleBuffer asDoubleBuffer() {
    Object living = useRaw(dtype == DType.FLOAT64, "DoubleBuffer");
    DoubleBuffer view = window.doublesAt(offset, length);
    Reference.reachabilityFence(living);
    return isFrozen() ? view.asReadOnlyBuffer() : view;
  }

  /**
   * The elements of a contiguous tensor of {@link DType#INT64}.
   *
   * @return a view
   * @throws IllegalStateException also for a strided view
   */
  public final LongBuffer asLongBuffer() {
    Object living = useRaw(dtype == DType.INT64, "LongBuffer");
    LongBuffer view = window.longsAt(offset, length);
    Reference.reachabilityFence(living);
    return isFrozen() ? view.asReadOnlyBuffer() : view;
  }

  /**
   * The elements of a contiguous tensor of {@link DType#INT32}.
   *
   * @return a view
   * @throws IllegalStateException also for a strided view
   */
  public final IntBuffer asIntBuffer() {
    Object living = useRaw(dtype == DType.INT32, "IntBuffer");
    IntBuffer view = window.intsAt(offset, length);
    Reference.reachabilityFence(living);
    return isFrozen() ? view.asReadOnlyBuffer() : view;
  }

  /**
   * The elements of a contiguous tensor of {@link DType#INT16}, or the bits of {@link
   * DType#FLOAT16} or {@link DType#BFLOAT16}.
   *
   * @return a view
   * @throws IllegalStateException also for a strided view
   */
  public final ShortBuffer asShortBuffer() {
    Object living = useRaw(dtype == DType.INT16 || dtype.isHalf(), "ShortBuffer");
    ShortBuffer view = window.shortsAt(offset, length);
    Reference.reachabilityFence(living);
    return isFrozen() ? view.asReadOnlyBuffer() : view;
  }

  private Object useRaw(boolean matches, String asked) {
    Object living = use();
    require(matches, asked);
    requireGapless();
    requireReach();
    origin().expose();
    return living;
  }

  final void requireGapless() {
    if (strides != null) {
      throw new IllegalStateException(
          describe()
              + " is a strided view, whose elements do not lie in a row; contiguous(ctx) gives"
              + " a tensor whose elements do");
    }
  }

  final void requireReach() {
    if (length == 0 && shape.numElements() != 0) {
      throw pastReach();
    }
  }

  // ---- arrays

  /**
   * The elements of a tensor of {@link DType#FLOAT32}, {@link DType#FLOAT16} or {@link
   * DType#BFLOAT16} in row-major order.
   *
   * @return a new array
   */
  public final float[] toFloatArray() {
    Object living = use();
    require(dtype == DType.FLOAT32 || dtype.isHalf(), "float");
    float[] values = new float[arrayLength()];
    if (strides == null && dtype == DType.FLOAT32) {
      ArrayCopies.get(window, offset, values, 0, values.length);
    } else {
      for (int i = 0; i < values.length; i++) {
        values[i] = readFloat(living, place(i));
      }
    }
    Reference.reachabilityFence(living);
    return values;
  }

  /**
   * Sets all elements of a tensor of {@link DType#FLOAT32}, {@link DType#FLOAT16} or {@link
   * DType#BFLOAT16}.
   *
   * @param source as many values as the tensor has, in row-major order
   * @return this tensor
   */
  public final Tensor copyFrom(float[] source) {
    Object living = useToWrite();
    require(dtype == DType.FLOAT32 || dtype.isHalf(), "float");
    requireLength(source.length);
    if (strides == null && dtype == DType.FLOAT32) {
      ArrayCopies.put(window, offset, source, 0, source.length);
    } else {
      for (int i = 0; i < source.length; i++) {
        writeFloat(living, place(i), source[i]);
      }
    }
    Reference.reachabilityFence(living);
    return (Tensor) this;
  }

  /**
   * The elements of a tensor of {@link DType#FLOAT64} in row-major order.
   *
   * @return a new array
   */
  public final double[] toDoubleArray() {
    Object living = use();
    require(dtype == DType.FLOAT64, "double");
    double[] values = new double[arrayLength()];
    if (strides == null) {
      ArrayCopies.get(window, offset, values, 0, values.length);
    } else {
      for (int i = 0; i < values.length; i++) {
        values[i] = readDouble(living, place(i));
      }
    }
    Reference.reachabilityFence(living);
    return values;
  }

  /**
   * Sets all elements of a tensor of {@link DType#FLOAT64}.
   *
   * @param source as many values as the tensor has, in row-major order
   * @return this tensor
   */
  public final Tensor copyFrom(double[] source) {
    Object living = useToWrite();
    require(dtype == DType.FLOAT64, "double");
    requireLength(source.length);
    if (strides == null) {
      ArrayCopies.put(window, offset, source, 0, source.length);
    } else {
      for (int i = 0; i < source.length; i++) {
        writeDouble(living, place(i), source[i]);
      }
    }
    Reference.reachabilityFence(living);
    return (Tensor) this;
  }

  /**
   * The elements of a tensor of {@link DType#INT64} in row-major order.
   *
   * @return a new array
   */
  public final long[] toLongArray() {
    Object living = use();
    require(dtype == DType.INT64, "long");
    long[] values = new long[arrayLength()];
    if (strides == null) {
      ArrayCopies.get(window, offset, values, 0, values.length);
    } else {
      for (int i = 0; i < values.length; i++) {
        values[i] = readLong(living, place(i));
      }
    }
    Reference.reachabilityFence(living);
    return values;
  }

  /**
   * Sets all elements of a tensor of {@link DType#INT64}.
   *
   * @param source as many values as the tensor has, in row-major order
   * @return this tensor
   */
  public final Tensor copyFrom(long[] source) {
    Object living = useToWrite();
    require(dtype == DType.INT64, "long");
    requireLength(source.length);
    if (strides == null) {
      ArrayCopies.put(window, offset, source, 0, source.length);
    } else {
      for (int i = 0; i < source.length; i++) {
        writeLong(living, place(i), source[i]);
      }
    }
    Reference.reachabilityFence(living);
    return (Tensor) this;
  }

  /**
   * The elements of a tensor of {@link DType#INT32} in row-major order.
   *
   * @return a new array
   */
  public final int[] toIntArray() {
    Object living = use();
    require(dtype == DType.INT32, "int");
    int[] values = new int[arrayLength()];
    if (strides == null) {
      ArrayCopies.get(window, offset, values, 0, values.length);
    } else {
      for (int i = 0; i < values.length; i++) {
        values[i] = readInt(living, place(i));
      }
    }
    Reference.reachabilityFence(living);
    return values;
  }

  /**
   * Sets all elements of a tensor of {@link DType#INT32}.
   *
   * @param source as many values as the tensor has, in row-major order
   * @return this tensor
   */
  public final Tensor copyFrom(int[] source) {
    Object living = useToWrite();
    require(dtype == DType.INT32, "int");
    requireLength(source.length);
    if (strides == null) {
      ArrayCopies.put(window, offset, source, 0, source.length);
    } else {
      for (int i = 0; i < source.length; i++) {
        writeInt(living, place(i), source[i]);
      }
    }
    Reference.reachabilityFence(living);
    return (Tensor) this;
  }

  /**
   * The elements of a tensor of {@link DType#INT16} in row-major order.
   *
   * @return a new array
   */
  public final short[] toShortArray() {
    Object living = use();
    require(dtype == DType.INT16, "short");
    short[] values = new short[arrayLength()];
    if (strides == null) {
      ArrayCopies.get(window, offset, values, 0, values.length);
    } else {
      for (int i = 0; i < values.length; i++) {
        values[i] = readShort(living, place(i));
      }
    }
    Reference.reachabilityFence(living);
    return values;
  }

  /**
   * Sets all elements of a tensor of {@link DType#INT16}.
   *
   * @param source as many values as the tensor has, in row-major order
   * @return this tensor
   */
  public final Tensor copyFrom(short[] source) {
    Object living = useToWrite();
    require(dtype == DType.INT16, "short");
    requireLength(source.length);
    if (strides == null) {
      ArrayCopies.put(window, offset, source, 0, source.length);
    } else {
      for (int i = 0; i < source.length; i++) {
        writeShort(living, place(i), source[i]);
      }
    }
    Reference.reachabilityFence(living);
    return (Tensor) this;
  }

  /**
   * The elements of a tensor of {@link DType#INT8} or {@link DType#UINT8} in row-major order.
   *
   * @return a new array
   */
  public final byte[] toByteArray() {
    Object living = use();
    require(dtype == DType.INT8 || dtype == DType.UINT8, "byte");
    byte[] values = new byte[arrayLength()];
    if (strides == null) {
      ArrayCopies.get(window, offset, values, 0, values.length);
    } else {
      for (int i = 0; i < values.length; i++) {
        values[i] = readByte(living, place(i));
      }
    }
    Reference.reachabilityFence(living);
    return values;
  }

  /**
   * Sets all elements of a tensor of {@link DType#INT8} or {@link DType#UINT8}.
   *
   * @param source as many values as the tensor has, in row-major order
   * @return this tensor
   */
  public final Tensor copyFrom(byte[] source) {
    Object living = useToWrite();
    require(dtype == DType.INT8 || dtype == DType.UINT8, "byte");
    requireLength(source.length);
    if (strides == null) {
      ArrayCopies.put(window, offset, source, 0, source.length);
    } else {
      for (int i = 0; i < source.length; i++) {
        writeByte(living, place(i), source[i]);
      }
    }
    Reference.reachabilityFence(living);
    return (Tensor) this;
  }

  /**
   * The elements of a tensor of {@link DType#BOOL} in row-major order.
   *
   * @return a new array
   */
  public final boolean[] toBooleanArray() {
    Object living = use();
    require(dtype == DType.BOOL, "boolean");
    boolean[] values = new boolean[arrayLength()];
    for (int i = 0; i < values.length; i++) {
      values[i] = readBoolean(living, place(i));
    }
    Reference.reachabilityFence(living);
    return values;
  }

  /**
   * Sets all elements of a tensor of {@link DType#BOOL}.
   *
   * @param source as many values as the tensor has, in row-major order
   * @return this tensor
   */
  public final Tensor copyFrom(boolean[] source) {
    Object living = useToWrite();
    require(dtype == DType.BOOL, "boolean");
    requireLength(source.length);
    for (int i = 0; i < source.length; i++) {
      writeBoolean(living, place(i), source[i]);
    }
    Reference.reachabilityFence(living);
    return (Tensor) this;
  }

  private int arrayLength() {
    requireReach();
    if (length > Integer.MAX_VALUE - 8) {
      throw new IllegalStateException(
          describe() + " has " + length + " elements, more than an array can have");
    }
    return length;
  }

  private void requireLength(int given) {
    if (given != shape.numElements()) {
      throw new IllegalArgumentException(given + " values for a " + describe());
    }
    requireReach();
  }

  /**
   * Copies the elements of another tensor of the same type and shape, in whatever order either
   * lies.
   *
   * @param source where to copy from; may overlap with this one
   * @return this tensor
   */
  public final Tensor copyFrom(Tensor source) {
    Object living = useToWrite();
    Object sourceLiving = source.use();
    requireSame(source);
    Bulk.copy(source, (Tensor) this);
    Reference.reachabilityFence(living);
    Reference.reachabilityFence(sourceLiving);
    return (Tensor) this;
  }

  // ---- filling

  /**
   * Sets all elements of a tensor of any float type.
   *
   * @param value the value, rounded if the type is narrower
   * @return this tensor
   */
  public final Tensor fill(float value) {
    Object living = useToWrite();
    switch (dtype) {
      case FLOAT32:
        return fillBits(living, Float.floatToRawIntBits(value));
      case FLOAT64:
        return fillBits(living, Double.doubleToRawLongBits(value));
      default:
        require(dtype.isHalf(), "float");
        return fillBits(living, HalfFloats.fromFloat(dtype, value));
    }
  }

  /**
   * Sets all elements of a tensor of {@link DType#FLOAT64}.
   *
   * @param value the value
   * @return this tensor
   */
  public final Tensor fill(double value) {
    Object living = useToWrite();
    require(dtype == DType.FLOAT64, "double");
    return fillBits(living, Double.doubleToRawLongBits(value));
  }

  /**
   * Sets all elements of a tensor of any integer type.
   *
   * @param value the value
   * @return this tensor
   * @throws IllegalArgumentException also if the type does not hold the value
   */
  public final Tensor fill(long value) {
    Object living = useToWrite();
    long least;
    long most;
    switch (dtype) {
      case INT64:
      case INT32:
      case INT16:
      case INT8:
        most = Long.MAX_VALUE >> 64 - (8 << dtype.shift);
        least = -most - 1;
        break;
      case UINT8:
        most = 255;
        least = 0;
        break;
      default:
        throw new IllegalArgumentException(
            describe() + " cannot be filled with the integer " + value);
    }
    if (value < least || value > most) {
      throw new IllegalArgumentException(value + " does not fit an element of " + dtype);
    }
    return fillBits(living, value);
  }

  /**
   * Sets all elements of a tensor of any number type, so that {@code fill(0)} means what it says.
   *
   * @param value the value
   * @return this tensor
   * @throws IllegalArgumentException also if the type does not hold the value
   */
  public final Tensor fill(int value) {
    switch (dtype) {
      case FLOAT64:
        return fill((double) value);
      case FLOAT32:
      case FLOAT16:
      case BFLOAT16:
        return fill((float) value);
      default:
        return fill((long) value);
    }
  }

  /**
   * Sets all elements of a tensor of {@link DType#BOOL}.
   *
   * @param value the value
   * @return this tensor
   */
  public final Tensor fill(boolean value) {
    Object living = useToWrite();
    require(dtype == DType.BOOL, "boolean");
    return fillBits(living, value ? 1 : 0);
  }

  private Tensor fillBits(Object living, long bits) {
    requireReach();
    Bulk.fill((Tensor) this, bits);
    Reference.reachabilityFence(living);
    return (Tensor) this;
  }

  // ---- comparing

  /**
   * Whether another tensor has the same type, the same shape and the same bits.
   *
   * @param other may be strided otherwise
   * @return true if so
   */
  public final boolean contentEquals(Tensor other) {
    use();
    other.use();
    return dtype == other.dtype && shape.equals(other.shape) && mismatch(other) < 0;
  }

  /**
   * The row-major index of the first element whose bits differ from the other tensor's.
   *
   * @param other a tensor of the same type and shape
   * @return the index, or -1 if there is none
   */
  public final long mismatch(Tensor other) {
    Object living = use();
    Object otherLiving = other.use();
    requireSame(other);
    long index = Bulk.mismatch((Tensor) this, other);
    Reference.reachabilityFence(living);
    Reference.reachabilityFence(otherLiving);
    return index;
  }

  private void requireSame(Tensor other) {
    if (dtype != other.dtype || !shape.equals(other.shape)) {
      throw new IllegalArgumentException(
          "a " + describe() + " does not match a " + other.describe());
    }
  }
}
