package dev.tensorarena;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channel;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;

/** A {@code .npy} file that is read from its beginning to its end; says what is wrong and where. */
final class NpyInput {
  private final ReadableByteChannel channel;
  private final long size;
  private final boolean mayKeepBuffers;
  private final String name;
  private long position;

  NpyInput(FileChannel channel, String name) throws IOException {
    this(channel, channel.size(), mayKeepBuffers(channel), name);
  }

  /**
   * A file that is read from a channel.
   *
   * @param size its bytes
   * @param mayKeepBuffers whether what is read into may be kept and used later
   * @param name what messages call it
   */
  NpyInput(ReadableByteChannel channel, long size, boolean mayKeepBuffers, String name) {
    this.channel = channel;
    this.size = size;
    this.mayKeepBuffers = mayKeepBuffers;
    this.name = name;
  }

  /** Returns whether what is read into may be kept and used later, as it may outside of the JDK. */
  boolean mayKeepBuffers() {
    return mayKeepBuffers;
  }

  static boolean mayKeepBuffers(Channel channel) {
    return channel instanceof FileChannel && channel.getClass().getClassLoader() != null;
  }

  /** Where the next byte is read. */
  long position() {
    return position;
  }

  /**
   * The next bytes, in an array.
   *
   * @throws IOException if they reach beyond the end; no array is made then
   */
  byte[] read(long count, String what) throws IOException {
    long end = position() + count;
    if (end > size) {
      throw cutShort(what + " ends at byte " + end);
    }
    byte[] bytes = new byte[(int) count];
    read(ByteBuffer.wrap(bytes));
    return bytes;
  }

  /** The next bytes: so many, or those that are left if they are fewer. */
  byte[] readAtMost(int count) throws IOException {
    return read(Math.min(count, size - position()), "what is left");
  }

  /** Fills a buffer over a tensor, which the file may end, as one of a user's file system. */
  void read(ByteBuffer into, Tensor tensor) throws IOException {
    while (into.hasRemaining()) {
      tensor.living();
      readSome(into);
    }
  }

  private void read(ByteBuffer into) throws IOException {
    while (into.hasRemaining()) {
      readSome(into);
    }
  }

  private void readSome(ByteBuffer into) throws IOException {
    int start = into.position();
    if (channel.read(into) < 0) {
      throw refused(
          "cut short while it was read: it had "
              + size
              + " bytes and now ends at byte "
              + position);
    }
    position += into.position() - start;
  }

  /**
   * What follows the header must be the tensor's bytes, and nothing else.
   *
   * @throws IOException if there are fewer or more
   */
  void requireData(NpyHeader header) throws IOException {
    long expected = header.dtype().byteSize(header.shape());
    long start = position();
    String data =
        expected
            + " bytes of "
            + header.dtype()
            + " data of shape "
            + header.shape()
            + " begin at byte "
            + start;
    if (expected > size - start) {
      throw cutShort(data);
    }
    if (expected < size - start) {
      throw refused("too long: " + data + ", but the file has " + size + " bytes");
    }
  }

  private IOException cutShort(String what) {
    return refused("cut short: " + what + ", but the file has " + size + " bytes");
  }

  IOException malformed(String what, long at) {
    return refused(what + " at byte " + at);
  }

  IOException refused(String why) {
    return new IOException(name + ": " + why);
  }
}
