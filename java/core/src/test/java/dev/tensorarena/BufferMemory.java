package dev.tensorarena;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Memory over a buffer of its own. Tests say when it goes, and what happens when it is asked. */
class BufferMemory implements ForeignMemory {
  final ByteBuffer bytes;

  BufferMemory(int size) {
    bytes = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
  }

  @Override
  public long byteSize() {
    return bytes.capacity();
  }

  @Override
  public ByteBuffer part(long offset, int length) {
    return bytes.slice((int) offset, length);
  }
}
