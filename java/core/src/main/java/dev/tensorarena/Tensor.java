package dev.tensorarena;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.Function;

/**
 * An n-dimensional array in native memory: a type, a shape and an address. The handle is a small
 * object of the Java heap; the bytes are the arena's.
 *
 * <p><b>Lifetime.</b> A tensor made by an {@link ExecutionContext} dies when its {@link Scope} ends
 * or when the context is reset or closed. A {@link SharedTensor} lives until it is closed, and a
 * view lives as long as the tensor that it was made from. Every method of a dead tensor throws
 * {@link IllegalStateException} and says what ended it, except {@code dtype}, {@code shape}, {@code
 * isAlive}, {@code tryShare}, {@code toString}, {@code equals} and {@code hashCode}.
 *
 * <p><b>Threads.</b> A tensor that is not shared may be used only by its context's thread; on any
 * other its methods throw {@link IllegalStateException}. To use it elsewhere, {@link #share()} it
 * and hand over the shared handle.
 *
 * <p><b>Freezing.</b> From the first {@code share()} on, the elements cannot be written: setters
 * throw and new raw views are read-only, also after all shared handles are closed. Only {@link
 * #mutable} gives a writable tensor again.
 *
 * <p><b>Parts.</b> {@link #split} gives parts to other threads, each of which writes its own. While
 * any is open the tensor is frozen.
 *
 * <p><b>Elements</b> are read and written by row-major index ({@code getFloatAt}), or by one index
 * for each axis ({@code getFloat}). These methods throw {@link IllegalStateException} when a frozen
 * tensor is to be written, and for a tensor that spans 2 GiB or more, whose elements only segments
 * reach ({@code Segments.of} in the module {@code dev.tensorarena.ffm}); {@link
 * IllegalArgumentException} for a tensor of another type or with another number of axes; {@link
 * IndexOutOfBoundsException} for an index out of range.
 *
 * <p><b>Raw views</b> ({@code asFloatBuffer} and the like) copy nothing, have position 0 and native
 * byte order, and are read-only if the tensor is frozen at that moment. They are valid until the
 * tensor's scope ends or its shared handle is closed. Using one afterwards cannot crash the JVM,
 * but its bytes are unspecified then and may be another tensor's; {@code -Dtensorarena.quarantine}
 * helps to find such uses. A writable view taken before the first {@code share()} stays writable:
 * writing through it while others read is the one data race that the library cannot prevent.
 *
 * <p>A loop over one view of floats or doubles, in place, is as fast as over an array if the JIT
 * knows its bound: {@code Math.min(view.limit(), Integer.MAX_VALUE / Float.BYTES)}, or for doubles
 * with {@code Double.BYTES}. Over two views it is not: copy first and compute in place, call BLAS
 * (the module tensorarena-blas), pass blocks through a local array of some thousand elements, or
 * use the Vector API on segments (the module tensorarena-ffm).
 *
 * <p><b>All elements at once</b> are copied to and from arrays ({@code toFloatArray}, {@code
 * copyFrom}), filled and compared. These methods throw {@link IllegalStateException} when a frozen
 * tensor is to be written and, like raw views, for a tensor that spans 2 GiB or more, which needs
 * segments; only copying from one contiguous tensor to another has no such bound. They throw {@link
 * IllegalArgumentException} for a tensor of another type or length.
 *
 * <p>Two handles are equal only if they are the same object; {@link #contentEquals} compares
 * contents.
 */
public sealed class Tensor extends TensorState permits SharedTensor {

  /** Makes the handle of a new allocation; the size is in bytes. */
  Tensor(Window window, int offset, long bytes, DType dtype, Shape shape, Scope scope) {
    super(
        window,
        offset,
        bytes <= Integer.MAX_VALUE ? (int) shape.numElements() : 0,
        dtype,
        shape,
        null,
        null,
        scope);
  }

  /** Makes a view of another tensor. */
  private Tensor(
      Window window, int offset, int length, Shape shape, long[] strides, Tensor source) {
    super(window, offset, length, source.dtype, shape, strides, source.origin(), source.scope);
  }

  /** Makes another handle of the same elements, which dies with a scope. */
  Tensor(Tensor source, Scope scope) {
    super(
        source.window,
        source.offset,
        source.length,
        source.dtype,
        source.shape,
        source.strides,
        null,
        scope);
  }

  /** Makes another handle of the same elements, which lives until it is closed. */
  Tensor(Tensor source) {
    this(source, null);
  }

  // ---- description

  /**
   * Returns the type of the elements; works for a dead tensor, too.
   *
   * @return the type
   */
  public final DType dtype() {
    return dtype;
  }

  /**
   * Returns the extents of the axes; works for a dead tensor, too.
   *
   * @return the shape
   */
  public final Shape shape() {
    return shape;
  }

  /**
   * Returns whether the tensor can still be used by its own thread.
   *
   * @return false once its scope has ended, its shared handle was closed, or the memory that it
   *     wraps has gone away
   */
  public final boolean isAlive() {
    return (scope != null ? scope.owner != null : !((SharedTensor) origin()).isClosed())
        && !window.isGone();
  }

  /**
   * Returns the number of axes.
   *
   * @return 0 for a scalar
   */
  public final int rank() {
    use();
    return shape.rank();
  }

  /**
   * Returns the number of elements.
   *
   * @return the product of the extents
   */
  public final long size() {
    use();
    return shape.numElements();
  }

  /**
   * Returns the size of all elements together.
   *
   * @return bytes; the gaps of a strided view do not count
   */
  public final long byteSize() {
    use();
    return byteCount();
  }

  /**
   * Returns whether there are no elements.
   *
   * @return true if an extent is 0
   */
  public final boolean isEmpty() {
    use();
    return shape.numElements() == 0;
  }

  /**
   * Returns the distance between neighbouring elements on an axis.
   *
   * @param axis from 0 to {@code rank() - 1}
   * @return the distance, in elements
   * @throws IndexOutOfBoundsException if there is no such axis
   */
  public final long stride(int axis) {
    use();
    shape.dim(axis);
    return strides == null ? Strides.rowMajor(shape)[axis] : strides[axis];
  }

  /**
   * Returns whether the elements lie in row-major order without gaps.
   *
   * @return false for a strided view
   */
  public final boolean isContiguous() {
    use();
    return strides == null;
  }

  /**
   * Returns whether the elements can be written.
   *
   * @return false for a frozen tensor
   */
  public final boolean isWritable() {
    use();
    return !isFrozen();
  }

  /**
   * Returns the address of element 0, for native code. It is valid as long as the tensor is alive.
   *
   * @return an absolute address; in an arena a multiple of the element's size and not 0, also if
   *     the tensor is empty; over wrapped memory it is wherever that memory lies
   */
  public final long address() {
    use();
    expose();
    return start();
  }

  /**
   * Returns whether the bytes stay in place as long as somebody holds them: by this tensor's scope,
   * by a share or by a {@link TensorPin}. If not, native code should not be given their address.
   *
   * @return false only over wrapped memory that somebody else can end at any moment: a segment of
   *     an arena that can be closed, or a buffer of one
   */
  public final boolean isPinnable() {
    use();
    return window.isPinnable();
  }

  /**
   * Returns where the elements lie, how many bytes they have and whether they may be written, in
   * one answer. It is meant for code that hands tensors to native code, or that reads their bytes
   * by other means than a buffer. One call is faster than asking one by one, and the JIT can do
   * without the record if it does not leave the caller's method.
   *
   * @return address, size and state as they are now
   * @throws IllegalStateException also for a strided view, of which {@code contiguous(ctx)} gives a
   *     copy without gaps
   */
  public final TensorMemory memory() {
    use();
    requireGapless();
    expose();
    ForeignMemory wrapped = window.foreign == null ? null : window.foreign.memory;
    return new TensorMemory(start(), byteCount(), !isFrozen(), wrapped);
  }

  // ---- elements: float

  /**
   * Returns the element at a row-major index, in a tensor of {@link DType#FLOAT32}, {@link
   * DType#FLOAT16} or {@link DType#BFLOAT16}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @return the element
   */
  public final float getFloatAt(long flat) {
    return readFloat(use(), place(flat));
  }

  /**
   * Sets the element at a row-major index, in a tensor of {@link DType#FLOAT32}, {@link
   * DType#FLOAT16} or {@link DType#BFLOAT16}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @param value the new value
   */
  public final void setFloatAt(long flat, float value) {
    writeFloat(useToWrite(), place(flat), value);
  }

  /**
   * Returns the element of a tensor of rank 1.
   *
   * @param i its index
   * @return the element
   */
  public final float getFloat(long i) {
    return readFloat(use(), place1(i));
  }

  /**
   * Returns the element of a tensor of rank 2.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @return the element
   */
  public final float getFloat(long i, long j) {
    return readFloat(use(), place2(i, j));
  }

  /**
   * Returns the element of a tensor of rank 3.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @param k its index on axis 2
   * @return the element
   */
  public final float getFloat(long i, long j, long k) {
    return readFloat(use(), place3(i, j, k));
  }

  /**
   * Returns the element of a tensor of any rank.
   *
   * @param index as many indices as the tensor has axes
   * @return the element
   */
  public final float getFloat(long... index) {
    return readFloat(use(), placeOf(index));
  }

  /**
   * Sets the element of a tensor of any rank.
   *
   * @param value the new value
   * @param index as many indices as the tensor has axes
   */
  public final void setFloat(float value, long... index) {
    writeFloat(useToWrite(), placeOf(index), value);
  }

  // ---- elements: double

  /**
   * Returns the element at a row-major index, in a tensor of {@link DType#FLOAT64}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @return the element
   */
  public final double getDoubleAt(long flat) {
    return readDouble(use(), place(flat));
  }

  /**
   * Sets the element at a row-major index, in a tensor of {@link DType#FLOAT64}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @param value the new value
   */
  public final void setDoubleAt(long flat, double value) {
    writeDouble(useToWrite(), place(flat), value);
  }

  /**
   * Returns the element of a tensor of rank 1.
   *
   * @param i its index
   * @return the element
   */
  public final double getDouble(long i) {
    return readDouble(use(), place1(i));
  }

  /**
   * Returns the element of a tensor of rank 2.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @return the element
   */
  public final double getDouble(long i, long j) {
    return readDouble(use(), place2(i, j));
  }

  /**
   * Returns the element of a tensor of rank 3.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @param k its index on axis 2
   * @return the element
   */
  public final double getDouble(long i, long j, long k) {
    return readDouble(use(), place3(i, j, k));
  }

  /**
   * Returns the element of a tensor of any rank.
   *
   * @param index as many indices as the tensor has axes
   * @return the element
   */
  public final double getDouble(long... index) {
    return readDouble(use(), placeOf(index));
  }

  /**
   * Sets the element of a tensor of any rank.
   *
   * @param value the new value
   * @param index as many indices as the tensor has axes
   */
  public final void setDouble(double value, long... index) {
    writeDouble(useToWrite(), placeOf(index), value);
  }

  // ---- elements: long

  /**
   * Returns the element at a row-major index, in a tensor of {@link DType#INT64}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @return the element
   */
  public final long getLongAt(long flat) {
    return readLong(use(), place(flat));
  }

  /**
   * Sets the element at a row-major index, in a tensor of {@link DType#INT64}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @param value the new value
   */
  public final void setLongAt(long flat, long value) {
    writeLong(useToWrite(), place(flat), value);
  }

  /**
   * Returns the element of a tensor of rank 1.
   *
   * @param i its index
   * @return the element
   */
  public final long getLong(long i) {
    return readLong(use(), place1(i));
  }

  /**
   * Returns the element of a tensor of rank 2.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @return the element
   */
  public final long getLong(long i, long j) {
    return readLong(use(), place2(i, j));
  }

  /**
   * Returns the element of a tensor of rank 3.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @param k its index on axis 2
   * @return the element
   */
  public final long getLong(long i, long j, long k) {
    return readLong(use(), place3(i, j, k));
  }

  /**
   * Returns the element of a tensor of any rank.
   *
   * @param index as many indices as the tensor has axes
   * @return the element
   */
  public final long getLong(long... index) {
    return readLong(use(), placeOf(index));
  }

  /**
   * Sets the element of a tensor of any rank.
   *
   * @param value the new value
   * @param index as many indices as the tensor has axes
   */
  public final void setLong(long value, long... index) {
    writeLong(useToWrite(), placeOf(index), value);
  }

  // ---- elements: int

  /**
   * Returns the element at a row-major index, in a tensor of {@link DType#INT32}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @return the element
   */
  public final int getIntAt(long flat) {
    return readInt(use(), place(flat));
  }

  /**
   * Sets the element at a row-major index, in a tensor of {@link DType#INT32}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @param value the new value
   */
  public final void setIntAt(long flat, int value) {
    writeInt(useToWrite(), place(flat), value);
  }

  /**
   * Returns the element of a tensor of rank 1.
   *
   * @param i its index
   * @return the element
   */
  public final int getInt(long i) {
    return readInt(use(), place1(i));
  }

  /**
   * Returns the element of a tensor of rank 2.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @return the element
   */
  public final int getInt(long i, long j) {
    return readInt(use(), place2(i, j));
  }

  /**
   * Returns the element of a tensor of rank 3.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @param k its index on axis 2
   * @return the element
   */
  public final int getInt(long i, long j, long k) {
    return readInt(use(), place3(i, j, k));
  }

  /**
   * Returns the element of a tensor of any rank.
   *
   * @param index as many indices as the tensor has axes
   * @return the element
   */
  public final int getInt(long... index) {
    return readInt(use(), placeOf(index));
  }

  /**
   * Sets the element of a tensor of any rank.
   *
   * @param value the new value
   * @param index as many indices as the tensor has axes
   */
  public final void setInt(int value, long... index) {
    writeInt(useToWrite(), placeOf(index), value);
  }

  // ---- elements: short

  /**
   * Returns the element at a row-major index, in a tensor of {@link DType#INT16}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @return the element
   */
  public final short getShortAt(long flat) {
    return readShort(use(), place(flat));
  }

  /**
   * Sets the element at a row-major index, in a tensor of {@link DType#INT16}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @param value the new value
   */
  public final void setShortAt(long flat, short value) {
    writeShort(useToWrite(), place(flat), value);
  }

  /**
   * Returns the element of a tensor of rank 1.
   *
   * @param i its index
   * @return the element
   */
  public final short getShort(long i) {
    return readShort(use(), place1(i));
  }

  /**
   * Returns the element of a tensor of rank 2.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @return the element
   */
  public final short getShort(long i, long j) {
    return readShort(use(), place2(i, j));
  }

  /**
   * Returns the element of a tensor of rank 3.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @param k its index on axis 2
   * @return the element
   */
  public final short getShort(long i, long j, long k) {
    return readShort(use(), place3(i, j, k));
  }

  /**
   * Returns the element of a tensor of any rank.
   *
   * @param index as many indices as the tensor has axes
   * @return the element
   */
  public final short getShort(long... index) {
    return readShort(use(), placeOf(index));
  }

  /**
   * Sets the element of a tensor of any rank.
   *
   * @param value the new value
   * @param index as many indices as the tensor has axes
   */
  public final void setShort(short value, long... index) {
    writeShort(useToWrite(), placeOf(index), value);
  }

  // ---- elements: byte

  /**
   * Returns the element at a row-major index, in a tensor of {@link DType#INT8} or {@link
   * DType#UINT8}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @return the element
   */
  public final byte getByteAt(long flat) {
    return readByte(use(), place(flat));
  }

  /**
   * Sets the element at a row-major index, in a tensor of {@link DType#INT8} or {@link
   * DType#UINT8}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @param value the new value
   */
  public final void setByteAt(long flat, byte value) {
    writeByte(useToWrite(), place(flat), value);
  }

  /**
   * Returns the element of a tensor of rank 1.
   *
   * @param i its index
   * @return the element
   */
  public final byte getByte(long i) {
    return readByte(use(), place1(i));
  }

  /**
   * Returns the element of a tensor of rank 2.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @return the element
   */
  public final byte getByte(long i, long j) {
    return readByte(use(), place2(i, j));
  }

  /**
   * Returns the element of a tensor of rank 3.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @param k its index on axis 2
   * @return the element
   */
  public final byte getByte(long i, long j, long k) {
    return readByte(use(), place3(i, j, k));
  }

  /**
   * Returns the element of a tensor of any rank.
   *
   * @param index as many indices as the tensor has axes
   * @return the element
   */
  public final byte getByte(long... index) {
    return readByte(use(), placeOf(index));
  }

  /**
   * Sets the element of a tensor of any rank.
   *
   * @param value the new value
   * @param index as many indices as the tensor has axes
   */
  public final void setByte(byte value, long... index) {
    writeByte(useToWrite(), placeOf(index), value);
  }

  // ---- elements: boolean

  /**
   * Returns the element at a row-major index, in a tensor of {@link DType#BOOL}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @return the element
   */
  public final boolean getBooleanAt(long flat) {
    return readBoolean(use(), place(flat));
  }

  /**
   * Sets the element at a row-major index, in a tensor of {@link DType#BOOL}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @param value the new value
   */
  public final void setBooleanAt(long flat, boolean value) {
    writeBoolean(useToWrite(), place(flat), value);
  }

  /**
   * Returns the element of a tensor of rank 1.
   *
   * @param i its index
   * @return the element
   */
  public final boolean getBoolean(long i) {
    return readBoolean(use(), place1(i));
  }

  /**
   * Returns the element of a tensor of rank 2.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @return the element
   */
  public final boolean getBoolean(long i, long j) {
    return readBoolean(use(), place2(i, j));
  }

  /**
   * Returns the element of a tensor of rank 3.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @param k its index on axis 2
   * @return the element
   */
  public final boolean getBoolean(long i, long j, long k) {
    return readBoolean(use(), place3(i, j, k));
  }

  /**
   * Returns the element of a tensor of any rank.
   *
   * @param index as many indices as the tensor has axes
   * @return the element
   */
  public final boolean getBoolean(long... index) {
    return readBoolean(use(), placeOf(index));
  }

  /**
   * Sets the element of a tensor of any rank.
   *
   * @param value the new value
   * @param index as many indices as the tensor has axes
   */
  public final void setBoolean(boolean value, long... index) {
    writeBoolean(useToWrite(), placeOf(index), value);
  }

  // ---- raw views

  /**
   * Returns a view of the bytes of a contiguous tensor of any type.
   *
   * @return a view
   * @throws IllegalStateException also for a strided view, of which {@code contiguous(ctx)} gives a
   *     copy without gaps
   */
  public final ByteBuffer asByteBuffer() {
    Object living = useRaw(true, "bytes");
    ByteBuffer view = window.bytesAt(offset, length << dtype.shift);
    Reference.reachabilityFence(living);
    return isFrozen() ? view.asReadOnlyBuffer().order(ByteOrder.nativeOrder()) : view;
  }

  /**
   * Returns a view of the elements of a contiguous tensor of {@link DType#FLOAT32}.
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
   * Returns a view of the elements of a contiguous tensor of {@link DType#FLOAT64}.
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
   * Returns a view of the elements of a contiguous tensor of {@link DType#INT64}.
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
   * Returns a view of the elements of a contiguous tensor of {@link DType#INT32}.
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
   * Returns a view of the elements of a contiguous tensor of {@link DType#INT16}, or the bits of
   * {@link DType#FLOAT16} or {@link DType#BFLOAT16}.
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
    expose();
    window.expose();
    return living;
  }

  final void requireGapless() {
    if (strides != null) {
      throw new IllegalStateException(
          describe()
              + " is a strided view: its elements are not in row-major order without gaps;"
              + " contiguous(ctx) gives a tensor whose elements are");
    }
  }

  final void requireReach() {
    if (length == 0 && shape.numElements() != 0) {
      throw pastReach();
    }
  }

  // ---- arrays

  /**
   * Returns a copy of the elements of a tensor of {@link DType#FLOAT32}, {@link DType#FLOAT16} or
   * {@link DType#BFLOAT16} in row-major order.
   *
   * @return a new array
   */
  public final float[] toFloatArray() {
    Object living = use();
    require(dtype == DType.FLOAT32 || dtype.isHalf(), "float");
    float[] values = new float[arrayLength()];
    if (strides == null && dtype == DType.FLOAT32) {
      window.get(offset, values, 0, values.length);
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
      window.put(offset, source, 0, source.length);
    } else {
      for (int i = 0; i < source.length; i++) {
        writeFloat(living, place(i), source[i]);
      }
    }
    Reference.reachabilityFence(living);
    return this;
  }

  /**
   * Returns a copy of the elements of a tensor of {@link DType#FLOAT64} in row-major order.
   *
   * @return a new array
   */
  public final double[] toDoubleArray() {
    Object living = use();
    require(dtype == DType.FLOAT64, "double");
    double[] values = new double[arrayLength()];
    if (strides == null) {
      window.get(offset, values, 0, values.length);
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
      window.put(offset, source, 0, source.length);
    } else {
      for (int i = 0; i < source.length; i++) {
        writeDouble(living, place(i), source[i]);
      }
    }
    Reference.reachabilityFence(living);
    return this;
  }

  /**
   * Returns a copy of the elements of a tensor of {@link DType#INT64} in row-major order.
   *
   * @return a new array
   */
  public final long[] toLongArray() {
    Object living = use();
    require(dtype == DType.INT64, "long");
    long[] values = new long[arrayLength()];
    if (strides == null) {
      window.get(offset, values, 0, values.length);
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
      window.put(offset, source, 0, source.length);
    } else {
      for (int i = 0; i < source.length; i++) {
        writeLong(living, place(i), source[i]);
      }
    }
    Reference.reachabilityFence(living);
    return this;
  }

  /**
   * Returns a copy of the elements of a tensor of {@link DType#INT32} in row-major order.
   *
   * @return a new array
   */
  public final int[] toIntArray() {
    Object living = use();
    require(dtype == DType.INT32, "int");
    int[] values = new int[arrayLength()];
    if (strides == null) {
      window.get(offset, values, 0, values.length);
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
      window.put(offset, source, 0, source.length);
    } else {
      for (int i = 0; i < source.length; i++) {
        writeInt(living, place(i), source[i]);
      }
    }
    Reference.reachabilityFence(living);
    return this;
  }

  /**
   * Returns a copy of the elements of a tensor of {@link DType#INT16} in row-major order.
   *
   * @return a new array
   */
  public final short[] toShortArray() {
    Object living = use();
    require(dtype == DType.INT16, "short");
    short[] values = new short[arrayLength()];
    if (strides == null) {
      window.get(offset, values, 0, values.length);
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
      window.put(offset, source, 0, source.length);
    } else {
      for (int i = 0; i < source.length; i++) {
        writeShort(living, place(i), source[i]);
      }
    }
    Reference.reachabilityFence(living);
    return this;
  }

  /**
   * Returns a copy of the elements of a tensor of {@link DType#INT8} or {@link DType#UINT8} in
   * row-major order.
   *
   * @return a new array
   */
  public final byte[] toByteArray() {
    Object living = use();
    require(dtype == DType.INT8 || dtype == DType.UINT8, "byte");
    byte[] values = new byte[arrayLength()];
    if (strides == null) {
      window.get(offset, values, 0, values.length);
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
      window.put(offset, source, 0, source.length);
    } else {
      for (int i = 0; i < source.length; i++) {
        writeByte(living, place(i), source[i]);
      }
    }
    Reference.reachabilityFence(living);
    return this;
  }

  /**
   * Returns a copy of the elements of a tensor of {@link DType#BOOL} in row-major order.
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
    return this;
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
   * Copies the elements of another tensor of the same type and shape. Either tensor may be a
   * strided view.
   *
   * @param source the tensor to copy from; the two may overlap in memory
   * @return this tensor
   */
  public final Tensor copyFrom(Tensor source) {
    Object sourceLiving = source.use();
    Object living = useToWrite();
    source.living(); // this tensor's memory was asked since
    requireSame(source);
    SharedAllocation held = source.holdToRead();
    try {
      Bulk.copy(source, this);
    } finally {
      giveBack(held);
    }
    Reference.reachabilityFence(living);
    Reference.reachabilityFence(sourceLiving);
    return this;
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
   * @throws IllegalArgumentException also if the value is out of the type's range
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
      throw new IllegalArgumentException(value + " does not fit an element of a " + describe());
    }
    return fillBits(living, value);
  }

  /**
   * Sets all elements of a tensor of any type but {@link DType#BOOL}, so that {@code fill(0)} works
   * for integers and floats alike.
   *
   * @param value the value
   * @return this tensor
   * @throws IllegalArgumentException also if the value is out of the type's range
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
    Bulk.fill(this, bits);
    Reference.reachabilityFence(living);
    return this;
  }

  // ---- comparing

  /**
   * Returns whether another tensor has the same type, the same shape and the same elements, as
   * {@link #mismatch} compares them.
   *
   * @param other the other tensor; its strides may differ
   * @return true if so
   */
  public final boolean contentEquals(Tensor other) {
    use();
    other.use();
    return dtype == other.dtype && shape.equals(other.shape) && mismatch(other) < 0;
  }

  /**
   * Returns the row-major index of the first element that differs from the other tensor's: in its
   * bits, so that NaN equals itself and 0.0 differs from -0.0; of {@link DType#BOOL} in being true,
   * whichever byte says so. Over a mapped file that was cut short it throws {@link InternalError},
   * as all reading does.
   *
   * @param other a tensor of the same type and shape
   * @return the index, or -1 if there is none
   */
  public final long mismatch(Tensor other) {
    Object living = use();
    Object otherLiving = other.use();
    living(); // the other one's memory was asked since
    requireSame(other);
    SharedAllocation held = holdToRead();
    try {
      SharedAllocation otherHeld = other.holdToRead();
      try {
        return Bulk.mismatch(this, other);
      } finally {
        giveBack(otherHeld);
      }
    } finally {
      giveBack(held);
      Reference.reachabilityFence(living);
      Reference.reachabilityFence(otherLiving);
    }
  }

  private void requireSame(Tensor other) {
    if (dtype != other.dtype || !shape.equals(other.shape)) {
      throw new IllegalArgumentException(
          "a " + describe() + " does not match a " + other.describe());
    }
  }

  // ---- views

  /**
   * Returns a view of the same elements, in row-major order, under another shape.
   *
   * @param shape a shape with as many elements
   * @return a view; nothing is copied
   * @throws IllegalArgumentException if the number of elements differs
   * @throws IllegalStateException also for a strided view, of which {@code contiguous(ctx)} gives a
   *     copy without gaps
   */
  public final Tensor reshape(Shape shape) {
    use();
    if (shape.numElements() != this.shape.numElements()) {
      throw new IllegalArgumentException(
          "a "
              + describe()
              + " cannot be reshaped to "
              + shape
              + ": "
              + this.shape.numElements()
              + " elements are not "
              + shape.numElements());
    }
    requireGapless();
    return new Tensor(window, offset, length, shape, null, this);
  }

  /**
   * Returns a view of a range of an axis.
   *
   * @param axis from 0 to {@code rank() - 1}
   * @param from the first index, inclusive
   * @param to the last index, exclusive
   * @return a view of the same rank; nothing is copied
   * @throws IndexOutOfBoundsException if there is no such axis or range
   */
  public final Tensor slice(int axis, long from, long to) {
    use();
    long extent = shape.dim(axis);
    if (from < 0 || to < from || to > extent) {
      throw new IndexOutOfBoundsException(
          "range " + from + " to " + to + " on axis " + axis + " of a " + describe());
    }
    if (axis == 0 && hasRowsInReach()) {
      return rows(from, shape.withRows(to - from));
    }
    long[] dims = shape.toArray();
    dims[axis] = to - from;
    long[] steps = steps();
    return view(Shape.owning(dims), steps, from * steps[axis]);
  }

  /**
   * Returns a view of one index of an axis, without that axis.
   *
   * @param axis from 0 to {@code rank() - 1}
   * @param index from 0 to {@code shape().dim(axis) - 1}
   * @return a view of one rank less; nothing is copied
   * @throws IndexOutOfBoundsException if there is no such axis or index
   */
  public final Tensor select(int axis, long index) {
    use();
    long extent = shape.dim(axis);
    if (index < 0 || index >= extent) {
      throw new IndexOutOfBoundsException(
          "index " + index + " on axis " + axis + " of a " + describe());
    }
    if (axis == 0 && hasRowsInReach()) {
      return rows(index, shape.row());
    }
    long[] steps = steps();
    Shape rest = axis == 0 ? shape.row() : Shape.owning(without(shape.toArray(), axis));
    return view(rest, without(steps, axis), index * steps[axis]);
  }

  /** Whether the rows lie one after another, and the window reaches all of them. */
  private boolean hasRowsInReach() {
    return strides == null && length != 0;
  }

  /** Returns a view of this shape from a row on: what a loop over rows makes each time. */
  private Tensor rows(long first, Shape part) {
    long elements = part.numElements();
    // An empty view has no element to point at; it points at its source's start.
    long skipped = elements == 0 ? 0 : first * shape.row().numElements() << dtype.shift;
    return new Tensor(window, offset + (int) skipped, (int) elements, part, null, this);
  }

  /**
   * Returns a view with the axes in another order.
   *
   * @param axes for each axis of the view, the axis of this tensor that it stands for; no argument
   *     reverses the order of all axes
   * @return a view; nothing is copied
   * @throws IllegalArgumentException unless every axis is named exactly once
   */
  public final Tensor transpose(int... axes) {
    use();
    int rank = shape.rank();
    int[] order = axes.length == 0 ? reversed(rank) : axes;
    long[] dims = new long[rank];
    long[] reordered = new long[rank];
    long[] steps = steps();
    boolean[] seen = new boolean[rank];
    for (int i = 0; i < order.length; i++) {
      int axis = order[i];
      if (order.length != rank || axis < 0 || axis >= rank || seen[axis]) {
        throw new IllegalArgumentException(
            "axes "
                + Arrays.toString(axes)
                + " do not name each axis of a "
                + describe()
                + " exactly once");
      }
      seen[axis] = true;
      dims[i] = shape.extent(axis);
      reordered[i] = steps[axis];
    }
    return view(Shape.owning(dims), reordered, 0);
  }

  private static int[] reversed(int rank) {
    int[] order = new int[rank];
    for (int i = 0; i < rank; i++) {
      order[i] = rank - 1 - i;
    }
    return order;
  }

  private static long[] without(long[] values, int axis) {
    long[] rest = new long[values.length - 1];
    System.arraycopy(values, 0, rest, 0, axis);
    System.arraycopy(values, axis + 1, rest, axis, rest.length - axis);
    return rest;
  }

  private long[] steps() {
    return strides == null ? Strides.rowMajor(shape) : strides;
  }

  /** Returns a view that spans exactly this, which is contiguous; calls no wrapped memory. */
  final Tensor strided(Shape shape, long[] steps) {
    int reached = window.reaches(start(), byteCount()) ? (int) shape.numElements() : 0;
    return new Tensor(window, offset, reached, shape, Strides.normalised(shape, steps), this);
  }

  private Tensor view(Shape shape, long[] steps, long first) {
    // An empty view has no element to point at; it points at its source's start.
    long start = start() + (shape.numElements() == 0 ? 0 : first << dtype.shift);
    long[] strides = Strides.normalised(shape, steps);
    long extent = strides == null ? shape.numElements() : Strides.extent(shape, strides);
    long bytes = extent << dtype.shift;
    // A buffer may reach the part, also where none reaches the whole.
    Window seen = window.seeing(start, bytes);
    int length = seen.reaches(start, bytes) ? (int) shape.numElements() : 0;
    return new Tensor(seen, (int) (start - seen.address), length, shape, strides, this);
  }

  // ---- parts

  /**
   * Splits the tensor into parts that differ in size by one index at most, for as many threads to
   * write. While any of them is open this tensor, and all that lies over the same bytes, is frozen
   * for its own thread; {@link TensorParts} says when it no longer is. Nothing is copied.
   *
   * @param axis from 0 to {@code rank() - 1}; the parts are strided views where it is not the first
   * @param count from 1 to {@code shape().dim(axis)}
   * @return the parts, which are to be closed
   * @throws IndexOutOfBoundsException if there is no such axis
   * @throws IllegalArgumentException if the axis cannot be split into so many
   * @throws IllegalStateException also if the tensor is frozen, or parts of it are open
   */
  public final TensorParts split(int axis, int count) {
    useToWrite();
    long extent = shape.dim(axis);
    if (count < 1 || count > extent) {
      throw new IllegalArgumentException(
          count + " parts of " + extent + " indices on axis " + axis + " of a " + describe());
    }
    return TensorParts.of(this, axis, TensorParts.evenly(extent, count));
  }

  /**
   * Splits the tensor as {@link #split} does, into parts that end where the caller says.
   *
   * @param axis from 0 to {@code rank() - 1}; the parts are strided views where it is not the first
   * @param ends for each part the index after its last one; they rise, and the last is {@code
   *     shape().dim(axis)}
   * @return the parts, which are to be closed
   * @throws IndexOutOfBoundsException if there is no such axis
   * @throws IllegalArgumentException if the ends do not rise from above 0 to the extent
   * @throws IllegalStateException also if the tensor is frozen, or parts of it are open
   */
  public final TensorParts splitAt(int axis, long... ends) {
    useToWrite();
    long extent = shape.dim(axis);
    long[] own = ends.clone(); // once: another thread may write to the caller's array
    long before = 0;
    boolean rise = true;
    for (long end : own) {
      rise &= end > before;
      before = end;
    }
    if (!rise || own.length == 0 || before != extent) {
      throw new IllegalArgumentException(
          "ends "
              + Arrays.toString(own)
              + " do not rise from above 0 to the "
              + extent
              + " indices on axis "
              + axis
              + " of a "
              + describe());
    }
    return TensorParts.of(this, axis, own);
  }

  // ---- copies

  /**
   * Returns this tensor if it is contiguous, else a contiguous copy.
   *
   * @param ctx a context of the calling thread, in which a copy is allocated
   * @return a contiguous tensor
   * @throws MemoryLimitExceededException if a memory limit would be exceeded
   * @throws OutOfMemoryError if the system refuses memory
   */
  public final Tensor contiguous(ExecutionContext ctx) {
    use();
    ctx.innermost();
    return strides == null ? this : copy(ctx);
  }

  /**
   * Allocates a contiguous, writable copy.
   *
   * @param ctx a context of the calling thread, in which the copy is allocated
   * @return a tensor of the context's innermost open scope
   * @throws MemoryLimitExceededException if a memory limit would be exceeded
   * @throws OutOfMemoryError if the system refuses memory
   */
  public final Tensor copy(ExecutionContext ctx) {
    Object living = use();
    if (strides != null) {
      requireReach();
    }
    SharedAllocation held = holdToRead();
    try {
      Tensor copy = ctx.empty(dtype, shape);
      if (scope != null) {
        living(); // a listener of a budget may have ended it
      }
      Bulk.copy(this, copy);
      return copy;
    } finally {
      giveBack(held);
      Reference.reachabilityFence(living);
    }
  }

  // ---- lifetimes

  /**
   * Returns a shared handle of the same elements, which may be used on any thread. It keeps the
   * bytes until it is closed, also after the end of the scope and after reset and close of the
   * context. Sharing takes constant time: nothing is copied and nothing waits. From the first share
   * on, the bytes are frozen.
   *
   * @return the handle, which the caller or whoever it is handed to must close
   * @throws IllegalStateException also while parts of the tensor are open
   */
  public final SharedTensor share() {
    use();
    SharedTensor handle = newHolder();
    if (handle == null) {
      throw releasedMeanwhile();
    }
    return handle;
  }

  /**
   * Shares as {@link #share()} does, but returns null if the tensor is dead by now, as happens in a
   * cache that evicts. Several threads may call this on one shared handle while another thread
   * closes it.
   *
   * @return the handle, or null if the tensor is dead
   * @throws IllegalStateException if the tensor is alive and belongs to another thread's context,
   *     or parts of it are open
   */
  public final SharedTensor tryShare() {
    if (!isAlive()) {
      return null;
    }
    return scope != null ? share() : newHolder();
  }

  private SharedTensor newHolder() {
    SharedAllocation shared = allocation();
    // The handle before the count, so that running out of heap leaks no pin.
    HandleResources watch = shared.watchNext(this);
    SharedTensor handle = new SharedTensor(this, shared, watch);
    // What a handle holds is frozen. Nothing is called once the hold is counted, since the end of
    // the stack would lose it.
    boolean held = false;
    try {
      held = scope != null ? shared.retainFrozen(this) : tryHold(shared);
    } finally {
      if (!held) {
        LeakDetector.dismiss(watch);
      }
    }
    return held ? handle : null;
  }

  /**
   * Counts one holder more of the bytes, for a tensor that was alive at the gate.
   *
   * @return false, with nothing counted, if its shared handle was released or claimed meanwhile:
   *     then the bytes may be another's to write
   * @throws StackOverflowError if there is no stack to tell wrapped memory of a hold that is given
   *     back; nothing has changed then
   */
  final boolean tryHold(SharedAllocation shared) {
    if (scope != null) {
      return shared.tryRetain();
    }
    SharedTensor handle = (SharedTensor) origin();
    if (shared.isBiasedToMe()) {
      return !handle.isClosed() && shared.tryRetain(); // before the scope ends nobody else claims
    }
    if (shared.isTold()) {
      StackRoom.requireForUsers();
    }
    if (!shared.tryRetain()) {
      return false;
    }
    // No call from here on, since the end of the stack would lose the hold.
    long counted = shared.word; // volatile: the handle is looked at after the hold was counted
    if (!handle.closed && handle.taken == SharedTensor.OPEN) {
      return true;
    }
    shared.giveBack();
    return false;
  }

  /**
   * Holds the bytes of a shared handle, which another thread may close, while they are read: what
   * comes out is what was in them, and wrapped memory is not unmapped meanwhile.
   *
   * @return what the caller gives to {@link #giveBack}; null if nobody can end this tensor
   *     meanwhile
   * @throws IllegalStateException if the handle was released meanwhile
   */
  final SharedAllocation holdToRead() {
    if (scope != null) {
      return null;
    }
    SharedAllocation shared = origin().shared;
    shared.requireRoomToGiveBack();
    if (!tryHold(shared)) {
      throw releasedMeanwhile();
    }
    return shared;
  }

  static void giveBack(SharedAllocation held) {
    if (held != null) {
      held.giveBack();
    }
  }

  /** Returns the state of all holders of the bytes, and makes it for the first one. */
  final SharedAllocation allocation() {
    Tensor own = origin();
    return own.shared == null ? own.beginSharing() : own.shared;
  }

  /**
   * Prepares the first share or pin; from then on the end of the scope releases the scope's own
   * hold.
   */
  private SharedAllocation beginSharing() {
    if (scope.isPart()) { // it has begun; a part that is not frozen does not say so
      return ((PartScope) scope).allocation;
    }
    SharedAllocation begun = new SharedAllocation(scope.context);
    begun.thaw(this);
    scope.add(begun); // first: if it cannot be begun, it is nobody's and holds nothing
    begun.begin(start(), byteCount());
    shared = begun;
    return begun;
  }

  /** Does the same for bytes in a chunk that is not the arena's: a scope around this one has it. */
  final Tensor beside(long chunk) {
    SharedAllocation begun = new SharedAllocation(scope.context);
    begun.thaw(this);
    scope.add(begun);
    begun.beginBeside(chunk);
    shared = begun;
    return this;
  }

  /**
   * Returns a writable tensor of the context with these elements. If this is a shared handle, it is
   * closed.
   *
   * <p>A tensor of the context that is not frozen is returned as it is. Of a {@link TensorPart} the
   * result is a copy. Otherwise the result lies over the same bytes if nobody else holds them, by a
   * share or by a {@link TensorPin}, and else is a copy. The tensor that was shared holds its bytes
   * until its scope ends; before that, each of its shared handles gives a copy. Read-only memory, a
   * tensor of another context and a view of a shared handle always give a copy; the handle of the
   * view stays open. When several results lie over the same bytes, only the last one is writable.
   *
   * <p>What a resource throws that the handle tracks is thrown when the handle is closed, as by its
   * {@code close()}: the result is the context's then, until its scope ends, and nobody has it.
   *
   * @param ctx a context of the calling thread, to which the result belongs
   * @return a writable tensor of the context
   * @throws MemoryLimitExceededException if the result would pass a limit, also if it is no copy;
   *     nothing has changed then, but that the guards of a handle may be closed, and its segments
   * @throws OutOfMemoryError if the system refuses memory; the same holds then
   * @throws IllegalStateException also if another thread, or a guard of the handle, has released
   *     the handle meanwhile, and while parts of the tensor are open
   */
  public final Tensor mutable(ExecutionContext ctx) {
    use();
    ctx.innermost();
    boolean ours = scope != null && scope.context == ctx;
    if (ours && !isFrozen()) {
      return this;
    }
    SharedAllocation shared = origin().shared;
    if (scope != null && shared != null) {
      shared.requireWhole(origin());
    }
    boolean alone = shared != null && shared.isSoleHolder() && !window.bytes.isReadOnly();
    if (this instanceof SharedTensor) {
      return consume(ctx, alone);
    }
    return ours && alone ? new Tensor(this, scope).thawed(shared) : copy(ctx);
  }

  /** Makes this the one handle that may write bytes that were shared before. */
  final Tensor thawed(SharedAllocation shared) {
    this.shared = shared;
    shared.thaw(this);
    return this;
  }

  private Tensor consume(ExecutionContext ctx, boolean alone) {
    SharedTensor handle = (SharedTensor) this;
    HandleResources tracked = handle.tracked();
    Tensor copy;
    try {
      if (alone && (tracked == null || tracked.closeAllGuards())) {
        Tensor tensor = takeOver(ctx, handle, tracked);
        if (tensor != null) {
          handle.closeResources();
          return tensor;
        }
      }
      copy = copy(ctx);
    } catch (Throwable e) {
      if (tracked != null) {
        tracked.closeForOthers(handle, e);
      }
      throw e;
    }
    handle.close();
    return copy;
  }

  /**
   * Returns a tensor over the bytes of a handle that it claims; null if there are other holders by
   * now.
   *
   * @param sealed what the handle tracks; its guards are closed
   */
  private Tensor takeOver(ExecutionContext ctx, SharedTensor handle, HandleResources sealed) {
    boolean taken = false;
    try {
      // The guards are the user's, and may have shared or closed the handle, or ended scopes. So
      // the scope is asked for now, and nothing of the user's is called until it has the hold.
      Tensor tensor = new Tensor(this, ctx.innermost());
      taken = Held.takeOver(handle, sealed, tensor);
      return taken ? tensor : null;
    } finally {
      if (!taken && sealed != null) {
        sealed.unseal();
      }
    }
  }

  /**
   * Registers a resource that is closed at the end of this tensor's lifetime: when its scope ends
   * or, for a shared handle and its views, when the handle is closed. The resource registered last
   * is closed first, and each is closed even when another one throws.
   *
   * @param <T> the type of the resource
   * @param resource what to close
   * @return the resource
   */
  public final <T extends AutoCloseable> T track(T resource) {
    use();
    Objects.requireNonNull(resource, "resource");
    if (scope != null) {
      return scope.track(resource);
    }
    ((SharedTensor) origin()).add(resource);
    return resource;
  }

  /**
   * Returns the guard of the given class for this tensor's lifetime, and makes it if there is none
   * yet. The lifetime is that of the tensor's scope. For a shared handle and its views it is that
   * of the handle, and the guard is closed on the thread that closes the handle.
   *
   * @param <T> the class of the guard
   * @param type the class of the guard, exactly
   * @param maker makes a new guard for this tensor; it may keep the tensor, but must not use it yet
   * @return the one guard of this class until the lifetime ends
   * @throws IllegalArgumentException if the maker returns a guard of another class, or one that
   *     already guards something
   */
  public final <T extends Guard> T guard(
      Class<T> type, Function<? super Tensor, ? extends T> maker) {
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(maker, "maker");
    use();
    return scope != null
        ? scope.guard(type, maker, this)
        : ((SharedTensor) origin()).guarded(type, maker, this);
  }

  // ---- for scopes

  /** Returns whether this tensor's life ends with the scope's. */
  final boolean endsWith(Scope ending) {
    for (Scope outer = scope; outer != null; outer = outer.parent) {
      if (outer == ending) {
        return true;
      }
    }
    return false;
  }

  /** Makes a handle of the same elements at another place, in another scope. */
  final Tensor movedTo(Window window, int offset, Scope scope) {
    return new Tensor(window, offset, byteCount(), dtype, shape, scope);
  }

  /** Makes this view, which is contiguous, one of another handle of what it is a view of. */
  final Tensor viewOf(Tensor other) {
    return new Tensor(window, offset, length, shape, null, other);
  }

  /**
   * Holds the memory that this tensor wraps, from now on until the scope and everybody who shares
   * it has let go. Over read-only memory the tensor is frozen.
   */
  final void hold(ForeignBlock block) {
    SharedAllocation begun = beginSharing();
    if (window.bytes.isReadOnly()) {
      begun.freeze();
    }
    block.hold();
    begun.foreign = block; // last, and without a call: what fails before has taken nothing
  }

  /** Notes that a raw view or an address is given out, of a view as of what it is a view of. */
  final void expose() {
    SharedAllocation state = origin().shared;
    if (scope != null) {
      if (scope.isPart()) {
        ((PartScope) scope).allocation.expose();
        return;
      }
      scope.context.arena().expose(scope);
    }
    if (scope == null || state != null && state.outlasts) {
      state.expose(); // its chunk may be none of an arena that is exposed
    }
  }

  // ---- objects

  @Override
  public final boolean equals(Object other) {
    return this == other;
  }

  @Override
  public final int hashCode() {
    return System.identityHashCode(this);
  }

  /**
   * Returns the type, the shape and the state, but not the contents. Works for a dead tensor, too,
   * and on any thread.
   *
   * @return a description for messages
   */
  @Override
  public final String toString() {
    return describe()
        + (this instanceof SharedTensor ? ", shared" : "")
        + (strides == null ? "" : ", strides " + Arrays.toString(strides))
        + (isAlive() ? "" : ", dead");
  }
}
