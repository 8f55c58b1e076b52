package dev.tensorarena;

import java.lang.ref.Reference;

/**
 * The Java side of one native arena: the fast paths of allocation, rewind, reset and pin. Owner's
 * thread only. Everything that uses an arena refers to it: what {@link Remains} of one that nobody
 * can reach any more is taken back.
 *
 * <p><b>The position</b> (where the cursor stands, in which chunk, and what was charged) has one
 * owner at a time. While Java alone uses the arena it is <i>held</i> in the fields below, and the
 * fast paths touch no native memory. A native call that moves it is given the position before, in
 * the control block, and Java takes it back after; one that only looks at it gets a copy. Once
 * {@linkplain #lend lent}, for native code that may allocate at any moment, it stays in the control
 * block until the arena is closed.
 *
 * <p>The field {@code limit} tells which: it is 0 where the position is not held, where there is no
 * chunk, and where no window reaches all of the chunk. Then nothing fits below it, so that the fast
 * path of an allocation need not ask; {@link #refresh} goes before every other look at the fields.
 * It is set to 0 before the position is given, and set again after all else was taken back: what
 * fails in between leaves the position in the control block, never an old one in the fields.
 */
final class Arena {
  /** How many resets pass until the next look at whether the chunk is far too large. */
  private static final int RESETS_BETWEEN_REVIEWS = 64;

  /** A reset in C gives a chunk back that is so many times larger than what was used. */
  private static final long FAR_TOO_LARGE = 8;

  private static final long MIN_CHUNK = 1 << 16;

  /** With a quarantine, ended bytes are filled with a pattern and stay unused for a while. */
  private static final boolean QUARANTINE = ChunkPool.quarantineBytes() > 0;

  /** Of the control block, which begins at a word of it. */
  private final Window control;

  private final int at;

  /** In bytes; {@link NativeArena#UNLIMITED} for none. */
  private final long memoryLimit;

  /** Whether ended bytes are filled or zeroed at once; then every end of a scope is C's. */
  private final boolean overwritesEnded;

  // The position, as long as it is held.
  private long cursor;
  private long limit;
  private long base;
  private long chunk;
  private long chargedBefore;
  private long peak;
  private long wasted;

  /** Of the current chunk, or of the last allocation where none reaches all of the chunk. */
  private Window window;

  /**
   * Whether nobody has pinned the current chunk since it was taken, or since it was last seen to be
   * unpinned: its descriptor need not be looked at. Never where every end is C's, nor once lent.
   */
  private boolean unpinned;

  /** Whether the fields have the position, and not the control block. */
  private boolean held;

  /** Whether native code may move the position at any moment. */
  private boolean lent;

  /** Modulo a power of two. A byte, and flags beside it: an idle context is to stay small. */
  private byte resets;

  /** Whether the peak was read from the control block since the last review: it is older then. */
  private boolean returned;

  /** Whether a chunk was taken beside another one since C last kept a single one. */
  private boolean grown;

  /** Whether a raw view or an address was given out. */
  private boolean exposed;

  /** What outlives this arena if it is never closed; null where nobody watches for that. */
  private Remains remains;

  private Arena(long handle, Window window, long memoryLimit, int flags) {
    this.memoryLimit = memoryLimit;
    this.overwritesEnded = QUARANTINE || (flags & NativeArena.ZERO_ON_RELEASE) != 0;
    this.control = window;
    this.at = window.wordOf(handle);
    this.window = window;
    this.cursor = ControlBlock.NOWHERE;
    this.base = ControlBlock.NOWHERE;
    this.held = true;
  }

  /**
   * Opens an arena; it takes no chunk until its first allocation.
   *
   * @throws OutOfMemoryError if the system refuses memory
   */
  static Arena open(long capacity, long memoryLimit, int flags) {
    long handle = NativeArena.open(capacity, memoryLimit, flags);
    if (handle < 0) {
      throw new OutOfMemoryError(
          "the system refused memory for an arena with a capacity of " + capacity + " bytes");
    }
    try {
      return new Arena(handle, Window.over(handle, ControlBlock.BYTES), memoryLimit, flags);
    } catch (Throwable e) { // the JVM refused the buffer over the slab, or there is no heap
      NativeArena.abandon(handle);
      throw e;
    }
  }

  // All access to the control block. Without the fences it might be another arena's by then.

  private long get(int word) {
    long value = control.longs.get(at + word);
    Reference.reachabilityFence(this);
    return value;
  }

  private void set(int word, long value) {
    control.longs.put(at + word, value);
    Reference.reachabilityFence(this);
  }

  // ---- the position: held, given, taken back, lent

  /** Reads the position from the control block, unless it is held. */
  void refresh() {
    if (limit == 0 && !held) {
      read();
    }
  }

  private void read() {
    long current = get(ControlBlock.CHUNK);
    if (current != chunk) {
      chunk = current;
      unpinned = false; // it may be one that was left with pins
    }
    cursor = get(ControlBlock.CURSOR);
    base = get(ControlBlock.BASE);
    chargedBefore = get(ControlBlock.CHARGED_BEFORE);
    peak = get(ControlBlock.PEAK);
    wasted = get(ControlBlock.WASTED);
    returned = true;
  }

  /** Writes to the control block what Java moves; for native calls that look at it. */
  private void publish() {
    if (held && chunk != 0) { // without a chunk nothing has moved
      write();
    }
  }

  private void write() {
    set(ControlBlock.CURSOR, cursor);
    set(ControlBlock.WASTED, wasted);
    writePeak();
  }

  /** The control block has the peak since C reset the arena; the field perhaps of less time. */
  private void writePeak() {
    set(ControlBlock.PEAK, Math.max(get(ControlBlock.PEAK), peak));
  }

  /** Gives the position away, for a native call that moves it; {@link #take} goes after it. */
  private void give() {
    publish();
    limit = 0;
    held = false;
  }

  /**
   * Takes the position back from the control block, unless the arena is lent. Asks the JVM for
   * nothing, as the end of a scope must not fail.
   */
  private void take() {
    if (lent) {
      return;
    }
    read();
    long end = get(ControlBlock.LIMIT);
    if (chunk != 0 && !window.reaches(base, end - base)) {
      Window known = Window.known(base, end - base);
      window = known == null ? window : known;
    }
    held = true;
    adopt(end);
  }

  /** Opens the fast path, if the window reaches all of the chunk. */
  private void adopt(long end) {
    limit = held && chunk != 0 && window.reaches(base, end - base) ? end : 0;
  }

  /** Gives the position to native code for good. */
  void lend() {
    give();
    lent = true;
    unpinned = false;
  }

  // ---- allocation

  /**
   * Allocates uninitialised bytes and returns their address; {@link #window()} is the window over
   * them then.
   *
   * @param size bytes, not negative
   * @param alignment a power of two up to 4096
   * @throws MemoryLimitExceededException if the memory limit of the context or of the process would
   *     be exceeded
   * @throws OutOfMemoryError if the system refuses memory
   */
  long allocate(long size, long alignment) {
    long start = (cursor + alignment - 1) & -alignment;
    long end = limit;
    // Addresses lie far below 2^63, so nothing wraps; the size is compared, not added.
    if (start > end || size > end - start) {
      return allocateSlowly(size, alignment);
    }
    cursor = start + size;
    return start;
  }

  private long allocateSlowly(long size, long alignment) {
    if (!fitsBelowLimit(size, alignment)) {
      boolean first = chunk == 0;
      give();
      int status = NativeArena.reserve(this, handle(), size, alignment);
      take();
      grown |= !first;
      if (status != NativeArena.OK) {
        throw refusal(status, size);
      }
      refresh();
    }
    long start = (cursor + alignment - 1) & -alignment;
    if (!window.reaches(start, size)) {
      window = Window.over(start, size);
    }
    cursor = start + size;
    if (limit == 0 && held) {
      adopt(get(ControlBlock.LIMIT));
    } else if (!held) {
      set(ControlBlock.CURSOR, cursor);
    }
    return start;
  }

  /** The question of the fast path, by the limit in the control block, which always has one. */
  private boolean fitsBelowLimit(long size, long alignment) {
    refresh();
    long start = (cursor + alignment - 1) & -alignment;
    long end = chunk == 0 ? 0 : get(ControlBlock.LIMIT);
    return start <= end && size <= end - start;
  }

  /** Returns the window of the bytes that {@link #allocate} gave last. */
  Window window() {
    return window;
  }

  /**
   * Throws what such an allocation would throw if it exceeded the context's limit; changes nothing.
   *
   * @throws MemoryLimitExceededException if the limit would be exceeded
   */
  void check(long size, long alignment) {
    publish();
    int status = NativeArena.check(this, handle(), size, alignment);
    if (status != NativeArena.OK) {
      throw refusal(status, size);
    }
  }

  private RuntimeException refusal(int status, long size) {
    return switch (status) {
      case NativeArena.LIMIT ->
          new MemoryLimitExceededException("the context", size, memoryLimit, charged());
      case NativeArena.POOL_LIMIT -> ChunkPool.limitExceeded(size);
      case NativeArena.NO_MEMORY ->
          throw new OutOfMemoryError(
              "the system refused memory for a tensor of " + size + " bytes");
      default -> new IllegalStateException("unexpected status " + status + " of the native arena");
    };
  }

  // ---- marks: the four words that a scope remembers; it asks for the chunk first

  long chunk() {
    refresh();
    return chunk;
  }

  long cursor() {
    return cursor;
  }

  long wasted() {
    return wasted;
  }

  /** Returns how many bytes the memory limit counts. */
  long charged() {
    refresh();
    return chargedBefore + cursor - base;
  }

  /** Returns whether ended bytes are overwritten at once; then C does every rewind and reset. */
  boolean overwritesEnded() {
    return overwritesEnded;
  }

  /** Ends everything since the mark. */
  void rewind(long markChunk, long markCursor, long markCharged, long markWasted) {
    if (limit != 0 && unpinned && markChunk == chunk) {
      notePeak();
      cursor = markCursor;
      wasted = markWasted;
    } else {
      rewindSlowly(markChunk, markCursor, markCharged, markWasted);
    }
  }

  private void rewindSlowly(long markChunk, long markCursor, long markCharged, long markWasted) {
    refresh();
    if (chunk == 0 && markChunk == 0) {
      return; // nothing was allocated, before the mark or after
    }
    if (markChunk == chunk && isUnpinned()) {
      notePeak();
      moveTo(markCursor, markWasted);
      return;
    }
    give();
    NativeArena.rewind(this, handle(), markChunk, markCursor, markCharged, markWasted);
    take();
  }

  /** Ends everything and keeps one chunk. */
  void reset() {
    if (limit == 0) {
      refresh();
      if (chunk == 0 && peak == 0) {
        return;
      }
    }
    // Nothing was charged before this chunk, nor ever more than fits it, and no other was taken.
    long size = (limit != 0 ? limit : get(ControlBlock.LIMIT)) - base;
    boolean alone = chunk != 0 && !grown && chargedBefore == 0 && peak <= size;
    notePeak();
    if (alone && isUnpinned() && !isForReview(size)) {
      moveTo(base, 0);
    } else {
      give();
      NativeArena.reset(this, handle());
      take();
      grown = false;
      returned = false; // the peak is of this cycle on
    }
  }

  private void moveTo(long newCursor, long newWasted) {
    cursor = newCursor;
    wasted = newWasted;
    if (!held) {
      write();
    }
  }

  /**
   * Whether the reset is C's, which may give the chunk back: it is far too large for what the
   * cycles since the last look used. Of a lent arena Java does not know what they used.
   */
  private boolean isForReview(long size) {
    if (++resets % RESETS_BETWEEN_REVIEWS != 0) {
      return false;
    }
    if (!held || returned) {
      return true; // only C knows what was used since
    }
    writePeak();
    long most = peak;
    peak = 0;
    return size > MIN_CHUNK && most < size / FAR_TOO_LARGE;
  }

  private void notePeak() {
    peak = Math.max(peak, chargedBefore + cursor - base);
  }

  /** Whether the current chunk's bytes may be handed out again without C. */
  private boolean isUnpinned() {
    if (!unpinned && !overwritesEnded && ChunkPins.none(this, window, chunk)) {
      unpinned = held;
      return true;
    }
    return unpinned;
  }

  // ---- pins

  /**
   * Pins bytes of this arena that have not ended; returns their chunk, for {@link #unpin}, or 0.
   */
  long pin(long address, long size) {
    unpinned = false;
    if (isInCurrentChunk(address, size) && ChunkPins.add(this, window, chunk, address + size)) {
      return chunk;
    }
    publish();
    return NativeArena.pin(this, handle(), address, size);
  }

  /** Releases one of the owner's pins, before the chunk's scope is rewound. */
  void unpin(long chunk) {
    ChunkPins.remove(this, window, chunk);
  }

  /** Returns the {@code ta_arena *}. */
  long handle() {
    return control.address + (long) at * Long.BYTES;
  }

  /** Returns the chunk in which these bytes were handed out and have not ended, or 0. */
  long chunkOf(long address, long size) {
    if (isInCurrentChunk(address, size)) {
      return chunk;
    }
    publish();
    return NativeArena.chunkOf(this, handle(), address, size);
  }

  /** Returns whether the bytes lie in the current chunk, below the cursor. */
  boolean isInCurrentChunk(long address, long size) {
    refresh();
    // Without a chunk the cursor is at the base, so that nothing lies between them.
    return address >= base && address <= cursor && size <= cursor - address;
  }

  boolean isPinned(long chunk) {
    return !ChunkPins.none(this, window, chunk);
  }

  // ---- the rest

  void close() {
    if (held && chunk != 0) {
      set(ControlBlock.CURSOR, cursor); // what ends reaches up to it
    }
    limit = 0;
    held = false;
    NativeArena.close(this, handle());
  }

  /**
   * Notes that a raw view or an address is given out, which may be used until the end.
   *
   * @param living what is given out belongs to this, which keeps the context reachable
   */
  void expose(Object living) {
    if (!exposed) {
      exposed = true;
      if (remains != null) {
        remains.expose();
      }
    }
    Reference.reachabilityFence(living);
  }

  boolean isExposed() {
    return exposed;
  }

  /** Returns what is left of this arena once nobody can reach it. */
  Remains remains() {
    if (remains == null) {
      remains = new Remains(handle(), exposed);
    }
    return remains;
  }

  /** Milliseconds since 1970; asked while the arena is open. */
  long openedMillis() {
    return get(ControlBlock.OPENED);
  }

  long memoryLimit() {
    return memoryLimit;
  }

  ArenaStats stats() {
    publish();
    return ArenaStats.of(this, handle());
  }
}
