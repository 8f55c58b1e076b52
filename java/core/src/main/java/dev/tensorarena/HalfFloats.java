package dev.tensorarena;

/**
 * Conversions between {@code float} and the two 16-bit float types, IEEE 754 binary16 and bfloat16
 * (the upper half of a binary32). Narrowing rounds to nearest, ties to even, and makes a NaN a
 * quiet NaN.
 */
final class HalfFloats {
  private HalfFloats() {}

  static float toFloat(DType dtype, short bits) {
    return dtype == DType.FLOAT16 ? fromBinary16(bits) : Float.intBitsToFloat(bits << 16);
  }

  static short fromFloat(DType dtype, float value) {
    return dtype == DType.FLOAT16 ? toBinary16(value) : toBfloat16(value);
  }

  private static float fromBinary16(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = bits >>> 10 & 0x1f;
    int fraction = bits & 0x3ff;
    if (exponent == 0x1f) {
      return Float.intBitsToFloat(sign | 0x7f800000 | fraction << 13);
    }
    if (exponent == 0) {
      // Zero and subnormals count in units of 2^-24, which a float holds exactly.
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    // The biases of the exponents, 127 and 15, differ by 112.
    return Float.intBitsToFloat(sign | exponent + 112 << 23 | fraction << 13);
  }

  private static short toBinary16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      return (short) (sign | 0x7e00 | magnitude >>> 13 & 0x3ff);
    }
    if (magnitude >= 0x38800000) { // at least 2^-14, the smallest normal value
      int rebiased = roundOff(magnitude - (112 << 23), 13);
      return (short)
          (sign | Math.min(rebiased, 0x7c00)); // above the largest finite value: infinity
    }
    // A subnormal is a multiple of 2^-24. The last bit of a float near 2^-1 counts 2^-24, so that
    // adding 2^-1 makes the hardware round to such a multiple, ties to even.
    float shifted = Float.intBitsToFloat(magnitude) + 0.5f;
    return (short) (sign | Float.floatToRawIntBits(shifted) - Float.floatToRawIntBits(0.5f));
  }

  private static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if ((bits & 0x7fffffff) > 0x7f800000) {
      return (short) (bits >>> 16 | 0x40); // a quiet NaN, also if only lower bits were set
    }
    return (short) roundOff(bits, 16);
  }

  /** Drops the lowest bits, rounding to nearest and ties to even. */
  private static int roundOff(int bits, int dropped) {
    int lastKept = bits >>> dropped & 1;
    return bits + (1 << dropped - 1) - 1 + lastKept >>> dropped;
  }
}
