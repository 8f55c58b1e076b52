package dev.tensorarena;

import java.lang.ref.Reference;

/**
 * An arena's record in native memory, of which Java sees the control block. It is made when memory
 * is first needed, so that an arena without any is nothing but a few objects of the heap. It is
 * given back at the end or, if the arena is forgotten, by {@link Remains}. Owner's thread only.
 *
 * <p>Everything that uses an arena refers to this object, also while it works on the record: once
 * nobody does, the record may be another arena's.
 */
abstract class ArenaRecord {
  /** Milliseconds since 1970, by the system's coarse clock. */
  final long openedMillis = NativeArena.coarseMillis();

  private static final int FLAGS_SHIFT = 48;
  private static final long CAPACITY = (1L << FLAGS_SHIFT) - 1;
  private static final long EXPOSED = 1L << 62;

  /**
   * The capacity, up to 2^46; above it the options of the header, and whether a raw view or an
   * address was given out. With a field for each an idle context would be larger.
   */
  private long options;

  /** In bytes; {@link NativeArena#UNLIMITED} for none. */
  final long memoryLimit;

  /** Of the control block, which begins at a word of it; null without a record. */
  Window control;

  private int at;

  /** What outlives this object; null until there is a record, or a watch, and once closed. */
  private Remains remains;

  /** Tells the remains, by becoming unreachable, that nobody uses this any more. */
  private Object sign;

  /** What it has of its budget; null without one. */
  final MemoryBudget.Use paid;

  ArenaRecord(long capacity, long memoryLimit, int flags, MemoryBudget budget) {
    this.options = capacity | (long) flags << FLAGS_SHIFT;
    this.memoryLimit = memoryLimit;
    this.paid = budget == null ? null : budget.enter(this);
  }

  final long capacity() {
    return options & CAPACITY;
  }

  /** Returns the options of the header. */
  final int flags() {
    return (int) ((options & ~EXPOSED) >>> FLAGS_SHIFT);
  }

  final boolean isExposed() {
    return (options & EXPOSED) != 0;
  }

  // ---- making the record and giving it back

  /** Returns whether native memory was needed so far. */
  final boolean isRecorded() {
    return control != null;
  }

  /**
   * Makes the record, and a chunk that has room for an allocation, unless the alignment is 0.
   *
   * @return the status; other than {@link NativeArena#OK}, nothing has changed
   * @throws OutOfMemoryError if the JVM refuses a buffer, or there is no heap; nothing has changed
   */
  final int record(long size, long alignment) {
    Remains.settle();
    long budget = paid == null ? 0 : paid.budget().handle();
    long made =
        NativeArena.open(
            this, openedMillis, capacity(), memoryLimit, flags(), budget, size, alignment);
    if (made < 0) {
      return (int) -made;
    }
    try {
      Window window = Window.over(made, ControlBlock.BYTES_READ);
      int word = window.wordOf(made);
      Remains mine = window.remains.at(word, remains);
      if (remains == null) {
        remains = mine;
        sign = mine.takeSign();
      }
      if (isExposed()) {
        NativeArena.expose(this, made); // by who allocates next
      }
      mine.begin(made, isExposed());
      if (paid != null) {
        paid.entry().record = made;
      }
      at = word;
      control = window; // last: what fails before has the record taken back
    } catch (Throwable e) {
      synchronized (Remains.class) { // without a call, for which there may be no stack
        if (Remains.unplaced < Remains.UNPLACED.length) {
          Remains.UNPLACED[Remains.unplaced++] = made;
        }
      }
      Remains.settle(); // or the next one does
      throw e;
    }
    return NativeArena.OK;
  }

  /** Gives the record back, if there is one; may be repeated. */
  final void giveRecordBack() {
    if (control != null) {
      long handle = handle();
      if (remains != null) {
        remains.end(sign);
        remains = null;
        sign = null;
      }
      if (paid != null) {
        paid.entry().record = 0; // before it can be another's
      }
      NativeArena.close(this, handle);
      control = null;
    }
    if (paid != null) {
      paid.entry().leave();
    }
  }

  /** Returns what the context is called in messages; any thread. */
  abstract String label();

  /** Returns what is left of this arena once nobody can reach it. */
  final Remains remains() {
    if (remains == null) {
      remains = new Remains(new Object());
      sign = remains.takeSign();
    }
    return remains;
  }

  /** Returns what other threads may ask of an arena that has a record. */
  final Figures figures() {
    return remains.figures;
  }

  /** Returns the same on any thread; null if there is nothing to know, or no longer. */
  final Figures figuresIfAny() {
    Remains now = remains;
    return now == null ? null : now.figures;
  }

  // ---- what is forgotten

  /**
   * Notes that a raw view or an address is given out, which may be used until the end.
   *
   * @param living what is given out belongs to this, which keeps the context reachable
   */
  final void expose(Object living) {
    if (!isExposed()) {
      options |= EXPOSED;
      if (remains != null) {
        remains.expose();
      }
      if (isRecorded()) {
        NativeArena.expose(this, handle());
      }
    }
    Reference.reachabilityFence(living);
  }

  // ---- the control block

  /** Returns the {@code ta_arena *} of an arena that has a record. */
  final long handle() {
    return control.address + (long) at * Long.BYTES;
  }

  final long get(int word) {
    long value = control.longs.get(at + word);
    Reference.reachabilityFence(this);
    return value;
  }

  final void set(int word, long value) {
    control.longs.put(at + word, value);
    Reference.reachabilityFence(this);
  }
}
