package dev.tensorarena;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What the end of a zip archive says of its directory. The end, from behind the directory on:
 *
 * <pre>
 *   zip64 record                 zip64 locator               end record
 *    0  4  50 4B 06 06            0  4  50 4B 06 07           0  4  50 4B 05 06
 *    4  8  bytes behind this      4  4  disk, 0               4  2  disk, 0
 *   12  4  versions               8  8  place of the record   6  2  the directory's, 0
 *   16  4  disk, 0               16  4  disks                 8  2  members on this disk
 *   20  4  the directory's, 0                                10  2  members
 *   24  8  members on this disk                              12  4  bytes of the directory
 *   32  8  members                                           16  4  its place
 *   40  8  bytes of the directory                            20  2  bytes of the comment
 *   48  8  its place                                         22     comment
 *   56     anything
 * </pre>
 *
 * <p>The first two may be missing. Where they are there, a number of the end record is all ones or
 * the same. Nothing may stand between these, in them, or behind them, and no comment may look like
 * an end: some programs go by the places that are said here, others by where the next one ends, and
 * all are to find the same directory.
 *
 * @param start where the directory begins
 * @param end where it ends
 * @param count how many members it has, at least in the bits of the mask
 * @param countMask all, or 16 bits, where some programs write more members and no zip64 record
 */
record ZipEnd(long start, long end, long count, long countMask) {
  private static final int END = 0x06054b50;
  private static final int END_SIZE = 22;
  private static final int LOCATOR = 0x07064b50;
  private static final int LOCATOR_SIZE = 20;
  private static final int RECORD = 0x06064b50;
  private static final int RECORD_SIZE = 56;

  /** Bytes of the record that its own size does not count. */
  private static final int RECORD_START = 12;

  private static final int MAX_SHORT = 0xffff;
  private static final long MAX_INT = 0xffff_ffffL;

  /** Bytes from which a file of another kind is recognised. */
  private static final int BEGINNING = 70;

  /** Finds the end of an archive. */
  static ZipEnd read(ZipInput input) throws IOException {
    long at = find(input);
    ByteBuffer last = input.read(at, END_SIZE);
    requireOneDisk(input, last.getInt(4));
    long count = Short.toUnsignedLong(last.getShort(10));
    long size = Integer.toUnsignedLong(last.getInt(12));
    long start = Integer.toUnsignedLong(last.getInt(16));
    long locator = at - LOCATOR_SIZE;
    long place = zip64Place(input, locator);
    if (place < 0) {
      requireSize(input, size, start, at);
      return new ZipEnd(start, at, count, MAX_SHORT);
    }
    ByteBuffer record = input.read(place, RECORD_SIZE);
    if (record.getInt(0) != RECORD || record.getLong(4) != RECORD_SIZE - RECORD_START) {
      throw input.malformed("no zip64 record", place);
    }
    requireOneDisk(input, record.getInt(16) | record.getInt(20));
    ZipEnd end = new ZipEnd(record.getLong(48), place, record.getLong(32), -1);
    requireSame(input, "members", count, MAX_SHORT, end.count);
    requireSame(input, "bytes of its directory", size, MAX_INT, record.getLong(40));
    requireSame(input, "bytes before its directory", start, MAX_INT, end.start);
    requireSize(input, record.getLong(40), end.start, place);
    return end;
  }

  private static long find(ZipInput input) throws IOException {
    int length = (int) Math.min(input.size, END_SIZE + MAX_SHORT);
    ByteBuffer tail = input.read(input.size - length, length);
    int at = length - END_SIZE;
    while (at >= 0 && tail.getInt(at) != END) {
      at--;
    }
    if (at < 0 || Short.toUnsignedInt(tail.getShort(at + 20)) != length - at - END_SIZE) {
      throw notFound(input);
    }
    return input.size - length + at;
  }

  /** Says what the file is instead. */
  private static IOException notFound(ZipInput input) throws IOException {
    int length = (int) Math.min(input.size, BEGINNING);
    String beginning = new String(input.read(0, length).array(), StandardCharsets.ISO_8859_1);
    boolean isNpy = beginning.startsWith(NpyMagic.TEXT);
    String kind = isNpy ? "an .npy file: read it by Npy.read" : NpyMagic.kind(beginning);
    return input.refused(
        kind != null && !beginning.startsWith("PK")
            ? "not an .npz file but " + kind
            : "cut short, or not an .npz file: its "
                + input.size
                + " bytes do not end as a zip archive does");
  }

  /** Where the zip64 record is, or -1 if there is no locator. */
  private static long zip64Place(ZipInput input, long at) throws IOException {
    if (at < 0) {
      return -1;
    }
    ByteBuffer locator = input.read(at, LOCATOR_SIZE);
    if (locator.getInt(0) != LOCATOR) {
      return -1;
    }
    requireOneDisk(input, locator.getInt(4));
    long place = locator.getLong(8);
    if (place < 0 || place != at - RECORD_SIZE) {
      throw input.malformed("zip64 record said to be at byte " + place, at);
    }
    return place;
  }

  private static void requireOneDisk(ZipInput input, int disks) throws IOException {
    if (disks != 0) {
      throw input.refused("one of several files of an archive");
    }
  }

  private static void requireSame(ZipInput input, String what, long narrow, long max, long wide)
      throws IOException {
    if (narrow != max && narrow != wide) {
      throw input.refused("said to have " + narrow + " " + what + ", and " + wide);
    }
  }

  private static void requireSize(ZipInput input, long size, long start, long end)
      throws IOException {
    if (start < 0 || size < 0 || size != end - start) {
      throw input.refused(
          "its directory is said to be "
              + size
              + " bytes from byte "
              + start
              + " on, but ends at byte "
              + end);
    }
  }
}
