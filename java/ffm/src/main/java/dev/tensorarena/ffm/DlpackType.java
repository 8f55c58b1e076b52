package dev.tensorarena.ffm;

import dev.tensorarena.DType;

/**
 * The types that DLPack and this library both have. DLPack's are a code and a number of bits.
 *
 * @param code a {@code DLDataTypeCode}
 * @param bits of an element
 */
record DlpackType(int code, int bits) {
  private static final int INT = 0;
  private static final int UNSIGNED = 1;
  private static final int FLOAT = 2;
  private static final int BFLOAT = 4;
  private static final int BOOL = 6;

  static DlpackType of(DType dtype) {
    int code =
        switch (dtype) {
          case FLOAT16, FLOAT32, FLOAT64 -> FLOAT;
          case BFLOAT16 -> BFLOAT;
          case INT8, INT16, INT32, INT64 -> INT;
          case UINT8 -> UNSIGNED;
          case BOOL -> BOOL;
        };
    return new DlpackType(code, 8 * dtype.byteSize());
  }

  /**
   * Returns our name of a type.
   *
   * @throws IllegalArgumentException if it has none
   */
  static DType dtype(int code, int bits, int lanes) {
    DlpackType asked = new DlpackType(code, bits);
    for (DType dtype : DType.values()) {
      if (lanes == 1 && of(dtype).equals(asked)) {
        return dtype;
      }
    }
    throw new IllegalArgumentException(
        "a DLPack tensor of elements that no DType is: code "
            + code
            + " ("
            + name(code)
            + "), "
            + bits
            + " bits, "
            + lanes
            + (lanes == 1 ? " lane" : " lanes"));
  }

  private static String name(int code) {
    return switch (code) {
      case INT -> "int";
      case UNSIGNED -> "unsigned int";
      case FLOAT -> "float";
      case 3 -> "opaque handle";
      case BFLOAT -> "bfloat";
      case 5 -> "complex";
      case BOOL -> "bool";
      default -> "unknown here";
    };
  }
}
