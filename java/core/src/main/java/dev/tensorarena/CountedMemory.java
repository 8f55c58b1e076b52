package dev.tensorarena;

import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Memory whose owner is told when nobody needs it any longer. What holds it is counted: each {@code
 * wrap} until its tensors have gone, and each raw view that was given out until nobody can reach
 * it. When the last hold goes the memory counts as gone, so that it cannot be wrapped once more
 * when its owner has freed it. Any thread.
 */
abstract class CountedMemory implements ForeignMemory {
  private static final int GONE = -1;

  private final long bytes;
  private final Runnable released;
  private final AtomicInteger holds = new AtomicInteger();

  private CountedMemory(long bytes, Runnable released) {
    this.bytes = bytes;
    this.released = released;
  }

  @Override
  public final long byteSize() {
    return bytes;
  }

  @Override
  public final boolean isAlive() {
    return holds.get() != GONE;
  }

  /**
   * Takes a hold.
   *
   * @throws IllegalStateException if the last one has gone
   */
  final void hold() {
    int seen = holds.get();
    while (seen != GONE) {
      if (holds.compareAndSet(seen, seen + 1)) {
        return;
      }
      seen = holds.get();
    }
    throw new IllegalStateException("the memory has been released: " + this);
  }

  /** Lets a hold go; with the last one, calls the owner, who may throw. */
  final void letGo() {
    int seen = holds.get();
    // No lambda: to link one takes much stack, and what lets go last may have little.
    while (!holds.compareAndSet(seen, seen == 1 ? GONE : seen - 1)) {
      seen = holds.get();
    }
    if (seen == 1) {
      released.run();
    }
  }

  /** Returns a part, as {@link #part} does, whether or not it may be written. */
  ByteBuffer writablePart(long offset, int length) {
    return part(offset, length);
  }

  /** Returns whether nobody may write, though {@link #writablePart} does not say so. */
  boolean isReadOnly() {
    return false;
  }

  /**
   * Returns what holds the memory for the raw views of a part; null if nothing can.
   *
   * @param part what {@link #writablePart} returned, to which all its views refer
   */
  RawViews viewsOf(ByteBuffer part) {
    return null;
  }

  /** A direct buffer of the user's: raw views of it are views of his own buffer. */
  static final class Buffer extends CountedMemory {
    private final ByteBuffer buffer;

    Buffer(ByteBuffer direct, Runnable released) {
      this(released, direct.slice());
    }

    private Buffer(Runnable released, ByteBuffer buffer) {
      super(buffer.capacity(), released);
      this.buffer = buffer;
    }

    @Override
    public ByteBuffer part(long offset, int length) {
      return buffer.slice((int) offset, length);
    }

    @Override
    public String toString() {
      return buffer.toString();
    }
  }

  /**
   * Memory that is known by its address alone: each part is a new buffer, whose views are known.
   */
  static final class Block extends CountedMemory {
    private final long address;
    private final boolean readOnly;

    private Block(long address, long bytes, boolean readOnly, Runnable released) {
      super(bytes, released);
      this.address = address;
      this.readOnly = readOnly;
    }

    static Block at(long address, long bytes, boolean readOnly, Runnable released) {
      Objects.requireNonNull(released, "released");
      if (address <= 0 || bytes < 0 || bytes > Long.MAX_VALUE - address) {
        throw new IllegalArgumentException(
            "no memory: " + bytes + " bytes at address 0x" + Long.toHexString(address));
      }
      return new Block(address, bytes, readOnly, released);
    }

    @Override
    public ByteBuffer part(long offset, int length) {
      ByteBuffer part = writablePart(offset, length);
      return readOnly ? part.asReadOnlyBuffer() : part;
    }

    @Override
    boolean isReadOnly() {
      return readOnly;
    }

    @Override
    ByteBuffer writablePart(long offset, int length) {
      ByteBuffer part = NativeArena.view(address + offset, length);
      if (part == null) {
        throw new OutOfMemoryError(
            "the JVM refused a direct buffer of " + length + " bytes over " + this);
      }
      return part;
    }

    @Override
    RawViews viewsOf(ByteBuffer part) {
      return new RawViews(this, part);
    }

    @Override
    public String toString() {
      return byteSize() + " bytes at 0x" + Long.toHexString(address);
    }
  }

  /**
   * The raw views of one part. The first that is given out takes a hold, and it goes once neither a
   * view nor a tensor over the part can be reached: all views of a buffer refer to the one that the
   * JVM made first.
   */
  static final class RawViews {
    private static final LazyCleaner CLEANER = new LazyCleaner();

    private final CountedMemory memory;
    private final ByteBuffer root;
    private boolean held;

    private RawViews(CountedMemory memory, ByteBuffer root) {
      this.memory = memory;
      this.root = root;
    }

    /** Holds the memory, before a view is given out; the caller holds it as well meanwhile. */
    synchronized void hold() {
      if (held) {
        return;
      }
      Unviewed unviewed = new Unviewed(memory);
      CLEANER.register(root, unviewed); // first: what fails later holds nothing yet
      memory.hold();
      unviewed.holds = true;
      held = true;
    }
  }

  /**
   * Lets go once the views of a part are unreachable. It refers to the memory and not to the part,
   * which would never become so.
   */
  private static final class Unviewed extends Released implements Runnable {
    private final CountedMemory memory;
    volatile boolean holds;

    Unviewed(CountedMemory memory) {
      this.memory = memory;
    }

    @Override
    public void run() {
      if (holds) {
        tell();
      }
    }

    @Override
    void released() {
      memory.letGo();
    }

    @Override
    public String toString() {
      return memory.toString();
    }
  }
}
