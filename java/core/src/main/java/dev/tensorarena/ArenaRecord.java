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

  private final long capacity;

  /** In bytes; {@link NativeArena#UNLIMITED} for none. */
  final long memoryLimit;

  /** Of the control block, which begins at a word of it; null without a record. */
  Window control;

  private int at;

  /** What outlives this object; null until there is a record, or a watch, and once closed. */
  private Remains remains;

  /** Tells the remains, by becoming unreachable, that nobody uses this any more. */
  private Object sign;

  final byte flags;

  /** Whether a raw view or an address was given out. */
  boolean exposed;

  ArenaRecord(long capacity, long memoryLimit, int flags) {
    this.capacity = capacity;
    this.memoryLimit = memoryLimit;
    this.flags = (byte) flags;
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
    long made = NativeArena.open(this, openedMillis, capacity, memoryLimit, flags, size, alignment);
    if (made < 0) {
      return (int) -made;
    }
    try {
      Window window = Window.over(made, ControlBlock.BYTES);
      int word = window.wordOf(made);
      Remains mine = window.remains.at(word, remains);
      if (remains == null) {
        remains = mine;
        sign = mine.takeSign();
      }
      if (exposed) {
        NativeArena.expose(this, made); // by who allocates next
      }
      mine.begin(made, exposed);
      at = word;
      control = window;
    } catch (Throwable e) {
      Remains.unplaced = made;
      Remains.settle(); // or the next one does, if there is no stack for it
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
      NativeArena.close(this, handle);
      control = null;
    }
  }

  /** Returns what is left of this arena once nobody can reach it. */
  final Remains remains() {
    if (remains == null) {
      remains = new Remains(new Object());
      sign = remains.takeSign();
    }
    return remains;
  }

  // ---- what is forgotten

  /**
   * Notes that a raw view or an address is given out, which may be used until the end.
   *
   * @param living what is given out belongs to this, which keeps the context reachable
   */
  final void expose(Object living) {
    if (!exposed) {
      exposed = true;
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
