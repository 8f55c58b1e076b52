package dev.tensorarena;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;

/**
 * The Java side of one native arena: the fast paths of allocation, rewind, reset and pin, on the
 * position that it holds. Owner's thread only, but for {@link #id} and {@link #label}.
 */
final class Arena extends ArenaPosition {
  /** How many resets pass until the next look at whether the chunk is far too large. */
  private static final int RESETS_BETWEEN_REVIEWS = 16;

  /** Said to C instead of a peak that only C knows. */
  private static final long UNKNOWN = -1;

  /** A reset in C gives a chunk back that is so many times larger than what was used. */
  private static final long FAR_TOO_LARGE = 8;

  private static final long MIN_CHUNK = 1 << 16;

  /** With a quarantine, ended bytes are filled with a pattern and stay unused for a while. */
  private static final boolean QUARANTINE = ChunkPool.quarantineBytes() > 0;

  private static final AtomicLong IDS = new AtomicLong();
  private static final AtomicLongFieldUpdater<Arena> ID =
      AtomicLongFieldUpdater.newUpdater(Arena.class, "id");

  /** 0 until it is asked for, so that threads that open contexts do not contend for the counter. */
  private volatile long id;

  /** The name of the context, null without one. */
  final String name;

  /** Of tensors, at the least, as a power of two; here, since the context's object has no room. */
  private final byte alignmentShift;

  /** Whether bytes were charged beside the chunks since the last reset, or will be at an end. */
  boolean chargedBeside;

  /** Since the last review. A byte, and flags beside it: an idle context is to stay small. */
  private byte resets;

  /** Whether a chunk was taken beside another one since C last kept a single one. */
  boolean grown;

  /** Makes an arena without memory. */
  Arena(ExecutionContext.Builder chosen) {
    super(chosen.capacity, chosen.memoryLimit, chosen.flags, chosen.budget);
    this.name = chosen.name;
    this.alignmentShift = (byte) Integer.numberOfTrailingZeros(chosen.alignment);
  }

  /** Returns the least alignment of tensors, in bytes. */
  int alignment() {
    return 1 << alignmentShift;
  }

  // ---- allocation

  /**
   * Allocates uninitialised bytes and returns their address; {@link #window()} is the window over
   * them then.
   *
   * @param size bytes, not negative
   * @param alignment a power of two up to 4096
   * @throws MemoryLimitExceededException if the memory limit of the context or of all contexts
   *     would be exceeded
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
      Remains.takeBackQueued(); // before the pool grows
      long start = allocateInC(size, alignment);
      if (start < 0 && start != -NativeArena.LIMIT) {
        Window.takeBackForgotten(); // and before it refuses
        start = allocateInC(size, alignment);
      }
      if (start < 0) {
        throw refusal((int) -start, size);
      }
      return start;
    }
    long start = (cursor + alignment - 1) & -alignment;
    see(start, size);
    cursor = start + size;
    if (!held) {
      set(ControlBlock.CURSOR, cursor);
    }
    return start;
  }

  /** The question of the fast path, by the limit in the control block, which always has one. */
  private boolean fitsBelowLimit(long size, long alignment) {
    refresh();
    long start = (cursor + alignment - 1) & -alignment;
    long end = hasChunk() ? get(ControlBlock.LIMIT) : 0;
    return start <= end && size <= end - start;
  }

  /**
   * Has C allocate: in another chunk, or in one that is for this allocation alone.
   *
   * @return the address, or the status, negated
   */
  private long allocateInC(long size, long alignment) {
    if (!isRecorded()) {
      boolean small = size <= MIN_CHUNK; // then one call is for the record and the first chunk
      int status = record(small ? size : 0, small ? alignment : 0);
      if (status != NativeArena.OK) {
        return -status;
      }
      window = control;
      take();
      if (small) {
        return allocateSlowly(size, alignment); // there is room now
      }
    }
    long markNewest = newest;
    long markCursor = cursor;
    long markCharged = charged();
    long markWasted = wasted;
    give();
    long start = NativeArena.allocate(this, handle(), size, alignment);
    take();
    grown |= markNewest != 0;
    if (start < 0) {
      return start;
    }
    try {
      see(start, size);
    } catch (OutOfMemoryError e) { // as if nothing had been allocated
      give();
      NativeArena.rewind(this, handle(), markNewest, markCursor, markCharged, markWasted);
      take();
      throw e;
    }
    return start;
  }

  /**
   * Has the window reach bytes that are being allocated.
   *
   * @throws OutOfMemoryError if the JVM refuses the buffer
   */
  private void see(long start, long size) {
    if (!window.reaches(start, size)) {
      window = Window.over(start, size);
    }
    if (held && hasChunk()) {
      adopt(get(ControlBlock.LIMIT)); // closes the fast path where the current chunk is elsewhere
    }
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
    needRecord(size);
    publish();
    int status = NativeArena.check(this, handle(), size, alignment);
    if (status != NativeArena.OK) {
      throw refusal(status, size);
    }
  }

  /** Makes the record for what only C can do, without a chunk. */
  void needRecord(long size) {
    if (!isRecorded()) {
      int status = record(0, 0);
      if (status != NativeArena.OK) {
        throw refusal(status, size);
      }
      window = control;
    }
  }

  RuntimeException refusal(int status, long size) {
    return switch (status & MemoryBudget.STATUS) {
      case NativeArena.LIMIT ->
          new MemoryLimitExceededException(label(), size, memoryLimit, charged());
      case NativeArena.BUDGET ->
          paid.budget().refusing(status).exceeded(label(), size, least(size));
      case NativeArena.POOL_LIMIT -> ChunkPool.limitExceeded(label(), size, least(size));
      case NativeArena.NO_MEMORY ->
          throw new OutOfMemoryError(
              "the system refused memory for a tensor of " + size + " bytes of " + label());
      default -> new IllegalStateException("unexpected status " + status + " of " + label());
    };
  }

  // ---- marks: the four words that a scope remembers; it asks for the newest chunk first

  long newest() {
    refresh();
    return newest;
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
    return QUARANTINE || (flags() & NativeArena.ZERO_ON_RELEASE) != 0;
  }

  /**
   * Ends everything since the mark. Where no chunk was taken since, the cursor is all that moves.
   *
   * @return where the bytes end that stay in the mark's chunk: at the mark, unless a pin or a
   *     quarantine keeps the cursor above it
   */
  long rewind(long markNewest, long markCursor, long markCharged, long markWasted) {
    if (limit != 0 && unpinned && markNewest == newest) {
      notePeak();
      cursor = markCursor;
      wasted = markWasted;
      return markCursor;
    }
    return rewindSlowly(markNewest, markCursor, markCharged, markWasted);
  }

  private long rewindSlowly(long markNewest, long markCursor, long markCharged, long markWasted) {
    refresh();
    if (newest == 0 && markNewest == 0) {
      return markCursor; // nothing was allocated, before the mark or after
    }
    if (markNewest == newest && isUnpinned()) {
      notePeak();
      moveTo(markCursor, markWasted);
      return markCursor;
    }
    return rewindInC(markNewest, markCursor, markCharged, markWasted);
  }

  /** Does the same, and takes back what was {@linkplain #charge charged} since the mark. */
  long rewindInC(long markNewest, long markCursor, long markCharged, long markWasted) {
    give();
    NativeArena.rewind(this, handle(), markNewest, markCursor, markCharged, markWasted);
    take();
    refresh();
    return markCursor > ControlBlock.NOWHERE ? cursor : markCursor; // or there was no chunk
  }

  /**
   * Charges bytes of a scope in a chunk that is not the arena's, until {@link #rewindInC} to it.
   */
  void charge(long bytes) {
    chargedBeside = true;
    notePeak();
    give();
    NativeArena.charge(this, handle(), bytes);
    take();
  }

  /** Ends everything and keeps one chunk. */
  void reset() {
    chargedBeside = false;
    if (limit == 0) {
      refresh();
      if (newest == 0 && peak == 0 && chargedBefore == 0) {
        return;
      }
    }
    // Nothing was charged before this chunk, nor ever more than fits it, and no other was taken.
    long size = (limit != 0 ? limit : get(ControlBlock.LIMIT)) - base;
    boolean alone = hasChunk() && !grown && chargedBefore == 0 && peak <= size;
    notePeak();
    resets++;
    if (alone && isUnpinned() && !isForReview(size)) {
      moveTo(base, 0);
    } else {
      long recentPeak = held && !returned ? peak : UNKNOWN;
      give();
      figures().note(get(ControlBlock.PEAK));
      NativeArena.reset(this, handle(), resets, recentPeak);
      take();
      grown = false;
      returned = false; // the peak is of this cycle on
      resets = 0;
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
    if (resets < RESETS_BETWEEN_REVIEWS) {
      return false;
    }
    if (!held || returned || size > MIN_CHUNK && peak < size / FAR_TOO_LARGE) {
      return true; // or only C knows what was used since
    }
    forgetPeak();
    resets = 0;
    return false;
  }

  private void notePeak() {
    peak = Math.max(peak, chargedBefore + cursor - base);
  }

  /** Whether the current chunk's bytes may be handed out again without C. */
  private boolean isUnpinned() {
    if (!unpinned && !overwritesEnded() && ChunkPins.none(this, window, chunk())) {
      unpinned = held;
      return true;
    }
    return unpinned;
  }

  // ---- pins

  /** Pins bytes of this arena that have not ended; returns their chunk, or 0 if they are none. */
  long pin(long address, long size) {
    unpinned = false;
    long current = chunk();
    if (isInCurrentChunk(address, size) && ChunkPins.add(this, window, current, address + size)) {
      return current;
    }
    if (!isRecorded()) {
      return 0;
    }
    publish();
    return NativeArena.pin(this, handle(), address, size);
  }

  /** Pins bytes that a scope of this arena holds, until {@link #letGo}. */
  long hold(long address, long size) {
    long holding = chunkOf(address, size);
    if (holding == 0) {
      return 0;
    }
    Remains.Holds counted = remains().holdsOf(holding); // first: it may ask for heap
    long pinned = pin(address, size);
    counted.count++; // without a call, since the end of the stack would lose the pin
    return pinned;
  }

  /** Pins a chunk once more that is not this arena's, and that a scope of it holds already. */
  void holdBeside(long chunk) {
    Remains.Holds counted = remains().holdsOf(chunk);
    NativeArena.retainChunk(this, chunk);
    counted.count++;
  }

  /** Counts a hold of a chunk, which a scope of this arena will have. */
  void countHold(long chunk) {
    remains().holdsOf(chunk).count++;
  }

  /** Notes that a scope holds these bytes no longer; they stay pinned. */
  void letGo(long chunk) {
    remains().removeHold(chunk);
  }

  /** Releases one of the owner's pins, before the chunk's scope is rewound. */
  void unpin(long chunk) {
    ChunkPins.remove(this, window, chunk);
  }

  /** Returns the chunk in which these bytes were handed out and have not ended, or 0. */
  long chunkOf(long address, long size) {
    if (isInCurrentChunk(address, size)) {
      return chunk();
    }
    if (!isRecorded()) {
      return 0;
    }
    publish();
    return NativeArena.chunkOf(this, handle(), address, size);
  }

  /** Returns whether a chunk of the arena was taken since a mark. */
  boolean isSince(long chunk, long markNewest) {
    refresh();
    return markNewest != newest && NativeArena.isSince(this, handle(), chunk, markNewest);
  }

  /** Returns whether the bytes lie in the current chunk, below the cursor. */
  boolean isInCurrentChunk(long address, long size) {
    refresh();
    // Without a chunk the cursor is at the base, so that nothing lies between them.
    return address >= base && address <= cursor && size <= cursor - address;
  }

  /**
   * Returns whether the cursor of a mark, which lies before these bytes, was in their chunk. False,
   * too, if it was at the first byte of that: there the chunk before may have ended.
   */
  boolean isMarkIn(long chunk, long markCursor, long address) {
    long start = ChunkPins.base(this, window, chunk);
    return start != 0 && start < markCursor && markCursor <= address;
  }

  boolean isPinned(long chunk) {
    return !ChunkPins.none(this, window, chunk);
  }

  /** Returns the floor of a chunk as {@link ChunkPins#floor} does. */
  long floor(long chunk) {
    return ChunkPins.floor(this, window, chunk);
  }

  /**
   * Hands out what lies between the cursor and an address in the current chunk, of which all was
   * handed out before the last rewind; it cannot be refused.
   */
  void advanceTo(long end) {
    refresh();
    moveTo(end, wasted);
  }

  // ---- the rest

  void close() {
    if (held && hasChunk()) {
      set(ControlBlock.CURSOR, cursor); // what ends reaches up to it
      if (peak != 0) {
        writePeak(); // and what may have pages up to that
      }
    }
    limit = 0;
    held = false;
    giveRecordBack();
  }

  /** Gives the position to native code for good, and returns the {@code ta_arena *}. */
  long lentHandle() {
    needRecord(0);
    lend();
    return handle();
  }

  /** Returns a number that no other arena has, from 1 on in the order of asking; any thread. */
  long id() {
    if (id == 0) {
      ID.compareAndSet(this, 0, IDS.incrementAndGet());
    }
    return id;
  }

  @Override
  String label() {
    return "ExecutionContext " + id() + (name == null ? "" : " (" + name + ")");
  }

  long memoryLimit() {
    return memoryLimit;
  }

  ArenaStats stats() {
    if (!isRecorded()) {
      return ArenaStats.NOTHING;
    }
    publish();
    return ArenaStats.of(this, handle());
  }
}
