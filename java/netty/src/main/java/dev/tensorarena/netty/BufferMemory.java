package dev.tensorarena.netty;

import dev.tensorarena.ForeignMemory;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;

/** The readable bytes of a direct buffer, which is released when they are. */
final class BufferMemory implements ForeignMemory {
  private final ByteBuf buffer;

  /** Whose memory it is: a slice or a duplicate has that of another one. */
  private final ByteBuf root;

  private final long place;
  private final ByteBuffer bytes;
  private volatile boolean isGone;

  /** Looks at the indices, once. */
  BufferMemory(ByteBuf buffer) {
    ByteBuf root = buffer;
    while (root.unwrap() != null) {
      root = root.unwrap();
    }
    this.buffer = buffer;
    this.root = root;
    this.place = place();
    this.bytes = buffer.nioBuffer();
  }

  /** Returns what tells that the memory is another one: of a buffer without address, its size. */
  private long place() {
    return root.hasMemoryAddress() ? root.memoryAddress() : root.capacity();
  }

  @Override
  public long byteSize() {
    return bytes.remaining();
  }

  @Override
  public ByteBuffer part(long offset, int length) {
    return bytes.slice(bytes.position() + (int) offset, length);
  }

  @Override
  public boolean isAlive() {
    if (isGone) {
      return false; // for good: Netty uses objects of buffers again
    }
    if (root.refCnt() > 0 && place() == place) {
      return true;
    }
    isGone = true;
    return false;
  }

  @Override
  public void released() {
    buffer.release();
  }

  @Override
  public String toString() {
    return buffer.toString();
  }
}
