package dev.tensorarena;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What the directory of a zip archive says of a member. As bytes:
 *
 * <pre>
 *    0  4  50 4B 01 02             24  4  size
 *    4  4  versions                28  2  bytes of the name
 *    8  2  flags                   30  2  bytes of the extra fields
 *   10  2  method                  32  2  bytes of the comment
 *   12  4  time                    34  8  disk, attributes
 *   16  4  CRC-32                  42  4  place of the member
 *   20  4  compressed size         46     name, extra fields, comment
 * </pre>
 *
 * <p>An extra field is 2 bytes of a kind, 2 of a length, and so many. That of kind 1 has 8 bytes
 * each for the size, the compressed size and the place, of those that are all ones here. That of
 * kind 0x7075 has 5 bytes and a name in UTF-8, which some programs take in place of the other one.
 *
 * @param name in UTF-8 if the flags say so, else in code page 437, as to Python
 * @param nameBytes the bytes of the name, which the member's own header repeats
 * @param flags bits: 0 and 6 encrypted, 5 a patch, 11 name in UTF-8, 13 headers encrypted
 * @param method how it is compressed
 * @param crc the CRC-32 of what was compressed
 * @param compressedSize the bytes in the archive
 * @param size the bytes that they stand for
 * @param place where its own header is in the archive
 */
record ZipMember(
    String name,
    byte[] nameBytes,
    int flags,
    int method,
    long crc,
    long compressedSize,
    long size,
    long place) {

  static final int STORED = 0;
  static final int DEFLATED = 8;

  private static final int SIGNATURE = 0x02014b50;
  private static final int HEADER_SIZE = 46;
  private static final int UTF_8 = 1 << 11;
  private static final int ZIP64 = 1;
  private static final int UNICODE_NAME = 0x7075;
  private static final long MAX_INT = 0xffff_ffffL;

  /** The characters of code page 437 from 128 on. */
  private static final String CODE_PAGE_437 =
      "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
          + "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";

  /** Headers in a directory, one after the other. */
  static final class Headers {
    private final ZipInput input;
    private final long end;
    private long at;

    /** Those between two places. */
    Headers(ZipInput input, long start, long end) {
      this.input = input;
      this.at = start;
      this.end = end;
    }

    boolean hasNext() {
      return at < end;
    }

    ZipMember next() throws IOException {
      long start = at;
      ByteBuffer header = take(HEADER_SIZE);
      if (header.getInt(0) != SIGNATURE) {
        throw input.malformed("no header of a member", start);
      }
      int nameSize = Short.toUnsignedInt(header.getShort(28));
      int extraSize = Short.toUnsignedInt(header.getShort(30));
      ByteBuffer rest = take(nameSize + extraSize + Short.toUnsignedInt(header.getShort(32)));
      byte[] name = Arrays.copyOf(rest.array(), nameSize);
      ByteBuffer extra = rest.slice(nameSize, extraSize).order(rest.order());
      try {
        return of(header, name, extra);
      } catch (IllegalArgumentException e) {
        throw input.malformed(e.getMessage(), start);
      }
    }

    private ByteBuffer take(int count) throws IOException {
      if (count > end - at) {
        throw input.malformed(
            count + " bytes of a header, where the directory has " + (end - at) + " more,", at);
      }
      ByteBuffer bytes = input.read(at, count);
      at += count;
      return bytes;
    }
  }

  private static ZipMember of(ByteBuffer header, byte[] nameBytes, ByteBuffer extra) {
    int flags = header.getShort(8);
    long size = Integer.toUnsignedLong(header.getInt(24));
    long compressedSize = Integer.toUnsignedLong(header.getInt(20));
    long place = Integer.toUnsignedLong(header.getInt(42));
    if (size == MAX_INT || compressedSize == MAX_INT || place == MAX_INT) {
      ByteBuffer wide = field(ZIP64, extra);
      size = size == MAX_INT ? next(wide, size) : size;
      compressedSize = compressedSize == MAX_INT ? next(wide, compressedSize) : compressedSize;
      place = place == MAX_INT ? next(wide, place) : place;
    }
    String name = decoded(nameBytes, (flags & UTF_8) != 0);
    requireOneName(name, field(UNICODE_NAME, extra));
    return new ZipMember(
        name,
        nameBytes,
        flags,
        Short.toUnsignedInt(header.getShort(10)),
        Integer.toUnsignedLong(header.getInt(16)),
        compressedSize,
        size,
        place);
  }

  /** The bytes of the first extra field of a kind; none if there is no such field. */
  private static ByteBuffer field(int kind, ByteBuffer extra) {
    ByteBuffer fields = extra.duplicate().order(extra.order());
    while (fields.remaining() >= 4) {
      int found = Short.toUnsignedInt(fields.getShort());
      int length = Short.toUnsignedInt(fields.getShort());
      if (length > fields.remaining()) {
        throw new IllegalArgumentException("extra field longer than all, of " + length + " bytes,");
      }
      if (found == kind) {
        return fields.slice(fields.position(), length).order(fields.order());
      }
      fields.position(fields.position() + length);
    }
    return fields.limit(fields.position());
  }

  private static void requireOneName(String name, ByteBuffer field) {
    if (field.remaining() > 5) {
      String other = StandardCharsets.UTF_8.decode(field.position(5)).toString();
      if (!other.equals(name)) {
        throw new IllegalArgumentException(
            "member "
                + NpyHeaderParser.shown(name)
                + " with another name, "
                + NpyHeaderParser.shown(other)
                + ",");
      }
    }
  }

  /** The next of the numbers; where there is none, all ones are meant as they stand. */
  private static long next(ByteBuffer numbers, long narrow) {
    if (numbers.remaining() < Long.BYTES) {
      return narrow;
    }
    long wide = numbers.getLong();
    if (wide < 0) {
      throw new IllegalArgumentException(
          "zip64 number " + Long.toUnsignedString(wide) + ", more than 2^63 - 1,");
    }
    return wide;
  }

  private static String decoded(byte[] bytes, boolean utf8) {
    for (byte each : bytes) {
      if (each == 0) { // Python's names end there
        throw new IllegalArgumentException("name with a NUL");
      }
    }
    if (utf8) {
      try {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      } catch (CharacterCodingException e) {
        throw new IllegalArgumentException("name that is said to be UTF-8, and is not,");
      }
    }
    StringBuilder name = new StringBuilder(bytes.length);
    for (byte each : bytes) {
      name.append(each > 0 ? (char) each : CODE_PAGE_437.charAt(each + 128));
    }
    return name.toString();
  }

  /** The name for messages. */
  String shown() {
    return NpyHeaderParser.shown(name);
  }

  /** Why the bytes cannot be read, or null. */
  String unsupported() {
    if ((flags & (1 | 1 << 6 | 1 << 13)) != 0) {
      return "encrypted";
    }
    if ((flags & 1 << 5) != 0) {
      return "a patch of another file";
    }
    if (method != STORED && method != DEFLATED) {
      return "compressed by " + methodName() + ", neither stored nor deflated";
    }
    return null;
  }

  private String methodName() {
    return switch (method) {
      case 9 -> "Deflate64";
      case 12 -> "bzip2";
      case 14 -> "LZMA";
      case 93 -> "Zstandard";
      case 95 -> "XZ";
      default -> "method " + method;
    };
  }
}
