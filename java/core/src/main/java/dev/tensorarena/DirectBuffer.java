package dev.tensorarena;

import java.nio.ByteBuffer;

/** The memory of a user's direct buffer, from its position to its limit when it was wrapped. */
record DirectBuffer(ByteBuffer bytes) implements ForeignMemory {
  /** Takes a buffer of its own. */
  DirectBuffer {
    bytes = bytes.slice();
  }

  @Override
  public long byteSize() {
    return bytes.capacity();
  }

  @Override
  public ByteBuffer part(long offset, int length) {
    return bytes.slice((int) offset, length);
  }

  @Override
  public String toString() {
    return bytes.toString();
  }
}
