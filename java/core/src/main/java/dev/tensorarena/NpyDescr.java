package dev.tensorarena;

/** NumPy's names of types: the byte order, a letter and the size in bytes. */
final class NpyDescr {
  private NpyDescr() {}

  /**
   * The name under which NumPy writes a type.
   *
   * @throws IllegalArgumentException if NumPy does not have it
   */
  static String of(DType dtype) {
    String code = code(dtype);
    if (code == null) {
      throw new IllegalArgumentException(
          "NumPy has no type for " + dtype + "; write the values as FLOAT32 instead");
    }
    return (dtype.byteSize() == 1 ? "|" : "<") + code;
  }

  /** The type that a file names, or null. NumPy itself never writes {@code =}. */
  static DType parse(String descr) {
    for (DType dtype : DType.values()) {
      String code = code(dtype);
      if (code != null && descr.length() == 3 && descr.endsWith(code)) {
        String orders = dtype.byteSize() == 1 ? "|<>=" : "<"; // a single byte has no order
        return orders.indexOf(descr.charAt(0)) >= 0 ? dtype : null;
      }
    }
    return null;
  }

  private static String code(DType dtype) {
    switch (dtype) {
      case FLOAT32:
        return "f4";
      case FLOAT64:
        return "f8";
      case FLOAT16:
        return "f2";
      case INT64:
        return "i8";
      case INT32:
        return "i4";
      case INT16:
        return "i2";
      case INT8:
        return "i1";
      case UINT8:
        return "u1";
      case BOOL:
        return "b1";
      default:
        return null;
    }
  }
}
