package dev.tensorarena;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * What stands before the data of a {@code .npy} file. As bytes:
 *
 * <pre>
 *   0  6  magic: 93 N U M P Y
 *   6  1  major version: 1, 2 or 3
 *   7  1  minor version: 0
 *   8  2  length of what follows, little-endian; 4 bytes from version 2.0 on
 *  10     a Python dict, Latin-1, from version 3.0 on UTF-8; spaces; a newline
 * </pre>
 *
 * @param dtype the type of the elements
 * @param shape the shape of the array
 * @param fortranOrder whether the first axis is the one whose neighbours lie side by side
 * @param byteOrder of the elements in the file
 */
record NpyHeader(DType dtype, Shape shape, boolean fortranOrder, ByteOrder byteOrder) {
  /** Data begin at multiples of this. */
  private static final int ALIGNMENT = 64;

  /** Bytes before the dict in version 1.0, which is what is written. */
  private static final int PREFIX = 10;

  /** NumPy leaves room for the outermost extent to grow to so many digits. */
  private static final int GROWTH_DIGITS = 21;

  /** In bytes; NumPy reads no longer ones from files that it is not told to trust. */
  private static final int MAX_LENGTH = 10_000;

  /** No array of NumPy has more axes. */
  private static final int MAX_RANK = 64;

  /**
   * A header of an array that NumPy can have.
   *
   * @throws IllegalArgumentException if it does not have the type or not so many axes, or if the
   *     array were too large, which NumPy decides without the extents of 0
   */
  NpyHeader {
    if (names(dtype).isEmpty()) {
      throw new IllegalArgumentException(
          "NumPy has no type for " + dtype + "; write the values as FLOAT32 instead");
    }
    if (shape.rank() > MAX_RANK) {
      throw new IllegalArgumentException(
          shape.rank() + " axes, where NumPy has at most " + MAX_RANK);
    }
    long bytes = dtype.byteSize();
    for (int axis = 0; axis < shape.rank(); axis++) {
      long extent = Math.max(1, shape.extent(axis));
      if (bytes > Long.MAX_VALUE / extent) {
        throw new IllegalArgumentException(
            "an array of " + dtype + " and shape " + shape + " is too large for NumPy");
      }
      bytes *= extent;
    }
  }

  /** Reads the header and leaves the file where the data begin. */
  static NpyHeader read(NpyInput file) throws IOException {
    NpyMagic.read(file);
    long versionAt = file.position();
    byte[] version = file.read(2, "the version");
    int major = Byte.toUnsignedInt(version[0]);
    int minor = Byte.toUnsignedInt(version[1]);
    if (major < 1 || major > 3 || minor != 0) {
      throw file.malformed("version " + major + "." + minor + ", not 1.0, 2.0 or 3.0", versionAt);
    }
    long lengthAt = file.position();
    long length = readLength(file, major);
    long textAt = file.position();
    if (length > MAX_LENGTH) {
      throw file.malformed("header of " + length + " bytes, more than " + MAX_LENGTH, lengthAt);
    }
    byte[] text = file.read(length, "the header");
    return new NpyHeaderParser(file, text, textAt, major).parse();
  }

  private static long readLength(NpyInput file, int major) throws IOException {
    String what = "the length of the header";
    return major == 1
        ? Short.toUnsignedLong(littleEndian(file.read(Short.BYTES, what)).getShort())
        : Integer.toUnsignedLong(littleEndian(file.read(Integer.BYTES, what)).getInt());
  }

  private static ByteBuffer littleEndian(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The shape in row-major order of the bytes as they lie in the file. */
  Shape storedShape() {
    if (!fortranOrder) {
      return shape;
    }
    long[] reversed = new long[shape.rank()];
    for (int axis = 0; axis < reversed.length; axis++) {
      reversed[axis] = shape.extent(reversed.length - 1 - axis);
    }
    return Shape.owning(reversed);
  }

  /** The array whose rows, as they lie in the file, are a tensor. */
  Tensor array(Tensor rows) {
    return fortranOrder ? rows.transpose() : rows;
  }

  /** The bytes as NumPy writes them. */
  byte[] toBytes() {
    byte[] dict = dict().getBytes(StandardCharsets.US_ASCII);
    int end = PREFIX + dict.length + 1; // with the newline
    byte[] bytes = new byte[end + ALIGNMENT - end % ALIGNMENT]; // at least one space, as NumPy
    Arrays.fill(bytes, (byte) ' ');
    ByteBuffer header = littleEndian(bytes).put(NpyMagic.BYTES).put((byte) 1).put((byte) 0);
    header.putShort((short) (bytes.length - PREFIX)).put(dict);
    bytes[bytes.length - 1] = '\n';
    return bytes;
  }

  private String dict() {
    StringBuilder dict = new StringBuilder("{'descr': '").append(descr(dtype));
    dict.append("', 'fortran_order': ").append(fortranOrder ? "True" : "False");
    dict.append(", 'shape': (");
    int rank = shape.rank();
    for (int axis = 0; axis < rank; axis++) {
      dict.append(axis == 0 ? "" : " ").append(shape.extent(axis));
      dict.append(axis < rank - 1 || rank == 1 ? "," : "");
    }
    dict.append("), }");
    if (rank > 0) {
      long outermost = shape.extent(fortranOrder ? rank - 1 : 0);
      dict.append(" ".repeat(GROWTH_DIGITS - Long.toString(outermost).length()));
    }
    return dict.toString();
  }

  // ---- names of types

  /** The name under which NumPy writes a type: its order in a file, a letter, the size in bytes. */
  static String descr(DType dtype) {
    return (dtype.byteSize() == 1 ? "|" : "<") + names(dtype).get(0);
  }

  /**
   * The type of any name that NumPy knows, or null. A byte order may stand before the names of one
   * and two letters, but means nothing to a single byte.
   */
  static DType dtype(String descr) {
    boolean ordered = !descr.isEmpty() && "<>=|".indexOf(descr.charAt(0)) >= 0;
    String name = ordered ? descr.substring(1) : descr;
    if (ordered && name.length() > 2) {
      return null;
    }
    for (DType dtype : DType.values()) {
      if (names(dtype).contains(name)) {
        return dtype;
      }
    }
    return null;
  }

  /** All of NumPy's names for a type, first what it writes; none if NumPy does not have it. */
  private static List<String> names(DType dtype) {
    switch (dtype) {
      case FLOAT32:
        return List.of("f4", "f", "float32", "single");
      case FLOAT64:
        return List.of("f8", "d", "float64", "double", "float");
      case FLOAT16:
        return List.of("f2", "e", "float16", "half");
      case INT64: // l and long have 4 bytes on Windows: such a file is too short, and refused
        return List.of(
            "i8", "q", "l", "p", "n", "int64", "longlong", "long", "intp", "int", "int_");
      case INT32:
        return List.of("i4", "i", "int32", "intc");
      case INT16:
        return List.of("i2", "h", "int16", "short");
      case INT8:
        return List.of("i1", "b", "int8", "byte");
      case UINT8:
        return List.of("u1", "B", "uint8", "ubyte");
      case BOOL:
        return List.of("b1", "?", "bool", "bool_");
      default:
        return List.of();
    }
  }
}
