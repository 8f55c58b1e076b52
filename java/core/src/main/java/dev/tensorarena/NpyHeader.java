package dev.tensorarena;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

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
 */
record NpyHeader(DType dtype, Shape shape, boolean fortranOrder) {
  private static final byte[] MAGIC = "\u0093NUMPY".getBytes(StandardCharsets.ISO_8859_1);

  /** Data begin at multiples of this. */
  private static final int ALIGNMENT = 64;

  /** NumPy leaves room for the outermost extent to grow to so many digits. */
  private static final int GROWTH_DIGITS = 21;

  /** Far more than any real shape takes; bounds what a hostile file makes us read. */
  private static final int MAX_LENGTH = 1 << 20;

  /** Reads the header and leaves the file where the data begin. */
  static NpyHeader read(NpyInput file) throws IOException {
    byte[] magic = file.read(MAGIC.length, "the magic string");
    if (!Arrays.equals(magic, MAGIC)) {
      HexFormat hex = HexFormat.ofDelimiter(" ");
      throw file.malformed(
          "not an .npy file: " + hex.formatHex(magic) + " instead of " + hex.formatHex(MAGIC), 0);
    }
    byte[] version = file.read(2, "the version");
    int major = Byte.toUnsignedInt(version[0]);
    int minor = Byte.toUnsignedInt(version[1]);
    if (major < 1 || major > 3 || minor != 0) {
      throw file.malformed(
          "version " + major + "." + minor + ", not 1.0, 2.0 or 3.0", MAGIC.length);
    }
    long lengthAt = file.position();
    long length = readLength(file, major);
    long textAt = file.position();
    if (length > MAX_LENGTH) {
      throw file.malformed("header of " + length + " bytes, more than " + MAX_LENGTH, lengthAt);
    }
    byte[] text = file.read(length, "the header");
    return new NpyHeaderParser(new NpyScanner(file, text, textAt, major)).parse();
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

  /**
   * The bytes as NumPy writes them: of version 1.0, or 2.0 if the header is too long for it.
   *
   * @throws IllegalArgumentException if NumPy does not have the type, or if the shape has more axes
   *     than {@link #read} would take
   */
  byte[] toBytes() {
    byte[] text = dict().getBytes(StandardCharsets.US_ASCII);
    int prefix = MAGIC.length + 2 + Short.BYTES;
    int length = paddedLength(prefix, text.length);
    int major = 1;
    if (length > 0xffff) {
      prefix = MAGIC.length + 2 + Integer.BYTES;
      length = paddedLength(prefix, text.length);
      major = 2;
    }
    if (length > MAX_LENGTH) {
      throw new IllegalArgumentException(
          shape.rank() + " axes take a header of " + length + " bytes, more than " + MAX_LENGTH);
    }
    byte[] bytes = new byte[prefix + length];
    Arrays.fill(bytes, (byte) ' ');
    ByteBuffer header = littleEndian(bytes).put(MAGIC).put((byte) major).put((byte) 0);
    if (major == 1) {
      header.putShort((short) length);
    } else {
      header.putInt(length);
    }
    header.put(text);
    bytes[bytes.length - 1] = '\n';
    return bytes;
  }

  /** With the newline and spaces up to the next multiple of the alignment; always at least one. */
  private static int paddedLength(int prefix, int text) {
    int length = text + 1;
    return length + ALIGNMENT - (prefix + length) % ALIGNMENT;
  }

  private String dict() {
    StringBuilder dict = new StringBuilder("{'descr': '").append(NpyDescr.of(dtype));
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
}
