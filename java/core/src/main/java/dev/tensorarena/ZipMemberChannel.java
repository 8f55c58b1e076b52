package dev.tensorarena;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The bytes of a member of a zip archive, once, and what tells that they were all of them. Each
 * call that inflates into a buffer calls nothing of the file: what may be a user's file system is
 * asked for more in a call of its own, which returns 0.
 */
final class ZipMemberChannel implements ReadableByteChannel {
  private final ZipInput input;
  private final ZipMember member;
  private final CRC32 crc = new CRC32();

  /** Null for a stored member. */
  private final Inflater inflater;

  private final ByteBuffer block;
  private final long end;

  /** Where the next bytes of the archive are read. */
  private long at;

  /** How many bytes were not read yet. */
  private long left;

  ZipMemberChannel(ZipInput input, ZipMember member, long start, ByteBuffer block) {
    this.input = input;
    this.member = member;
    this.block = block;
    this.at = start;
    this.end = start + member.compressedSize();
    this.left = member.size();
    this.inflater = member.method() == ZipMember.DEFLATED ? new Inflater(true) : null;
  }

  /** The member as a {@code .npy} file. */
  NpyInput npy() {
    boolean mayKeepBuffers = inflater == null && NpyInput.mayKeepBuffers(input.file);
    return new NpyInput(this, member.size(), mayKeepBuffers, input.nameOf(member));
  }

  /** Reads no more than the member is said to have. */
  @Override
  public int read(ByteBuffer into) throws IOException {
    if (left == 0) {
      return -1;
    }
    int start = into.position();
    ByteBuffer part = into.slice(start, (int) Math.min(into.remaining(), left));
    if (inflater == null) {
      at += fill(part);
    } else if (inflate(part) < 0) {
      throw refused(
          "cut short: it has "
              + (member.size() - left)
              + " of the "
              + member.size()
              + " bytes that it is said to have");
    }
    int count = part.position();
    crc.update(part.flip());
    left -= count;
    into.position(start + count);
    return count;
  }

  /** The next bytes of the archive; how many. */
  private int fill(ByteBuffer bytes) throws IOException {
    if (input.file.read(bytes, at) < 0) {
      throw input.cutShort(at);
    }
    return bytes.position();
  }

  /** Returns 0 also when more of the archive was read, and -1 at the end. */
  private int inflate(ByteBuffer into) throws IOException {
    if (inflater.finished()) {
      return -1;
    }
    if (inflater.needsInput() && at < end) {
      at += fill(block.clear().limit((int) Math.min(block.capacity(), end - at)));
      inflater.setInput(block.flip());
      return 0;
    }
    try {
      int count = inflater.inflate(into);
      if (count > 0 || inflater.finished() || at < end) {
        return count;
      }
    } catch (DataFormatException e) {
      throw refused(
          "damaged before byte " + (at - inflater.getRemaining()) + ": " + e.getMessage());
    }
    throw refused("cut short: its " + member.compressedSize() + " bytes end in the middle");
  }

  /**
   * What was read must have been all, and what was compressed.
   *
   * @throws IOException if there is more, or if the checksum is another one
   */
  void requireEnd() throws IOException {
    long behind = end - at;
    if (inflater != null) {
      int more;
      do {
        more = inflate(ByteBuffer.allocate(1));
      } while (more == 0);
      if (more > 0) {
        throw refused(
            "too long: it has more than the " + member.size() + " bytes that it is said to have");
      }
      behind = end - at + inflater.getRemaining();
    }
    if (behind != 0) {
      throw refused(behind + " of its " + member.compressedSize() + " bytes are behind its end");
    }
    if (crc.getValue() != member.crc()) {
      throw refused(
          "damaged: its CRC-32 is %08x, not %08x".formatted(crc.getValue(), member.crc()));
    }
  }

  private IOException refused(String why) {
    return new IOException(input.nameOf(member) + ": " + why);
  }

  @Override
  public boolean isOpen() {
    return input.file.isOpen();
  }

  @Override
  public void close() {
    if (inflater != null) {
      inflater.end();
    }
  }
}
