package dev.tensorarena.ffm;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.MemoryLimitExceededException;
import dev.tensorarena.Scope;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.charset.Charset;

/**
 * A {@link Arena} in the memory of an {@link ExecutionContext}: allocates at the cost of a pointer
 * bump, and gives all of it back by rewinding when it is closed. It grows as the context does and
 * obeys its memory limit.
 *
 * <pre>{@code
 * try (Arena arena = ArenaAllocator.of(ctx)) { // was: Arena.ofConfined()
 *   MemorySegment name = arena.allocateFrom("tensor");
 *   ...
 * }
 * }</pre>
 *
 * <p>It behaves as {@link Arena#ofConfined()}: segments are zeroed, aligned to 16 bytes or what is
 * asked for, confined to the thread that opened it, and dead once it is closed; {@code close()}
 * throws {@link IllegalStateException} when called twice or while a native call uses a segment, and
 * {@link WrongThreadException} on another thread. Arenas in one context are nested: allocating from
 * an outer one while an inner one is open is allowed, though slower, and lasts as long as the outer
 * one; but closing the outer one closes the inner one too, and so does whatever ends its scope.
 *
 * <p>Small segments come from blocks of 16 KiB and, as the arena grows, up to 256 KiB, which count
 * towards the context's memory limit whole; where it leaves no room for a block, they are taken one
 * by one.
 *
 * <p>Past a limit an allocation throws {@link MemoryLimitExceededException}, and when the system
 * refuses memory {@link OutOfMemoryError}; the arena is usable after both.
 */
public final class ArenaAllocator implements Arena {
  /** As the C library's: code that allocates bytes and stores longs there relies on it. */
  private static final int MIN_ALIGNMENT = 16;

  /** The most that the context aligns to. */
  private static final int MAX_ALIGNMENT = 4096;

  private static final int BLOCK_ALIGNMENT = 64;

  /** The first block; each is twice as large as the one before. */
  private static final int MIN_BLOCK = 16 << 10;

  private static final int MAX_BLOCK = 256 << 10;

  private final Scope scope;
  private final Lifetime lifetime;

  // What the scope gave last, and where the next segment goes; none at first.
  private MemorySegment block;
  private long cursor;
  private long limit;
  private int nextBlock = MIN_BLOCK;

  private ArenaAllocator(Scope scope) {
    this.scope = scope;
    this.lifetime = Lifetime.of(scope);
  }

  /**
   * An arena in a new scope, inside the innermost open one.
   *
   * @param ctx a context of the calling thread
   * @return an open arena; {@code close()} ends the scope
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public static ArenaAllocator of(ExecutionContext ctx) {
    return new ArenaAllocator(ctx.scope());
  }

  /**
   * An arena in a scope, which its tensors share.
   *
   * @param scope an open scope of the calling thread
   * @return an open arena; {@code close()} ends the scope
   * @throws IllegalStateException if the scope has ended, or on another thread
   */
  public static ArenaAllocator of(Scope scope) {
    return new ArenaAllocator(scope);
  }

  // ---- allocation

  @Override
  public MemorySegment allocate(long byteSize, long byteAlignment) {
    return allocateUninitialized(byteSize, byteAlignment).fill((byte) 0);
  }

  /**
   * As {@link #allocate(long, long)}, but with unspecified contents: what was there before.
   *
   * @param byteSize how many bytes
   * @param byteAlignment a power of two
   * @return a segment of this arena
   * @throws IllegalArgumentException if a number is out of range
   * @throws IllegalStateException if the arena is closed
   * @throws WrongThreadException on another thread
   * @throws OutOfMemoryError if the system refuses memory
   */
  public MemorySegment allocateUninitialized(long byteSize, long byteAlignment) {
    if (byteSize < 0) {
      throw new IllegalArgumentException("negative allocation size: " + byteSize + " bytes");
    }
    if (byteAlignment <= 0 || (byteAlignment & (byteAlignment - 1)) != 0) {
      throw new IllegalArgumentException(
          "alignment constraint " + byteAlignment + " is not a power of two");
    }
    if (!lifetime.isMine()) {
      lifetime.refuse();
    }
    // Empty segments have addresses of their own, too.
    long room = Math.max(1, byteSize);
    long alignment = Math.max(MIN_ALIGNMENT, byteAlignment);
    long start = (cursor + alignment - 1) & -alignment;
    if (room > limit - start) {
      return allocateSlowly(byteSize, room, alignment);
    }
    cursor = start + room;
    return block.asSlice(start - block.address(), byteSize);
  }

  /** From a new block, if it can hold a few of these; else from the scope itself. */
  private MemorySegment allocateSlowly(long byteSize, long room, long alignment) {
    int size = nextBlock;
    nextBlock = Math.min(2 * size, MAX_BLOCK);
    if (room <= size / 2 && alignment <= size / 2 && takeBlock(size)) {
      return allocateUninitialized(byteSize, alignment);
    }
    if (alignment <= MAX_ALIGNMENT) {
      return lifetime.segment(scope.allocateAddress(room, (int) alignment), byteSize);
    }
    long padding = alignment - MAX_ALIGNMENT;
    if (room > Long.MAX_VALUE - padding) {
      throw new OutOfMemoryError(
          "no memory for " + room + " bytes with an alignment of " + alignment);
    }
    long start = scope.allocateAddress(room + padding, MAX_ALIGNMENT);
    return lifetime.segment((start + alignment - 1) & -alignment, byteSize);
  }

  /** False if a limit leaves room for less only. */
  private boolean takeBlock(int size) {
    long start;
    try {
      start = scope.allocateAddress(size, BLOCK_ALIGNMENT);
    } catch (MemoryLimitExceededException | OutOfMemoryError e) {
      return false;
    }
    block = lifetime.segment(start, size);
    cursor = start;
    limit = start + size;
    return true;
  }

  /**
   * As {@link #allocate(MemoryLayout, long)}, but with unspecified contents.
   *
   * @param elementLayout the layout of an element
   * @param count how many elements
   * @return a segment of this arena
   * @throws IllegalArgumentException if the size overflows or {@code count} is negative
   * @throws IllegalStateException if the arena is closed
   * @throws WrongThreadException on another thread
   * @throws OutOfMemoryError if the system refuses memory
   */
  public MemorySegment allocateUninitialized(MemoryLayout elementLayout, long count) {
    return uninitialized().allocate(elementLayout, count);
  }

  // ---- what is written whole needs no zeros first

  private SegmentAllocator uninitialized() {
    return this::allocateUninitialized;
  }

  @Override
  public MemorySegment allocateFrom(String str) {
    return uninitialized().allocateFrom(str);
  }

  @Override
  public MemorySegment allocateFrom(String str, Charset charset) {
    return uninitialized().allocateFrom(str, charset);
  }

  @Override
  public MemorySegment allocateFrom(ValueLayout.OfByte layout, byte value) {
    return uninitialized().allocateFrom(layout, value);
  }

  @Override
  public MemorySegment allocateFrom(ValueLayout.OfChar layout, char value) {
    return uninitialized().allocateFrom(layout, value);
  }

  @Override
  public MemorySegment allocateFrom(ValueLayout.OfShort layout, short value) {
    return uninitialized().allocateFrom(layout, value);
  }

  @Override
  public MemorySegment allocateFrom(ValueLayout.OfInt layout, int value) {
    return uninitialized().allocateFrom(layout, value);
  }

  @Override
  public MemorySegment allocateFrom(ValueLayout.OfFloat layout, float value) {
    return uninitialized().allocateFrom(layout, value);
  }

  @Override
  public MemorySegment allocateFrom(ValueLayout.OfLong layout, long value) {
    return uninitialized().allocateFrom(layout, value);
  }

  @Override
  public MemorySegment allocateFrom(ValueLayout.OfDouble layout, double value) {
    return uninitialized().allocateFrom(layout, value);
  }

  @Override
  public MemorySegment allocateFrom(AddressLayout layout, MemorySegment value) {
    return uninitialized().allocateFrom(layout, value);
  }

  /** Arrays come here, too. */
  @Override
  public MemorySegment allocateFrom(
      ValueLayout elementLayout,
      MemorySegment source,
      ValueLayout sourceElementLayout,
      long sourceOffset,
      long elementCount) {
    return uninitialized()
        .allocateFrom(elementLayout, source, sourceElementLayout, sourceOffset, elementCount);
  }

  // ---- lifetime

  @Override
  public MemorySegment.Scope scope() {
    return lifetime.jdkScope();
  }

  /**
   * Ends the scope: closes what it tracks, its segments and tensors are dead, and the memory is
   * rewound.
   *
   * @throws IllegalStateException if it is closed already, or a native call is using a segment
   * @throws WrongThreadException on another thread
   */
  @Override
  public void close() {
    if (!lifetime.isMine()) {
      lifetime.refuse();
    }
    scope.close();
  }

  @Override
  public String toString() {
    return "ArenaAllocator in " + scope;
  }
}
