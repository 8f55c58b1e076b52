package dev.tensorarena;

import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;

/**
 * The Java side of one native arena: the fast paths of allocation, rewind, reset and pin. Owner's
 * thread only, but for {@link #reclaim}.
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
 *
 * <p>Layouts, in words of 64 bits (see {@code tensorarena.h}, which explains them):
 *
 * <pre>
 *   control block   0 cursor  1 limit           2 base   3 slab
 *                   4 chunk   5 charged before  6 peak   7 wasted
 *                   8 opened, in milliseconds since 1970
 *   descriptor      0 pins    1 owner's pins    2 floor  ...
 * </pre>
 */
final class Arena {
  private static final int CURSOR = 0;
  private static final int LIMIT = 1;
  private static final int BASE = 2;
  private static final int CHUNK = 4;
  private static final int CHARGED_BEFORE = 5;
  private static final int PEAK = 6;
  private static final int WASTED = 7;
  private static final int OPENED = 8;

  /** The size of the control block. */
  private static final int CONTROL_BYTES = 9 * Long.BYTES;

  private static final int PINS_WORD = 0;
  private static final int OWNER_PINS = 1;
  private static final int FLOOR = 2;

  /** The size of the words of a descriptor that are read here. */
  private static final int DESCRIPTOR_BYTES = 3 * Long.BYTES;

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

  private int resets;

  /**
   * Whether a raw view or an address was ever given out: then the memory of a leaked context is not
   * reclaimed. Plain, since who sets it keeps the context reachable, and the Cleaner's thread looks
   * once it no longer is.
   */
  private boolean exposed;

  private Arena(long handle, Window window, long memoryLimit, int flags) {
    this.memoryLimit = memoryLimit;
    this.overwritesEnded = QUARANTINE || (flags & NativeArena.ZERO_ON_RELEASE) != 0;
    this.control = window;
    this.at = window.wordOf(handle);
    this.window = window;
    this.cursor = handle; // above the limit of 0, as every address is
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
      return new Arena(handle, Window.over(handle, CONTROL_BYTES), memoryLimit, flags);
    } catch (OutOfMemoryError e) {
      NativeArena.close(handle); // the JVM refused the buffer over the slab
      throw e;
    }
  }

  private long get(int word) {
    return control.longs.get(at + word);
  }

  private void set(int word, long value) {
    control.longs.put(at + word, value);
  }

  // ---- the position: held, given, taken back, lent

  /** Reads the position from the control block, unless it is held. */
  void refresh() {
    if (limit == 0 && !held) {
      read();
    }
  }

  private void read() {
    long current = get(CHUNK);
    if (current != chunk) {
      chunk = current;
      unpinned = false; // it may be one that was left with pins
    }
    cursor = get(CURSOR);
    base = get(BASE);
    chargedBefore = get(CHARGED_BEFORE);
    peak = get(PEAK);
    wasted = get(WASTED);
  }

  /** Writes to the control block what Java moves; for native calls that look at it. */
  private void publish() {
    if (held) {
      write();
    }
  }

  private void write() {
    set(CURSOR, cursor);
    set(WASTED, wasted);
    writePeak();
  }

  /** The control block has the peak since C reset the arena; the field since the last review. */
  private void writePeak() {
    set(PEAK, Math.max(get(PEAK), peak));
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
    long size = get(LIMIT) - base;
    if (chunk != 0 && !window.reaches(base, size)) {
      Window known = Window.known(base, size);
      window = known == null ? window : known;
    }
    held = true;
    adopt();
  }

  /** Opens the fast path, if the window reaches all of the chunk. */
  private void adopt() {
    long end = get(LIMIT);
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
      give();
      int status = NativeArena.reserve(handle(), size, alignment);
      take();
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
    if (held) {
      adopt();
    } else {
      set(CURSOR, cursor);
    }
    return start;
  }

  /**
   * The question of the fast path, by the limit in the control block, which always stands there.
   */
  private boolean fitsBelowLimit(long size, long alignment) {
    refresh();
    long start = (cursor + alignment - 1) & -alignment;
    long end = get(LIMIT);
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
    int status = NativeArena.check(handle(), size, alignment);
    if (status != NativeArena.OK) {
      throw refusal(status, size);
    }
  }

  private RuntimeException refusal(int status, long size) {
    switch (status) {
      case NativeArena.LIMIT:
        return new MemoryLimitExceededException("the context", size, memoryLimit, charged());
      case NativeArena.POOL_LIMIT:
        return ChunkPool.limitExceeded(size);
      case NativeArena.NO_MEMORY:
        throw new OutOfMemoryError("the system refused memory for a tensor of " + size + " bytes");
      default:
        return new IllegalStateException("unexpected status " + status + " of the native arena");
    }
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
    NativeArena.rewind(handle(), markChunk, markCursor, markCharged, markWasted);
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
    // Nothing was charged before this chunk, and never more than fits it: there is no other one.
    long size = (limit != 0 ? limit : get(LIMIT)) - base;
    boolean alone = chunk != 0 && chargedBefore == 0 && peak <= size;
    notePeak();
    if (alone && isUnpinned() && !isForReview(size)) {
      moveTo(base, 0);
    } else {
      give();
      NativeArena.reset(handle());
      take();
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
    if (!held) {
      return true;
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
    if (!unpinned && !overwritesEnded && isUnpinned(chunk)) {
      unpinned = held;
      return true;
    }
    return unpinned;
  }

  /**
   * Returns whether nobody pins the chunk; if so, its floor is set to 0, as C does. Also false if
   * there is no window over its descriptor: then C must decide.
   */
  private boolean isUnpinned(long chunk) {
    Window slab = descriptors(chunk);
    if (slab == null) {
      return false;
    }
    int descriptor = slab.wordOf(chunk);
    long others = slab.longs.get(descriptor + PINS_WORD);
    long mine = slab.longs.get(descriptor + OWNER_PINS);
    if ((others >> 1) + mine != 0) {
      return false;
    }
    // The last holder's reads happened before its release; what overwrites the bytes comes after.
    VarHandle.acquireFence();
    slab.longs.put(descriptor + FLOOR, 0);
    return true;
  }

  // ---- pins

  /**
   * Pins bytes of this arena that have not ended; returns their chunk, for {@link #unpin}, or 0.
   */
  long pin(long address, long size) {
    Window slab = isInCurrentChunk(address, size) ? descriptors(chunk) : null;
    if (slab == null) {
      publish();
      unpinned = false; // C knows which chunk
      return NativeArena.pin(handle(), address, size);
    }
    unpinned = false;
    int descriptor = slab.wordOf(chunk);
    slab.longs.put(descriptor + OWNER_PINS, slab.longs.get(descriptor + OWNER_PINS) + 1);
    if (address + size > slab.longs.get(descriptor + FLOOR)) {
      slab.longs.put(descriptor + FLOOR, address + size);
    }
    return chunk;
  }

  /** Takes one of the owner's pins back, before the scope of the bytes is rewound. */
  void unpin(long chunk) {
    Window slab = descriptors(chunk);
    if (slab == null) {
      NativeArena.releaseChunk(chunk); // C counts it in the other word; only their sum matters
      return;
    }
    int descriptor = slab.wordOf(chunk);
    slab.longs.put(descriptor + OWNER_PINS, slab.longs.get(descriptor + OWNER_PINS) - 1);
  }

  /** Returns the {@code ta_arena *}. */
  long handle() {
    return control.address + (long) at * Long.BYTES;
  }

  /**
   * Returns the descriptor of the chunk in which these bytes were handed out and have not ended, or
   * 0.
   */
  long chunkOf(long address, long size) {
    if (isInCurrentChunk(address, size)) {
      return chunk;
    }
    publish();
    return NativeArena.chunkOf(handle(), address, size);
  }

  /** Returns whether the bytes lie in the current chunk, below the cursor. */
  boolean isInCurrentChunk(long address, long size) {
    refresh();
    // Without a chunk the cursor is at the base, so that nothing lies between them.
    return address >= base && address <= cursor && size <= cursor - address;
  }

  boolean isPinned(long chunk) {
    return !isUnpinned(chunk);
  }

  /**
   * Returns the window over a chunk's descriptor, or null if none was made yet. Making one here
   * could fail, and the end of a scope must not.
   */
  private Window descriptors(long chunk) {
    return window.reaches(chunk, DESCRIPTOR_BYTES) ? window : Window.known(chunk, DESCRIPTOR_BYTES);
  }

  // ---- the rest

  void close() {
    give();
    NativeArena.close(handle());
  }

  /**
   * Notes that a raw view or an address is given out, which may be used until the end.
   *
   * @param living what is given out belongs to this, which keeps the context reachable
   */
  void expose(Object living) {
    if (!exposed) {
      exposed = true;
    }
    Reference.reachabilityFence(living);
  }

  boolean isExposed() {
    return exposed;
  }

  /**
   * Closes the arena of a context that became unreachable unclosed, on the Cleaner's thread, unless
   * somebody may still use its memory.
   *
   * @return what was done, for the report
   */
  String reclaim() {
    if (isExposed()) {
      return "its memory is lost, because raw views or addresses of it were given out";
    }
    close();
    return "its memory was reclaimed, except for chunks that shared tensors pin";
  }

  /** Milliseconds since 1970; asked while the arena is open. */
  long openedMillis() {
    return get(OPENED);
  }

  long memoryLimit() {
    return memoryLimit;
  }

  ArenaStats stats() {
    publish();
    return ArenaStats.of(handle());
  }
}
