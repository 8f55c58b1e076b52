package dev.tensorarena;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The memory that one {@code wrap} made a tensor of. What a {@link ForeignMemory} said once is kept
 * here and not asked again: where the block begins, how many bytes it has, and whether they may be
 * written. Every later part is held against that, because tensors are offsets from the start.
 * Immutable; any thread.
 *
 * <p>The {@link SharedAllocation} of the tensor refers to it, keeps the memory and its first part
 * reachable so, and tells it when its last holder has gone. A later part is kept by the windows,
 * and so the tensors, over it.
 */
final class ForeignBlock extends Released {
  /** The JDK's segments make no larger buffers. */
  private static final int MAX_PART = Integer.MAX_VALUE - 8;

  final ForeignMemory memory;

  /** Is kept, since it may be all that keeps the bytes, whatever the memory promised. */
  private final ByteBuffer first;

  private final long start;
  private final long size;
  private final boolean readOnly;

  /** The lifetime of the segment that the first part is a view of; null if nobody can close it. */
  private final Object segment;

  private ForeignBlock(ForeignMemory memory, long size, ByteBuffer first) {
    this.memory = memory;
    this.first = first;
    this.start = NativeArena.bufferAddress(first);
    this.size = size;
    this.readOnly = first.isReadOnly();
    this.segment = SegmentScope.closeable(first);
  }

  /**
   * Returns a window over the first bytes of foreign memory, as far as a buffer reaches. Calls the
   * memory's methods.
   *
   * @param size how many bytes the memory said that it has
   * @throws IllegalArgumentException if what it returns is not a direct buffer of the length that
   *     it was asked for
   * @throws IllegalStateException if it has gone away
   */
  static Window wrap(ForeignMemory memory, long size) {
    if (!memory.isAlive()) {
      throw gone(memory);
    }
    int length = lengthAt(memory, 0, size);
    ByteBuffer given = partOf(memory, 0, length);
    ByteBuffer first = exactly(memory, given, length);
    if (first == null) {
      throw new IllegalArgumentException(wrongPart(memory, 0, length, given));
    }
    ForeignBlock block = new ForeignBlock(memory, size, first);
    if (block.segment != null && !SegmentScope.isAlive(block.segment)) {
      throw gone(memory);
    }
    return new Window(first, block.start, block, viewsOf(memory, given));
  }

  private static IllegalStateException gone(ForeignMemory memory) {
    return new IllegalStateException("the memory to wrap has gone away: " + memory);
  }

  /**
   * Returns a window from an address in the block on, as far as a buffer reaches. Calls the
   * memory's methods.
   *
   * @throws IllegalStateException if the memory gives another part than it was asked for
   */
  Window windowAt(long address) {
    long offset = address - start;
    int length = lengthAt(memory, offset, size);
    ByteBuffer given = partOf(memory, offset, length);
    ByteBuffer part = exactly(memory, given, length);
    if (part == null
        || NativeArena.bufferAddress(part) != address
        || part.isReadOnly() != readOnly) {
      throw new IllegalStateException(
          wrongPart(memory, offset, length, given)
              + "; it must lie at 0x"
              + Long.toHexString(address)
              + " and be "
              + (readOnly ? "read-only" : "writable")
              + ", as the first part says");
    }
    return new Window(part, address, this, viewsOf(memory, given));
  }

  private static CountedMemory.RawViews viewsOf(ForeignMemory memory, ByteBuffer part) {
    return memory instanceof CountedMemory counted ? counted.viewsOf(part) : null;
  }

  /** Returns how many bytes from an offset on fit a buffer. */
  private static int lengthAt(ForeignMemory memory, long offset, long size) {
    boolean buffer = memory instanceof DirectBuffer || memory instanceof CountedMemory.Buffer;
    int most = buffer ? Integer.MAX_VALUE : MAX_PART;
    return (int) Math.min(size - offset, most);
  }

  private static ByteBuffer partOf(ForeignMemory memory, long offset, int length) {
    return memory instanceof CountedMemory counted
        ? counted.writablePart(offset, length)
        : memory.part(offset, length);
  }

  /**
   * Returns a part in a buffer of its own, as others may move the limit of the given one; null if
   * it is not direct or has another length.
   */
  private static ByteBuffer exactly(ForeignMemory memory, ByteBuffer given, int length) {
    if (given == null || !given.isDirect()) {
      return null;
    }
    ByteBuffer part =
        memory instanceof CountedMemory counted && counted.isReadOnly()
            ? given.asReadOnlyBuffer()
            : given.slice();
    return part.capacity() == length ? part.order(ByteOrder.nativeOrder()) : null;
  }

  private static String wrongPart(ForeignMemory memory, long offset, int length, ByteBuffer given) {
    String where = given == null || !given.isDirect() ? "" : at(given);
    return memory
        + " gave no direct buffer over its "
        + length
        + " bytes at "
        + offset
        + ", but "
        + given
        + where;
  }

  private static String at(ByteBuffer direct) {
    return " at 0x" + Long.toHexString(NativeArena.bufferAddress(direct.slice()));
  }

  /**
   * Begins to hold the memory, which will be {@linkplain #released told} of the end then.
   *
   * @throws IllegalStateException if its owner was told already that nobody needs it
   */
  void hold() {
    if (memory instanceof CountedMemory counted) {
      counted.hold();
    }
  }

  /**
   * Returns whether somebody is to be told of the end: a buffer without {@code released} is not.
   */
  boolean isTold() {
    return !(memory instanceof DirectBuffer);
  }

  @Override
  void released() {
    if (memory instanceof CountedMemory counted) {
      counted.letGo();
    } else {
      memory.released();
    }
  }

  /** For messages, without the memory's own words: it may throw. */
  @Override
  public String toString() {
    return "wrapped memory of " + memory.getClass();
  }

  /** Returns whether the memory stays as long as it is held: nobody can end the segment below. */
  boolean isPinnable() {
    return segment == null;
  }

  /** Returns whether the memory has gone away. */
  boolean isGone() {
    return !memory.isAlive() || segment != null && !SegmentScope.isAlive(segment);
  }

  /** The memory of a user's direct buffer, from its position to its limit when it was wrapped. */
  record DirectBuffer(ByteBuffer bytes) implements ForeignMemory {
    /** Keeps a buffer of its own, whose position and limit nobody else moves. */
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
}
