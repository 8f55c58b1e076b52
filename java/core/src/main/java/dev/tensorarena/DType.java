package dev.tensorarena;

/** The type of a tensor's elements, in the machine's byte order. */
public enum DType {
  /** 32-bit IEEE 754. */
  FLOAT32(2),
  /** 64-bit IEEE 754. */
  FLOAT64(3),
  /** 16-bit IEEE 754, read and written as {@code float}, rounded to nearest even. */
  FLOAT16(1),
  /** The upper 16 bits of a {@link #FLOAT32}, read, written and rounded as {@link #FLOAT16} is. */
  BFLOAT16(1),
  /** 64-bit two's complement. */
  INT64(3),
  /** 32-bit two's complement. */
  INT32(2),
  /** 16-bit two's complement. */
  INT16(1),
  /** 8-bit two's complement. */
  INT8(0),
  /** 8-bit unsigned, read and written as the {@code byte} with the same bits. */
  UINT8(0),
  /** One byte: 0 is false and any other value is true; true is written as 1. */
  BOOL(0);

  /** The binary logarithm of an element's size in bytes. */
  final int shift;

  DType(int shift) {
    this.shift = shift;
  }

  /**
   * Returns the size of one element.
   *
   * @return bytes: 1, 2, 4 or 8
   */
  public int byteSize() {
    return 1 << shift;
  }

  /** Returns the size of a tensor in bytes; throws if it does not fit 63 bits. */
  long byteSize(Shape shape) {
    long elements = shape.numElements();
    if (elements > Long.MAX_VALUE >> shift) {
      throw new IllegalArgumentException(
          "a tensor of " + this + " and shape " + shape + " has more than 2^63 - 1 bytes");
    }
    return elements << shift;
  }

  boolean isHalf() {
    return this == FLOAT16 || this == BFLOAT16;
  }
}
