package dev.tensorarena.jna;

import java.nio.ByteBuffer;

/** The bytes of a {@link ChunkPin}, or some of them. */
final class PinnedMemory extends BoundedMemory {
  private final ChunkPin pin;
  private final boolean isWritable;

  PinnedMemory(ChunkPin pin, long address, long bytes, boolean isWritable) {
    super(address, bytes);
    this.pin = pin;
    this.isWritable = isWritable;
  }

  boolean isWritable() {
    return isWritable;
  }

  @Override
  void requireReadable() {
    pin.requireHeld();
  }

  @Override
  void requireWritable() {
    pin.requireHeld();
    if (!isWritable) {
      throw new IllegalStateException(
          "bytes that a context's arena pins are not written by JNA: " + pin);
    }
  }

  @Override
  BoundedMemory part(long at, long bytes) {
    return new PinnedMemory(pin, address() + at, bytes, isWritable);
  }

  @Override
  ByteBuffer view(long offset, long length) {
    ByteBuffer view = rawView(offset, length);
    return isWritable ? view : view.asReadOnlyBuffer().order(view.order());
  }

  @Override
  public String toString() {
    return "pinned bytes";
  }
}
