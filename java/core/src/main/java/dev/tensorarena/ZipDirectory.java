package dev.tensorarena;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;

/**
 * The members of a zip archive, as its directory has them. ({@code java.util.zip.ZipFile} reads no
 * file but the default file system's, finds one of two members with the same name, compares no
 * checksum, and refuses all for one member that it cannot read.)
 *
 * <p>Each member has a header of its own:
 *
 * <pre>
 *    0  4  50 4B 03 04
 *    4 22  what the directory says, too, and is believed there
 *   26  2  bytes of the name
 *   28  2  bytes of the extra fields
 *   30     name, extra fields
 *          the compressed bytes
 * </pre>
 */
final class ZipDirectory {
  private static final int SIGNATURE = 0x04034b50;
  private static final int HEADER_SIZE = 30;

  /** What deflate makes of a byte, at most: 258 of each two bits. */
  private static final int MAX_RATIO = 1032;

  private static final int BLOCK = 64 << 10;

  private final ZipInput input;
  private final ZipEnd end;
  private final TreeSet<Long> places = new TreeSet<>();

  /** Compressed bytes of the member that is being read; null until one is deflated. */
  private ByteBuffer block;

  /** The members whose names have a suffix, in the order of the directory. */
  final Map<String, ZipMember> members = new LinkedHashMap<>();

  /** Reads the directory; of members whose names do not have the suffix nothing is kept. */
  ZipDirectory(ZipInput input, String suffix) throws IOException {
    this.input = input;
    this.end = ZipEnd.read(input);
    ZipMember.Headers headers = new ZipMember.Headers(input, end.start(), end.end());
    long found = 0;
    for (; headers.hasNext(); found++) {
      ZipMember next = headers.next();
      if (next.name().endsWith(suffix)) {
        if (members.put(next.name(), next) != null) {
          throw input.refused("two members named " + next.shown());
        }
        if (!places.add(next.place())) {
          throw input.malformed("two members, one of them " + next.shown() + ",", next.place());
        }
      }
    }
    if (((found ^ end.count()) & end.countMask()) != 0) {
      throw input.refused("said to have " + end.count() + " members, and has " + found);
    }
  }

  /**
   * Opens a member.
   *
   * @throws IOException if it cannot be read, or is not what the directory says
   */
  ZipMemberChannel open(ZipMember member) throws IOException {
    String reason = member.unsupported();
    if (reason != null) {
      throw refused(member, reason);
    }
    long place = member.place();
    Long next = places.higher(place);
    long limit = next == null ? end.start() : Math.min(next, end.start());
    if (place > limit - HEADER_SIZE) {
      throw refused(member, "said to be at byte " + place + ", where there is room up to " + limit);
    }
    ByteBuffer header = input.read(place, HEADER_SIZE);
    int nameSize = Short.toUnsignedInt(header.getShort(26));
    int extraSize = Short.toUnsignedInt(header.getShort(28));
    long start = place + HEADER_SIZE + nameSize + extraSize;
    if (header.getInt(0) != SIGNATURE || nameSize != member.nameBytes().length) {
      throw refused(member, "not at byte " + place + ", where the directory has it");
    }
    byte[] name = input.read(place + HEADER_SIZE, nameSize).array();
    if (!Arrays.equals(name, member.nameBytes())) {
      throw refused(member, "under another name at byte " + place);
    }
    if (member.compressedSize() > limit - start) {
      throw refused(
          member,
          "its "
              + member.compressedSize()
              + " bytes begin at byte "
              + start
              + ", where there is room up to "
              + limit);
    }
    requirePossibleSize(member);
    if (block == null && member.method() == ZipMember.DEFLATED) {
      block = ByteBuffer.allocateDirect(BLOCK);
    }
    return new ZipMemberChannel(input, member, start, block);
  }

  private void requirePossibleSize(ZipMember member) throws IOException {
    boolean isStored = member.method() == ZipMember.STORED;
    if (isStored
        ? member.size() != member.compressedSize()
        : member.size() / MAX_RATIO > member.compressedSize()) {
      throw refused(
          member,
          "said to be "
              + member.size()
              + " bytes, which "
              + member.compressedSize()
              + (isStored ? " stored ones are not" : " deflated ones cannot be"));
    }
  }

  private IOException refused(ZipMember member, String why) {
    return new IOException(input.nameOf(member) + ": " + why);
  }
}
