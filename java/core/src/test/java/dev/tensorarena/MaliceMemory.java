package dev.tensorarena;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Memory of the program's own, which lies about itself, does things when it is asked, and knows
 * when it was released: then its bytes are spoilt, so that whoever reads them later shows.
 */
final class MaliceMemory implements ForeignMemory {
  private static final byte SPOILT = (byte) 0xDD;

  private final ByteBuffer bytes;
  private final boolean readOnly;
  private final AtomicInteger released = new AtomicInteger();

  /** Whether a tensor is being made of it: then it may be released. */
  volatile boolean wrapping;

  /** Whether a tensor was made of it: then it is released once. */
  volatile boolean wrapped;

  private volatile boolean gone;

  MaliceMemory(int length, boolean readOnly) {
    this.bytes = ByteBuffer.allocateDirect(length).order(ByteOrder.nativeOrder());
    this.readOnly = readOnly;
  }

  void set(long[] bits) {
    bytes.asLongBuffer().put(0, bits);
  }

  /** Makes a tensor of it, in one of the ways that there are. */
  Tensor wrapIn(ExecutionContext ctx, int way) {
    Shape shape = Shape.of(bytes.capacity() / Long.BYTES);
    if (way == 0) {
      return ctx.wrap(part(0, bytes.capacity(), 0), DType.INT64, shape, this::released);
    }
    if (way == 1) {
      long address = NativeArena.bufferAddress(bytes);
      ForeignMemory block = ForeignMemory.ofAddress(address, bytes.capacity(), this::released);
      return ctx.wrap(block, DType.INT64, shape);
    }
    return ctx.wrap(this, DType.INT64, shape);
  }

  boolean isGone() {
    return gone;
  }

  int timesReleased() {
    return released.get();
  }

  @Override
  public long byteSize() {
    MaliceActor.strike();
    return bytes.capacity() + MaliceActor.lie(8);
  }

  @Override
  public ByteBuffer part(long offset, int length) {
    MaliceActor.strike();
    return part(offset, length, MaliceActor.lie(6));
  }

  private ByteBuffer part(long offset, int length, int lie) {
    switch (lie) {
      case 1:
        return null;
      case 2:
        return ByteBuffer.allocate(length);
      case 3:
        return ByteBuffer.allocateDirect(length + 1);
      case 4:
        return ByteBuffer.allocateDirect(Math.max(0, length - 1));
      default:
        ByteBuffer part = bytes.slice((int) offset, length);
        return (readOnly ? part.asReadOnlyBuffer() : part).order(ByteOrder.nativeOrder());
    }
  }

  @Override
  public boolean isAlive() {
    MaliceActor.strike();
    if (MaliceActor.lie(100) == 1) {
      gone = true;
    }
    return !gone || MaliceActor.lie(1) == 1;
  }

  /** Called by the library when nobody holds these bytes any more. */
  @Override
  public void released() {
    if (released.incrementAndGet() > 1) {
      MaliceActor.report("a foreign memory was released twice");
    }
    if (!wrapped && !wrapping) {
      MaliceActor.report("a foreign memory was released that was never wrapped");
    }
    for (int i = 0; i < bytes.capacity(); i++) {
      bytes.put(i, SPOILT);
    }
    MaliceActor.strike();
  }

  @Override
  public String toString() {
    MaliceActor.strike();
    return "malicious memory";
  }
}
