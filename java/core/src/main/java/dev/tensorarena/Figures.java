package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What an arena's owner last saw in the library's record, for the statistics that other threads ask
 * for. They never look at the record itself, which may be another arena's at any moment.
 *
 * <p>What the owner reads there, this and the {@link ArenaPosition position}, it stores between two
 * steps of the version, which is odd meanwhile; a thread that finds the same even version before
 * and after has read what belongs together. On its fast paths the owner moves the cursor alone, or
 * one after the other fields that are each a number of their own: so nothing is added there.
 *
 * <p>As all {@link Remains} it is left to the next arena with the same record, so it costs no
 * context an object.
 */
final class Figures {
  private static final VarHandle VERSION;

  static {
    try {
      VERSION = MethodHandles.lookup().findVarHandle(Figures.class, "version", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  int version;
  long reserved;
  long chunks;
  long refills;

  /** The highest charge that the arena's own field has no longer. */
  long peak;

  /** Forgets all, for the next arena. Who still asks for this one is told that it is closed. */
  void clear() {
    reserved = 0;
    chunks = 0;
    refills = 0;
    peak = 0;
  }

  /** Notes a peak that the arena's field is about to forget; readers look there first. */
  void note(long highest) {
    peak = Math.max(peak, highest);
    VarHandle.storeStoreFence();
  }

  /**
   * Returns statistics of an arena on any thread, each a number that it had. The caller looks
   * afterwards whether its context has ended: then they may be the next arena's.
   */
  static ArenaStats of(Arena arena) {
    for (; ; Thread.onSpinWait()) {
      Figures figures = arena.figuresIfAny();
      if (figures == null) {
        return ArenaStats.NOTHING;
      }
      ArenaStats seen = figures.read(arena);
      if (seen != null) {
        return seen;
      }
    }
  }

  /** Returns null if the owner has changed something meanwhile. */
  private ArenaStats read(Arena arena) {
    int before = (int) VERSION.getAcquire(this);
    long charged = arena.chargedBefore + arena.cursor - arena.base;
    VarHandle.acquireFence(); // the peak is noted before the cursor goes back
    long recentPeak = arena.peak;
    VarHandle.acquireFence(); // and kept here before it is forgotten there
    long highest = Math.max(peak, Math.max(recentPeak, charged));
    ArenaStats seen = new ArenaStats(charged, reserved, highest, arena.wasted, chunks, refills);
    VarHandle.acquireFence();
    return (before & 1) == 0 && before == version ? seen : null;
  }
}
