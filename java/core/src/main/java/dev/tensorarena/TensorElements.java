package dev.tensorarena;

/**
 * The element access of {@link Tensor}: by row-major index ({@code getFloatAt}), or by one index
 * for each axis ({@code getFloat}).
 *
 * <p>Every method throws {@link IllegalStateException} for a dead tensor, on the wrong thread, for
 * setters on a frozen tensor, and for elements past 2 GiB, which need segments; {@link
 * IllegalArgumentException} for a tensor of another type or with another number of axes; {@link
 * IndexOutOfBoundsException} for an index out of range.
 */
public abstract sealed class TensorElements extends TensorState permits TensorValues {
  TensorElements(
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

  // ---- float

  /**
   * The element with a row-major index, in a tensor of {@link DType#FLOAT32}, {@link DType#FLOAT16}
   * or {@link DType#BFLOAT16}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @return the element
   */
  public final float getFloatAt(long flat) {
    return readFloat(use(), place(flat));
  }

  /**
   * Sets the element with a row-major index, in a tensor of {@link DType#FLOAT32}, {@link
   * DType#FLOAT16} or {@link DType#BFLOAT16}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @param value the new value
   */
  public final void setFloatAt(long flat, float value) {
    writeFloat(useToWrite(), place(flat), value);
  }

  /**
   * The element of a tensor of rank 1.
   *
   * @param i its index
   * @return the element
   */
  public final float getFloat(long i) {
    return readFloat(use(), place1(i));
  }

  /**
   * The element of a tensor of rank 2.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @return the element
   */
  public final float getFloat(long i, long j) {
    return readFloat(use(), place2(i, j));
  }

  /**
   * The element of a tensor of rank 3.
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
   * The element of a tensor of any rank.
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

  // ---- double

  /**
   * The element with a row-major index, in a tensor of {@link DType#FLOAT64}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @return the element
   */
  public final double getDoubleAt(long flat) {
    return readDouble(use(), place(flat));
  }

  /**
   * Sets the element with a row-major index, in a tensor of {@link DType#FLOAT64}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @param value the new value
   */
  public final void setDoubleAt(long flat, double value) {
    writeDouble(useToWrite(), place(flat), value);
  }

  /**
   * The element of a tensor of rank 1.
   *
   * @param i its index
   * @return the element
   */
  public final double getDouble(long i) {
    return readDouble(use(), place1(i));
  }

  /**
   * The element of a tensor of rank 2.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @return the element
   */
  public final double getDouble(long i, long j) {
    return readDouble(use(), place2(i, j));
  }

  /**
   * The element of a tensor of rank 3.
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
   * The element of a tensor of any rank.
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

  // ---- long

  /**
   * The element with a row-major index, in a tensor of {@link DType#INT64}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @return the element
   */
  public final long getLongAt(long flat) {
    return readLong(use(), place(flat));
  }

  /**
   * Sets the element with a row-major index, in a tensor of {@link DType#INT64}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @param value the new value
   */
  public final void setLongAt(long flat, long value) {
    writeLong(useToWrite(), place(flat), value);
  }

  /**
   * The element of a tensor of rank 1.
   *
   * @param i its index
   * @return the element
   */
  public final long getLong(long i) {
    return readLong(use(), place1(i));
  }

  /**
   * The element of a tensor of rank 2.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @return the element
   */
  public final long getLong(long i, long j) {
    return readLong(use(), place2(i, j));
  }

  /**
   * The element of a tensor of rank 3.
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
   * The element of a tensor of any rank.
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

  // ---- int

  /**
   * The element with a row-major index, in a tensor of {@link DType#INT32}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @return the element
   */
  public final int getIntAt(long flat) {
    return readInt(use(), place(flat));
  }

  /**
   * Sets the element with a row-major index, in a tensor of {@link DType#INT32}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @param value the new value
   */
  public final void setIntAt(long flat, int value) {
    writeInt(useToWrite(), place(flat), value);
  }

  /**
   * The element of a tensor of rank 1.
   *
   * @param i its index
   * @return the element
   */
  public final int getInt(long i) {
    return readInt(use(), place1(i));
  }

  /**
   * The element of a tensor of rank 2.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @return the element
   */
  public final int getInt(long i, long j) {
    return readInt(use(), place2(i, j));
  }

  /**
   * The element of a tensor of rank 3.
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
   * The element of a tensor of any rank.
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

  // ---- short

  /**
   * The element with a row-major index, in a tensor of {@link DType#INT16}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @return the element
   */
  public final short getShortAt(long flat) {
    return readShort(use(), place(flat));
  }

  /**
   * Sets the element with a row-major index, in a tensor of {@link DType#INT16}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @param value the new value
   */
  public final void setShortAt(long flat, short value) {
    writeShort(useToWrite(), place(flat), value);
  }

  /**
   * The element of a tensor of rank 1.
   *
   * @param i its index
   * @return the element
   */
  public final short getShort(long i) {
    return readShort(use(), place1(i));
  }

  /**
   * The element of a tensor of rank 2.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @return the element
   */
  public final short getShort(long i, long j) {
    return readShort(use(), place2(i, j));
  }

  /**
   * The element of a tensor of rank 3.
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
   * The element of a tensor of any rank.
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

  // ---- byte

  /**
   * The element with a row-major index, in a tensor of {@link DType#INT8} or {@link DType#UINT8}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @return the element
   */
  public final byte getByteAt(long flat) {
    return readByte(use(), place(flat));
  }

  /**
   * Sets the element with a row-major index, in a tensor of {@link DType#INT8} or {@link
   * DType#UINT8}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @param value the new value
   */
  public final void setByteAt(long flat, byte value) {
    writeByte(useToWrite(), place(flat), value);
  }

  /**
   * The element of a tensor of rank 1.
   *
   * @param i its index
   * @return the element
   */
  public final byte getByte(long i) {
    return readByte(use(), place1(i));
  }

  /**
   * The element of a tensor of rank 2.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @return the element
   */
  public final byte getByte(long i, long j) {
    return readByte(use(), place2(i, j));
  }

  /**
   * The element of a tensor of rank 3.
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
   * The element of a tensor of any rank.
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

  // ---- boolean

  /**
   * The element with a row-major index, in a tensor of {@link DType#BOOL}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @return the element
   */
  public final boolean getBooleanAt(long flat) {
    return readBoolean(use(), place(flat));
  }

  /**
   * Sets the element with a row-major index, in a tensor of {@link DType#BOOL}.
   *
   * @param flat from 0 to {@code size() - 1}
   * @param value the new value
   */
  public final void setBooleanAt(long flat, boolean value) {
    writeBoolean(useToWrite(), place(flat), value);
  }

  /**
   * The element of a tensor of rank 1.
   *
   * @param i its index
   * @return the element
   */
  public final boolean getBoolean(long i) {
    return readBoolean(use(), place1(i));
  }

  /**
   * The element of a tensor of rank 2.
   *
   * @param i its index on axis 0
   * @param j its index on axis 1
   * @return the element
   */
  public final boolean getBoolean(long i, long j) {
    return readBoolean(use(), place2(i, j));
  }

  /**
   * The element of a tensor of rank 3.
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
   * The element of a tensor of any rank.
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
}
