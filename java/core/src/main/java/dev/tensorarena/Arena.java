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
 *   behind it       8 opened, in milliseconds since 1970
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

  /** Of the control block and the words behind it that are read here. */
  private static final int CONTROL_BYTES = 9 * Long.BYTES;

  private static final int PINS_WORD = 0;
  private static final int OWNER_PINS = 1;
  private static final int FLOOR = 2;

  /** Of the words of a descriptor that are read here. */
  private static final int DESCRIPTOR_BYTES = 3 * Long.BYTES;

  /** So often a chunk is looked at that may have become far too large. */
  private static final int RESETS_BETWEEN_REVIEWS = 64;

  private static final long MIN_CHUNK = 1 << 16;

  /** With a quarantine, ended bytes are filled and rest. */
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

  /** Whether a raw view or an address ever left: then the memory is never reclaimed unasked. */
  private volatile boolean exposed;

  /**
   * The same, plain: a volatile read at each use would keep the JIT from merging what is around.
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
   * The address of so many new bytes, uninitialised; {@link #window()} then holds it.
   *
   * @param size bytes, not negative
   * @param alignment a power of two up to 4096
   * @throws MemoryLimitExceededException if the context's or the process's limit would be passed
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

  /** The window of the bytes that {@link #allocate} gave last. */
  Window window() {
    return window;
  }

  /**
   * Throws as an allocation would that passes the context's limit; changes nothing.
   *
   * @throws MemoryLimitExceededException if the limit would be passed
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

  // ---- marks: four words of a scope

  long chunk() {
    return get(CHUNK);
  }

  long cursor() {
    return get(CURSOR);
  }

  long wasted() {
    return get(WASTED);
  }

  /** What the memory limit counts. */
  long charged() {
    return get(CHARGED_BEFORE) + get(CURSOR) - get(BASE);
  }

  /** Whether ended bytes are filled at once; then every end of a scope is C's. */
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
    // Nothing was charged before it, nor ever more than it holds: there are no others to give back.
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
   * Whether the last cycles used less than an eighth of the chunk, as C asks it too: then C may
   * give it back. Memory that is put to use is reset without C.
   */
  private boolean isFarTooLarge() {
    if (++resets % RESETS_BETWEEN_REVIEWS != 0) {
      return false;
    }
    long most = used;
    used = 0;
    long size = get(LIMIT) - get(BASE);
    return size > MIN_CHUNK && most < size / 8;
  }

  private void notePeak() {
    long charged = charged();
    used = Math.max(used, charged);
    if (charged > get(PEAK_CHARGE)) {
      set(PEAK_CHARGE, charged);
    }
  }

  /**
   * Whether nobody is known to pin the chunk; then its floor falls, as in C. Without a window over
   * its descriptor only C knows.
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
    // Who released last read the bytes before; what overwrites them comes after.
    VarHandle.acquireFence();
    slab.longs.put(descriptor + FLOOR, 0);
    return true;
  }

  // ---- pins

  /** Pins bytes of this arena for as long as they live; returns their chunk, for {@link #unpin}. */
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

  /** Takes one of the owner's pins back, before the chunk's scope is rewound. */
  void unpin(long chunk) {
    Window slab = descriptors(chunk);
    if (slab == null) {
      NativeArena.releaseChunk(chunk); // in the other count: their sum is what counts
      return;
    }
    int descriptor = slab.wordOf(chunk);
    slab.longs.put(descriptor + OWNER_PINS, slab.longs.get(descriptor + OWNER_PINS) - 1);
  }

  /** The {@code ta_arena *}. */
  long handle() {
    return handle;
  }

  /** The chunk in which these bytes were handed out and have not ended; 0 if in none. */
  long chunkOf(long address, long size) {
    return isInCurrentChunk(address, size)
        ? get(CHUNK)
        : NativeArena.chunkOf(handle, address, size);
  }

  /** Whether the bytes lie in the current chunk, below the cursor. */
  boolean isInCurrentChunk(long address, long size) {
    // Without a chunk the cursor stands at the base, so that nothing is in between.
    return address >= get(BASE) && address <= get(CURSOR) && size <= get(CURSOR) - address;
  }

  boolean isPinned(long chunk) {
    return !unpinned(chunk);
  }

  /**
   * The window over a chunk's descriptor; null if the JVM has not given one. To ask for it here
   * could fail, and the end of a scope must not.
   */
  private Window descriptors(long chunk) {
    return window.reaches(chunk, DESCRIPTOR_BYTES) ? window : Window.known(chunk, DESCRIPTOR_BYTES);
  }

  // ---- the rest

  void close() {
    NativeArena.close(handle);
  }

  /** A raw view or an address leaves: the memory must not be reclaimed behind the user's back. */
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
      return "its memory is lost, since raw views or addresses of it were given out";
    }
    close();
    return "its memory was reclaimed, but for chunks that shared tensors pin";
  }

  /** Milliseconds since 1970; asked while the arena is open. */
  long openedMillis() {
    return get(OPENED);
  }

  long memoryLimit() {
    return memoryLimit;
  }

  ArenaStats stats() {
    return new ArenaStats(
        charged(),
        NativeArena.arenaStat(handle, NativeArena.RESERVED),
        NativeArena.arenaStat(handle, NativeArena.PEAK),
        wasted(),
        NativeArena.arenaStat(handle, NativeArena.CHUNKS),
        NativeArena.arenaStat(handle, NativeArena.REFILLS));
  }
}
