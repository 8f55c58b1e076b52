package dev.tensorarena;

import java.lang.invoke.VarHandle;
import java.nio.LongBuffer;

/**
 * The Java side of one native arena: the fast paths of allocation, rewind, reset and pin, inlined
 * over the control block and the current chunk's descriptor in native memory. Everything else is
 * one call into C, which works on the same words; they are read anew after it. Owner's thread only.
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
  private static final int PEAK_CHARGE = 6;
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

  private final long handle;
  private final LongBuffer control;
  private final int at;

  /** In bytes; {@link NativeArena#UNLIMITED} for none. */
  private final long memoryLimit;

  /** The window of the last allocation. */
  private Window window;

  /** Whether ended bytes are zeroed. */
  private final boolean zeroes;

  private int resets;

  /** The most that was charged since the last review. */
  private long used;

  /**
   * Whether a raw view or an address was ever given out: then the memory of a leaked context is not
   * reclaimed.
   */
  private volatile boolean exposed;

  /**
   * A plain copy for the owner's thread: a volatile read at each use would keep the JIT from
   * merging the memory accesses around it.
   */
  private boolean exposedBefore;

  private Arena(long handle, Window window, long memoryLimit, int flags) {
    this.handle = handle;
    this.memoryLimit = memoryLimit;
    this.zeroes = (flags & NativeArena.ZERO_ON_RELEASE) != 0;
    this.control = window.longs;
    this.at = window.wordOf(handle);
    this.window = window;
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
    return control.get(at + word);
  }

  private void set(int word, long value) {
    control.put(at + word, value);
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
    long start = (get(CURSOR) + alignment - 1) & -alignment;
    long limit = get(LIMIT);
    // Addresses lie far below 2^63, so nothing wraps; the size is compared, not added.
    if (start > limit || size > limit - start) {
      return allocateSlowly(size, alignment);
    }
    if (!window.reaches(start, size)) { // or native code has moved on to another slab
      window = Window.over(start, size);
    }
    set(CURSOR, start + size);
    return start;
  }

  private long allocateSlowly(long size, long alignment) {
    int status = NativeArena.reserve(handle, size, alignment);
    if (status != NativeArena.OK) {
      throw refusal(status, size);
    }
    return allocate(size, alignment);
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
    int status = NativeArena.check(handle, size, alignment);
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

  // ---- marks: the four words that a scope remembers

  long chunk() {
    return get(CHUNK);
  }

  long cursor() {
    return get(CURSOR);
  }

  long wasted() {
    return get(WASTED);
  }

  /** Returns how many bytes the memory limit counts. */
  long charged() {
    return get(CHARGED_BEFORE) + get(CURSOR) - get(BASE);
  }

  /** Returns whether ended bytes are overwritten at once; then C does every rewind and reset. */
  boolean overwritesEnded() {
    return QUARANTINE || zeroes;
  }

  /** Ends everything since the mark. */
  void rewind(long chunk, long cursor, long charged, long wasted) {
    if (chunk != 0 && chunk == get(CHUNK) && !overwritesEnded() && unpinned(chunk)) {
      notePeak();
      set(CURSOR, cursor);
      set(WASTED, wasted);
    } else {
      NativeArena.rewind(handle, chunk, cursor, charged, wasted);
    }
  }

  /** Ends everything and keeps one chunk. */
  void reset() {
    long chunk = get(CHUNK);
    if (chunk == 0 && get(PEAK_CHARGE) == 0) {
      return;
    }
    // Nothing was charged before this chunk, and never more than fits it: there is no other one.
    boolean alone =
        chunk != 0 && get(CHARGED_BEFORE) == 0 && get(PEAK_CHARGE) <= get(LIMIT) - get(BASE);
    notePeak();
    if (alone && !overwritesEnded() && unpinned(chunk) && !isFarTooLarge()) {
      set(CURSOR, get(BASE));
      set(WASTED, 0);
    } else {
      NativeArena.reset(handle);
    }
  }

  /**
   * Whether the chunk is far too large for what the cycles since the last look used: then the reset
   * is C's, which may give the chunk back.
   */
  private boolean isFarTooLarge() {
    if (++resets % RESETS_BETWEEN_REVIEWS != 0) {
      return false;
    }
    long most = used;
    used = 0;
    long size = get(LIMIT) - get(BASE);
    return size > MIN_CHUNK && most < size / FAR_TOO_LARGE;
  }

  private void notePeak() {
    long charged = charged();
    used = Math.max(used, charged);
    if (charged > get(PEAK_CHARGE)) {
      set(PEAK_CHARGE, charged);
    }
  }

  /**
   * Returns whether nobody pins the chunk; if so, its floor is set to 0, as C does. Also false if
   * there is no window over its descriptor: then C must decide.
   */
  private boolean unpinned(long chunk) {
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
    long chunk = get(CHUNK);
    Window slab = isInCurrentChunk(address, size) ? descriptors(chunk) : null;
    if (slab == null) {
      return NativeArena.pin(handle, address, size);
    }
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
    return handle;
  }

  /**
   * Returns the descriptor of the chunk in which these bytes were handed out and have not ended, or
   * 0.
   */
  long chunkOf(long address, long size) {
    return isInCurrentChunk(address, size)
        ? get(CHUNK)
        : NativeArena.chunkOf(handle, address, size);
  }

  /** Returns whether the bytes lie in the current chunk, below the cursor. */
  boolean isInCurrentChunk(long address, long size) {
    // Without a chunk the cursor is at the base, so that nothing lies between them.
    return address >= get(BASE) && address <= get(CURSOR) && size <= get(CURSOR) - address;
  }

  boolean isPinned(long chunk) {
    return !unpinned(chunk);
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
    NativeArena.close(handle);
  }

  /** Notes that a raw view or an address is given out, which may be used until the end. */
  void expose() {
    if (!exposedBefore) {
      exposedBefore = true;
      exposed = true;
    }
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
    return ArenaStats.of(handle);
  }
}
