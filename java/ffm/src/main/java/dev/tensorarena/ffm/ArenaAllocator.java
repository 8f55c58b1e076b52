package dev.tensorarena.ffm;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.MemoryLimitExceededException;
import dev.tensorarena.OpenResource;
import dev.tensorarena.Scope;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.charset.Charset;

/**
 * An {@link Arena} in the memory of an {@link ExecutionContext}: it allocates by moving a pointer,
 * and gives everything back at once when it is closed. It grows as the context does and obeys the
 * context's memory limit.
 *
 * <pre>{@code
 * try (Arena arena = ArenaAllocator.open()) { // was: Arena.ofConfined()
 *   MemorySegment name = arena.allocateFrom("tensor");
 *   ...
 * }
 * }</pre>
 *
 * <p>It behaves as {@link Arena#ofConfined()} does. Segments are zeroed, aligned to 16 bytes or
 * more if asked for, confined to the thread that opened the arena, and dead once it is closed.
 * {@code close()} throws {@link IllegalStateException} when called twice or while a native call
 * uses a segment, and {@link WrongThreadException} on another thread. A context in which one is
 * open cannot be {@linkplain ExecutionContext#detach detached}.
 *
 * <p>Arenas in one context are nested. It is allowed, though slower, to allocate from an outer
 * arena while an inner one is open; the segment then lives as long as the outer arena. Closing the
 * outer arena closes the inner one, too, and whatever ends the scope of an arena closes it.
 *
 * <p>Small segments are cut from blocks of 16 KiB or, as the arena grows, up to 256 KiB. A block
 * counts towards the context's memory limit as a whole. Where the limit leaves no room for a block,
 * each segment is allocated alone.
 *
 * <p>An allocation that would exceed a memory limit throws {@link MemoryLimitExceededException},
 * and one for which the system refuses memory throws {@link OutOfMemoryError}; the arena is usable
 * after both.
 */
public final class ArenaAllocator implements Arena, OpenResource {
  /** As malloc's: code that allocates bytes and stores longs in them relies on it. */
  private static final int MIN_ALIGNMENT = 16;

  /** The most that the context aligns to. */
  private static final int MAX_ALIGNMENT = 4096;

  private static final int BLOCK_ALIGNMENT = 64;

  /** The size of the first block; each further one is twice as large, up to {@link #MAX_BLOCK}. */
  private static final int MIN_BLOCK = 16 << 10;

  private static final int MAX_BLOCK = 256 << 10;

  private final Scope scope;
  private final Lifetime lifetime;

  /** The context that ends with the arena; null where the user has one. */
  private final ExecutionContext own;

  // The address of the next segment in the current block, and the block's end; no block at first.
  private long cursor;
  private long limit;
  private int nextBlock = MIN_BLOCK;

  /** Whether it was closed itself, and not by the end of something around it. */
  private boolean closed;

  /** Whether close() is running: a cleanup action that calls it once more is told so. */
  private boolean closing;

  private ArenaAllocator(Scope scope, ExecutionContext own) {
    this.scope = scope;
    this.own = own;
    this.lifetime = Lifetime.of(scope);
    lifetime.setAllocator();
  }

  /**
   * Opens an arena in a context of its own, which has the defaults of {@link
   * ExecutionContext#open()}: no memory limit but that of all contexts. Closing the arena closes
   * the context, so that its memory goes back to the pool of all contexts. Where a context is at
   * hand, {@link #of(ExecutionContext)} is faster.
   *
   * <p>The arena belongs to the calling thread, which may be a virtual one. If it becomes
   * unreachable without having been closed, its segments stay readable and writable, and its memory
   * is lost, as that of a confined arena of the JDK is; but leak detection reports the context and
   * the place that called this method, by default for a sample of the contexts. An arena that never
   * allocated anything has no memory.
   *
   * <p>It is closed in any order beside others; one that is opened in a cleanup action of another
   * lives on.
   *
   * @return an open arena; {@code close()} closes its context
   */
  public static ArenaAllocator open() {
    ExecutionContext own = ExecutionContext.open();
    try {
      return new ArenaAllocator(own.scope(), own);
    } catch (Throwable e) { // no heap for the arena: nobody else would close its context
      own.close();
      throw e;
    }
  }

  /**
   * Opens an arena in a new scope, inside the innermost open one, with which it ends. So one that
   * is opened in a cleanup action of another arena of the context ends with the other.
   *
   * @param ctx a context of the calling thread
   * @return an open arena; {@code close()} ends the scope
   * @throws IllegalStateException if the context is closed or belongs to another thread
   */
  public static ArenaAllocator of(ExecutionContext ctx) {
    Scope scope = ctx.scope();
    try {
      return new ArenaAllocator(scope, null);
    } catch (Throwable e) { // no heap for the arena: nobody else could end its scope
      scope.close();
      throw e;
    }
  }

  /**
   * Opens an arena in a scope that is open already. Its segments and the scope's tensors end
   * together.
   *
   * @param scope an open scope of the calling thread
   * @return an open arena; {@code close()} ends the scope
   * @throws IllegalStateException if the scope has ended or belongs to another thread
   */
  public static ArenaAllocator of(Scope scope) {
    return new ArenaAllocator(scope, null);
  }

  // ---- allocation

  @Override
  public MemorySegment allocate(long byteSize, long byteAlignment) {
    return allocateUninitialized(byteSize, byteAlignment).fill((byte) 0);
  }

  /**
   * Allocates a segment as {@link #allocate(long, long)} does, but leaves its contents unspecified:
   * they are what was in this memory before.
   *
   * @param byteSize the size in bytes
   * @param byteAlignment a power of two
   * @return a segment of this arena
   * @throws IllegalArgumentException if a number is out of range
   * @throws IllegalStateException if the arena is closed
   * @throws WrongThreadException if the arena belongs to another thread
   * @throws MemoryLimitExceededException if a memory limit would be exceeded
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
      refuse();
    }
    // An empty segment gets an address of its own, too.
    long room = Math.max(1, byteSize);
    long alignment = Math.max(MIN_ALIGNMENT, byteAlignment);
    long start = (cursor + alignment - 1) & -alignment;
    if (room > limit - start) {
      return allocateSlowly(byteSize, room, alignment);
    }
    return cut(start, room, byteSize);
  }

  /** Cuts a segment off the current block, which has room for it. */
  private MemorySegment cut(long start, long room, long byteSize) {
    cursor = start + room;
    return lifetime.segment(start, byteSize);
  }

  /**
   * Allocates from a new block if it holds at least two such segments, else from the scope itself.
   */
  private MemorySegment allocateSlowly(long byteSize, long room, long alignment) {
    int size = nextBlock;
    nextBlock = Math.min(2 * size, MAX_BLOCK);
    if (room <= size / 2 && alignment <= size / 2 && takeBlock(size)) {
      // Not by calling allocateUninitialized again: the JIT inlines no recursion, and the arena
      // would be made for the call's sake.
      return cut((cursor + alignment - 1) & -alignment, room, byteSize);
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

  /** Makes a new block the current one; returns false if there is no memory for a whole block. */
  private boolean takeBlock(int size) {
    long start;
    try {
      start = scope.allocateAddress(size, BLOCK_ALIGNMENT);
    } catch (MemoryLimitExceededException | OutOfMemoryError e) {
      return false;
    }
    cursor = start;
    limit = start + size;
    return true;
  }

  /**
   * Allocates a segment as {@link #allocate(MemoryLayout, long)} does, but leaves its contents
   * unspecified.
   *
   * @param elementLayout the layout of an element
   * @param count the number of elements
   * @return a segment of this arena
   * @throws IllegalArgumentException if the size overflows or {@code count} is negative
   * @throws IllegalStateException if the arena is closed
   * @throws WrongThreadException if the arena belongs to another thread
   * @throws MemoryLimitExceededException if a memory limit would be exceeded
   * @throws OutOfMemoryError if the system refuses memory
   */
  public MemorySegment allocateUninitialized(MemoryLayout elementLayout, long count) {
    return uninitialized().allocate(elementLayout, count);
  }

  // ---- segments that are written as a whole, and so need no zeros first

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

  // The methods that copy an array call this one, too.
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
   * Closes the arena by ending its scope: closes what the scope tracks, lets its segments and
   * tensors die, and makes their memory free for use again.
   *
   * <p>While a native call uses a segment of this arena, nothing ends. Arenas that were opened
   * after it in the same context end together with it; if a segment of one of them is in use, that
   * one and those inside it are as they were, but the segments of those outside it have ended: the
   * JDK can tell whether an arena is in use only by closing it. Closing this arena again completes
   * its end.
   *
   * @throws IllegalStateException if the arena is closed already, or if a native call is using a
   *     segment
   * @throws WrongThreadException if the arena belongs to another thread
   */
  @Override
  public void close() {
    // Where something inside has refused the end, the segments have ended and the scope has not.
    boolean isEndRefused = closed && !closing && scope.isOpen();
    if (!lifetime.isMine() && !isEndRefused) {
      refuse();
    }
    closed = true; // whatever it throws: what is open still says so
    closing = true;
    try {
      if (own == null) {
        scope.close();
      } else {
        own.close();
      }
    } finally {
      closing = false;
    }
  }

  private void refuse() {
    lifetime.refuse(
        closed
            ? ""
            : ": it ended when the arena that was opened before it was closed, or its scope or"
                + " context; open() gives one of its own");
  }

  /**
   * Returns whether the scope of the arena, or its context, has not ended. Where a {@link #close}
   * was broken off there may be no segments any more, but a scope to end.
   *
   * @return false once it has ended; on another thread always, unless {@link #open()} made it
   */
  @Override
  public boolean isOpen() {
    return own == null ? scope.isOpen() : own.isOpen();
  }

  @Override
  public String toString() {
    return "ArenaAllocator in " + scope;
  }
}
