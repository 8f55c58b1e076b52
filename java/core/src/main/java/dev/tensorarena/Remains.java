package dev.tensorarena;

import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What remains of an arena that became unreachable without having been closed: its record and its
 * chunks. They are taken back by whoever next needs memory of the pool, after a collection has
 * found them; no thread waits for that.
 *
 * <p>It is told by a sign, an object that only the arena refers to. An arena that is closed leaves
 * the sign here, for the next one that gets the same record: to make a reference for each would
 * cost more than all else of this. A {@link Table} has the remains at the place of the record.
 *
 * <p>The fields are plain: who has the record writes them and keeps the sign reachable, and they
 * are read once it no longer is.
 */
final class Remains extends PhantomReference<Object> {
  private static final ReferenceQueue<Object> UNREACHABLE = new ReferenceQueue<>();

  /** How many arenas with memory were found so far. */
  private static final AtomicLong FOUND = new AtomicLong();

  /**
   * Records that were made when there was no stack, or no heap, to place them. Each is there until
   * somebody makes a record next, so there is room for as many threads that fail to at one time; of
   * more, it would be lost. Under the lock of this class.
   */
  static final long[] UNPLACED = new long[256];

  /** How many there are; looked at without the lock, too, by who would only be early or late. */
  static int unplaced;

  /** Of the record; 0 while no arena has it, and before there is one. */
  private long handle;

  /** The sign, while no arena has it. */
  private Object resting;

  /** What the arena's scopes hold. */
  private Holds holds;

  /**
   * Whether a raw view or an address was given out, which may be used by who holds nothing else.
   */
  private boolean exposed;

  /** What other threads may ask of the arena. */
  final Figures figures = new Figures();

  /** Whether chunks stay out, because raw views or addresses of them were given out elsewhere. */
  private boolean incomplete;

  /** Whether the memory was taken back, or is lost. */
  private boolean over;

  Remains(Object sign) {
    super(sign, UNREACHABLE);
    this.resting = sign;
  }

  /** Returns the sign, to which only the arena refers from now on. */
  Object takeSign() {
    Object sign = resting;
    resting = null;
    return sign;
  }

  /** Notes the record of the arena that has the sign. */
  void begin(long handle, boolean exposed) {
    this.handle = handle;
    this.exposed = exposed;
  }

  /** Ends what {@link #begin} began, before the record can be another's. */
  void end(Object sign) {
    figures.clear();
    handle = 0;
    holds = null;
    resting = sign;
  }

  /** Gives back what could not be placed. */
  static void settle() {
    if (unplaced != 0) {
      settleAll();
    }
  }

  private static synchronized void settleAll() {
    while (unplaced != 0) {
      NativeArena.abandon(UNPLACED[unplaced - 1]); // where there is no stack for it, it stays
      unplaced--;
    }
  }

  void expose() {
    exposed = true;
  }

  // ---- the scopes' holds

  /**
   * How many allocations of a chunk the arena's scopes hold, each of which pins it once; a list. If
   * nobody can reach the arena, nobody can reach these allocations: until they are detached they
   * refer to it. The chunk need not be the arena's any longer, nor ever have been.
   */
  static final class Holds {
    long chunk;
    int count;
    Holds next;

    Holds(Holds next) {
      this.next = next;
    }
  }

  /** Returns where the holds of a chunk are counted, also if there is none yet. */
  Holds holdsOf(long chunk) {
    Holds unused = null;
    for (Holds each = holds; each != null; each = each.next) {
      if (each.chunk == chunk) {
        return each;
      }
      if (each.count == 0) {
        unused = each;
      }
    }
    if (unused == null) {
      unused = new Holds(holds);
      holds = unused;
    }
    unused.chunk = chunk;
    return unused;
  }

  void removeHold(long chunk) {
    Holds each = holds;
    while (each.chunk != chunk || each.count == 0) { // of one that was adopted there may be two
      each = each.next;
    }
    each.count--;
  }

  /** Takes over what the scopes of another arena hold; asks for no heap. */
  void takeHolds(Remains other) {
    while (holds != null && holds.count == 0) {
      holds = holds.next; // what was adopted before and has ended
    }
    Holds last = other.holds;
    if (last != null) {
      while (last.next != null) {
        last = last.next;
      }
      last.next = holds;
      holds = other.holds;
      other.holds = null;
    }
  }

  // ---- taking back

  /**
   * Takes back the memory of arenas that collections have found to be unreachable; any thread. Asks
   * the queue alone, to which the JVM brings them some time after the collection.
   */
  static void takeBackQueued() {
    for (Reference<?> next = UNREACHABLE.poll(); next != null; next = UNREACHABLE.poll()) {
      ((Remains) next).reclaim();
    }
  }

  /** Returns how many forgotten arenas were found so far. */
  static long found() {
    return FOUND.get();
  }

  /**
   * Takes the memory back, unless it is exposed; once. To be called on any thread, when the arena
   * is unreachable.
   *
   * @return what was done, for the report
   */
  synchronized String reclaim() {
    if (handle == 0) {
      return "it had no memory";
    }
    if (!over) {
      if (!exposed) {
        takeBack();
      }
      over = true;
      FOUND.incrementAndGet();
    }
    if (exposed) {
      return "its memory is lost, because raw views or addresses of it were given out";
    }
    return "its memory was reclaimed, except for chunks that shared tensors pin"
        + (incomplete
            ? ", and some that are lost, because raw views or addresses of them were given out"
            : "");
  }

  /** An error, as for want of stack, leaves the rest to who next looks through the table. */
  private void takeBack() {
    for (Holds each = holds; each != null; each = each.next) {
      if (each.count > 0 && NativeArena.isExposed(each.chunk)) {
        incomplete = true;
        continue;
      }
      for (; each.count > 0; each.count--) {
        NativeArena.releaseChunk(each.chunk); // in the count of others: their sum is what counts
      }
    }
    NativeArena.abandon(handle);
    over = true;
  }

  /**
   * The remains for all records whose control blocks lie in one window, by their place in it: no
   * two threads write to one place. Parts of the table are made when they are first needed.
   */
  static final class Table {
    private static final int PART = 1 << 10;

    /** Between two control blocks there are more words than this makes one of. */
    private static final int SHIFT = 3;

    /** A part, once made, stays the same, so that making another loses nothing. */
    private volatile Remains[][] parts = new Remains[0][];

    /**
     * Returns the remains for a record, which the caller's arena has.
     *
     * @param own those that the arena has already, or null
     */
    Remains at(int word, Remains own) {
      int place = word >> SHIFT;
      int index = place / PART;
      Remains[][] all = parts;
      Remains[] part = index < all.length && all[index] != null ? all[index] : make(index);
      Remains found = part[place % PART];
      if (own == null && found != null && found.resting != null) {
        return found; // the last arena with this record left it
      }
      Remains made = own == null ? new Remains(new Object()) : own;
      part[place % PART] = made;
      return made;
    }

    private synchronized Remains[] make(int index) {
      Remains[][] all = parts;
      if (index >= all.length || all[index] == null) {
        Remains[][] more = Arrays.copyOf(all, Math.max(all.length, index + 1));
        more[index] = new Remains[PART];
        parts = more;
      }
      return parts[index];
    }

    /**
     * Takes back the memory of all arenas that a collection has found to be unreachable, although
     * they may not be queued yet; looks at all records. Any thread.
     */
    void takeBackAll() {
      for (Remains[] part : parts) {
        for (int i = 0; part != null && i < PART; i++) {
          Remains each = part[i];
          if (each != null && each.refersTo(null)) {
            each.reclaim();
          }
        }
      }
    }
  }
}
