package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
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
 * <p>It must not refer to the arena. A {@link Table} keeps it reachable as long as the arena is
 * open. The fields are plain: who writes them keeps the arena reachable, and they are read once it
 * no longer is.
 */
final class Remains extends PhantomReference<ArenaRecord> {
  private static final ReferenceQueue<ArenaRecord> UNREACHABLE = new ReferenceQueue<>();

  /** How many arenas with memory were found so far. */
  private static final AtomicLong FOUND = new AtomicLong();

  /** Of the record; 0 while there is none. */
  long handle;

  /** What the arena's scopes hold. */
  private Holds holds;

  /**
   * Whether a raw view or an address was given out, which may be used by who holds nothing else.
   */
  private boolean exposed;

  /** The window of the control block, and its place there; null while nothing keeps this. */
  private Window window;

  private int word;

  /** What was done, once it was. */
  private String outcome;

  Remains(ArenaRecord arena, boolean exposed) {
    super(arena, UNREACHABLE);
    this.exposed = exposed;
  }

  void expose() {
    exposed = true;
  }

  /** Keeps this reachable, at the place of a control block. */
  void keep(Window window, int word) {
    window.remains.set(word, this);
    this.window = window;
    this.word = word;
  }

  /** Lets this go, before the record can be another's. */
  void forget() {
    if (window != null) {
      window.remains.set(word, null);
      window = null;
    }
  }

  // ---- the scopes' holds

  /**
   * How many allocations of a chunk the arena's scopes hold, each of which pins it once; a list. If
   * nobody can reach the arena, nobody can reach these allocations: until they are detached they
   * refer to it.
   */
  private static final class Holds {
    long chunk;
    int count;
    final Holds next;

    Holds(long chunk, Holds next) {
      this.chunk = chunk;
      this.next = next;
    }
  }

  void addHold(long chunk) {
    Holds of = find(chunk);
    if (of == null) {
      of = find(0);
    }
    if (of == null) {
      of = new Holds(chunk, holds);
      holds = of;
    }
    of.chunk = chunk;
    of.count++;
  }

  void removeHold(long chunk) {
    Holds of = find(chunk);
    if (--of.count == 0) {
      of.chunk = 0; // for another chunk
    }
  }

  private Holds find(long chunk) {
    Holds each = holds;
    while (each != null && each.chunk != chunk) {
      each = each.next;
    }
    return each;
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
    if (outcome == null) {
      outcome = reclaimed();
    }
    return outcome;
  }

  /** An error, as for want of stack, leaves the rest to who next looks through the table. */
  private String reclaimed() {
    if (handle == 0) {
      return "it had no memory";
    }
    if (exposed) {
      forget();
      FOUND.incrementAndGet();
      return "its memory is lost, because raw views or addresses of it were given out";
    }
    for (Holds each = holds; each != null; each = each.next) {
      ChunkPins.remove(window, each.chunk, each.count);
      each.count = 0;
    }
    NativeArena.abandon(handle);
    handle = 0;
    if (window != null) {
      window.remains.remove(word, this); // the place may be another's by now
    }
    FOUND.incrementAndGet();
    return "its memory was reclaimed, except for chunks that shared tensors pin";
  }

  /**
   * The remains of all open arenas whose control blocks lie in one window, by their place in it: no
   * two threads write to one place. Parts of the table are made when they are first needed.
   */
  static final class Table {
    private static final int PART = 1 << 10;
    private static final VarHandle PLACE = MethodHandles.arrayElementVarHandle(Remains[].class);

    /** A part, once made, stays the same, so that making another loses nothing. */
    private volatile Remains[][] parts = new Remains[0][];

    private static int place(int word) {
      return word / ControlBlock.WORDS; // no two control blocks overlap
    }

    private void set(int word, Remains remains) {
      int place = place(word);
      Remains[][] all = parts;
      int index = place / PART;
      Remains[] part = index < all.length ? all[index] : null;
      (part != null ? part : make(index))[place % PART] = remains;
    }

    private void remove(int word, Remains remains) {
      PLACE.compareAndSet(parts[place(word) / PART], place(word) % PART, remains, null);
    }

    /**
     * Takes back the memory of all arenas that a collection has found to be unreachable, although
     * they may not be queued yet; looks at all open ones. Any thread.
     */
    void takeBackAll() {
      for (Remains[] part : parts) {
        for (int i = 0; part != null && i < PART; i++) {
          Remains each = part[i]; // if it was closed meanwhile, it has no memory any more
          if (each != null && each.refersTo(null)) {
            each.reclaim();
          }
        }
      }
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
  }
}
