package dev.tensorarena;

import java.lang.invoke.VarHandle;

/**
 * The position of an arena: where the cursor stands, in which chunk, and what was charged. Owner's
 * thread only, but for what {@link Figures} reads.
 *
 * <p>It has one owner at a time. While Java alone uses the arena it is <i>held</i> in the fields
 * below, and the fast paths touch no native memory. A native call that moves it is given the
 * position before, in the control block, and Java takes it back after; one that only looks at it
 * gets a copy. Once {@linkplain #lend lent}, for native code that may allocate at any moment, it
 * stays in the control block until the arena is closed.
 *
 * <p>The field {@code limit} tells which: it is 0 where the position is not held, where there is no
 * chunk, and where no window reaches all of the chunk. Then nothing fits below it, so that the fast
 * path of an allocation need not ask; {@link #refresh} goes before every other look at the fields.
 * It is set to 0 before the position is given, and set again after all else was taken back: what
 * fails in between leaves the position in the control block, never an old one in the fields.
 */
abstract class ArenaPosition extends ArenaRecord {
  // The position, as long as it is held.
  long cursor;
  long limit;
  long base;

  /** The chunk that was taken last: the current one, or one for a large allocation; 0 without. */
  long newest;

  long chargedBefore;
  long peak;
  long wasted;

  /** Of the current chunk, or of the last allocation where none reaches all of the chunk. */
  Window window;

  /**
   * Whether nobody has pinned the current chunk since it was taken, or since it was last seen to be
   * unpinned: its descriptor need not be looked at. Never where every end is C's, nor once lent.
   */
  boolean unpinned;

  /** Whether the fields have the position, and not the control block. */
  boolean held;

  /** Whether native code may move the position at any moment. */
  boolean lent;

  /** Whether the peak was read from the control block since the last review: it is older then. */
  boolean returned;

  /** An arena without a chunk stands nowhere, and Java holds that. */
  ArenaPosition(long capacity, long memoryLimit, int flags, MemoryBudget budget) {
    super(capacity, memoryLimit, flags, budget);
    this.cursor = ControlBlock.NOWHERE;
    this.base = ControlBlock.NOWHERE;
    this.held = true;
  }

  /** Returns whether there is a chunk that the cursor is in. */
  final boolean hasChunk() {
    return base != ControlBlock.NOWHERE;
  }

  /** Returns how much the chunk of an allocation must hold: the first one holds the capacity. */
  final long least(long size) {
    return hasChunk() ? size : Math.max(size, capacity());
  }

  /** Returns the descriptor of the chunk that the cursor is in, 0 without one. */
  final long chunk() {
    return isRecorded() ? get(ControlBlock.CHUNK) : 0;
  }

  /** Reads the position from the control block, unless it is held. */
  final void refresh() {
    if (limit == 0 && !held) {
      read();
    }
  }

  private void read() {
    long last = get(ControlBlock.NEWEST);
    if (last != newest) {
      newest = last;
      unpinned = false; // it may be one that was left with pins
    }
    long nowCursor = get(ControlBlock.CURSOR);
    long nowBase = get(ControlBlock.BASE);
    long nowChargedBefore = get(ControlBlock.CHARGED_BEFORE);
    long nowPeak = get(ControlBlock.PEAK);
    long nowWasted = get(ControlBlock.WASTED);
    long reserved = get(ControlBlock.RESERVED);
    long chunks = get(ControlBlock.CHUNKS);
    long refills = get(ControlBlock.REFILLS);
    Figures figures = figures();
    int version = figures.version;
    try { // only stores and fences, so that readers find all of it or nothing
      figures.version = version + 1;
      VarHandle.storeStoreFence();
      cursor = nowCursor;
      base = nowBase;
      chargedBefore = nowChargedBefore;
      peak = nowPeak;
      wasted = nowWasted;
      figures.reserved = reserved;
      figures.chunks = chunks;
      figures.refills = refills;
      VarHandle.storeStoreFence();
    } finally {
      figures.version = version + 2;
    }
    returned = true;
  }

  /** Writes to the control block what Java moves; for native calls that look at it. */
  final void publish() {
    if (held && hasChunk()) { // without a chunk nothing has moved
      write();
    }
  }

  final void write() {
    set(ControlBlock.CURSOR, cursor);
    set(ControlBlock.WASTED, wasted);
    writePeak();
  }

  /** The control block has the peak since C reset the arena; the field perhaps of less time. */
  final void writePeak() {
    set(ControlBlock.PEAK, Math.max(get(ControlBlock.PEAK), peak));
  }

  /** Begins a peak anew, of which others keep the old one. */
  final void forgetPeak() {
    writePeak();
    figures().note(peak);
    peak = 0;
  }

  /** Gives the position away, for a native call that moves it; {@link #take} goes after it. */
  final void give() {
    publish();
    limit = 0;
    held = false;
  }

  /**
   * Takes the position back from the control block; of a lent arena it only looks at it. Asks the
   * JVM for nothing, as the end of a scope must not fail.
   */
  final void take() {
    read();
    if (lent) {
      return;
    }
    long end = get(ControlBlock.LIMIT);
    if (hasChunk() && !window.reaches(base, end - base)) {
      Window known = Window.known(base, end - base);
      window = known == null ? window : known;
    }
    held = true;
    adopt(end);
  }

  /** Opens the fast path, if the window reaches all of the chunk. */
  final void adopt(long end) {
    limit = held && hasChunk() && window.reaches(base, end - base) ? end : 0;
  }

  /** Gives the position to native code for good; there is a record. */
  final void lend() {
    give();
    lent = true;
    unpinned = false;
  }
}
