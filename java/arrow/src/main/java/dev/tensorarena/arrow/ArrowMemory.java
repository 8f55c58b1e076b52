package dev.tensorarena.arrow;

import dev.tensorarena.ForeignMemory;
import java.nio.ByteBuffer;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.ReferenceManager;

/**
 * The first bytes of an Arrow buffer, read-only: they may be a frozen tensor's, another process's
 * or another vector's, and no buffer of Arrow's can tell.
 */
final class ArrowMemory implements ForeignMemory {
  private final ReferenceManager references;
  private final ForeignMemory bytes;

  ArrowMemory(ArrowBuf buffer, long size) {
    references = buffer.getReferenceManager();
    bytes = ForeignMemory.ofAddress(buffer.memoryAddress(), size, ArrowMemory::neverWrapped);
  }

  private static void neverWrapped() {}

  /** Takes a reference, which is given back once this is {@link #released}. */
  void retain() {
    references.retain();
  }

  @Override
  public long byteSize() {
    return bytes.byteSize();
  }

  @Override
  public ByteBuffer part(long offset, int length) {
    return bytes.part(offset, length).asReadOnlyBuffer();
  }

  @Override
  public void released() {
    references.release();
  }

  @Override
  public String toString() {
    return "a buffer of Arrow's with " + bytes;
  }
}
