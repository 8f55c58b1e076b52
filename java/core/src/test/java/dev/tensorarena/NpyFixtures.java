package dev.tensorarena;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Files as NumPy writes them, and as it does not, made here byte by byte. */
final class NpyFixtures {
  /** The data of a file of {@code <f8} and shape (3, 5). */
  static final byte[] FIFTEEN = doubles(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);

  /** All types that NumPy has, with the names that it writes. */
  static final List<Named> TYPES =
      List.of(
          new Named(DType.FLOAT32, "<f4"),
          new Named(DType.FLOAT64, "<f8"),
          new Named(DType.FLOAT16, "<f2"),
          new Named(DType.INT64, "<i8"),
          new Named(DType.INT32, "<i4"),
          new Named(DType.INT16, "<i2"),
          new Named(DType.INT8, "|i1"),
          new Named(DType.UINT8, "|u1"),
          new Named(DType.BOOL, "|b1"));

  private NpyFixtures() {}

  /** A type and its name in a file. */
  record Named(DType dtype, String descr) {}

  /** The dict as NumPy prints it. */
  static String dict(String descr, String fortranOrder, String shape) {
    return "{'descr': '"
        + descr
        + "', 'fortran_order': "
        + fortranOrder
        + ", 'shape': "
        + shape
        + ", }";
  }

  /** A file with this header, as NumPy pads one that takes 128 bytes. */
  static byte[] numpy(String dict, byte... data) {
    return file(1, dict + " ".repeat(117 - dict.length()) + "\n", data);
  }

  /** A file with exactly this header. */
  static byte[] file(int major, String header, byte... data) {
    byte[] text = header.getBytes(major < 3 ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate((major == 1 ? 10 : 12) + text.length + data.length);
    bytes.order(ByteOrder.LITTLE_ENDIAN);
    bytes.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII));
    bytes.put((byte) major).put((byte) 0);
    if (major == 1) {
      bytes.putShort((short) text.length);
    } else {
      bytes.putInt(text.length);
    }
    return bytes.put(text).put(data).array();
  }

  static byte[] doubles(double... values) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (double value : values) {
      bytes.putDouble(value);
    }
    return bytes.array();
  }

  static byte[] floats(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return bytes.array();
  }

  /** The bytes 1, 2, 3, ... */
  static byte[] counting(int count) {
    byte[] bytes = new byte[count];
    for (int i = 0; i < count; i++) {
      bytes[i] = (byte) (i + 1);
    }
    return bytes;
  }

  static byte[] concat(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  static byte[] cut(byte[] bytes, int length) {
    return Arrays.copyOf(bytes, length);
  }

  static Path write(Path folder, String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }
}
