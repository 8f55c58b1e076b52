package dev.tensorarena;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;

/** A zip archive whose bytes are read where they lie; says what is wrong. */
final class ZipInput {
  final FileChannel file;
  final long size;
  private final String name;

  ZipInput(FileChannel file, String name) throws IOException {
    this.file = file;
    this.name = name;
    this.size = file.size();
  }

  /** Bytes of a structure, little-endian; where the file had them when it was opened. */
  ByteBuffer read(long at, int count) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (file.read(bytes, at + bytes.position()) < 0) {
        throw cutShort(at + bytes.position());
      }
    }
    return bytes.flip();
  }

  /** The file has become shorter since it was opened. */
  IOException cutShort(long at) {
    return refused(
        "cut short while it was read: it had " + size + " bytes and now ends at byte " + at);
  }

  IOException malformed(String what, long at) {
    return refused(what + " at byte " + at);
  }

  IOException refused(String why) {
    return new IOException(name + ": " + why);
  }

  /** What messages call a member. */
  String nameOf(ZipMember member) {
    return name + ": " + member.shown();
  }
}
