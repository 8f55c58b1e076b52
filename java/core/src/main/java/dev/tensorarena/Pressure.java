package dev.tensorarena;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Asks the {@linkplain MemoryBudget.PressureListener listeners} of budgets to free memory. */
final class Pressure {
  /** The threads that are in a listener. A thread-local would be one of a carrier's, or keep us. */
  private static final Set<Thread> ASKING = ConcurrentHashMap.newKeySet();

  private Pressure() {}

  /**
   * Has listeners free something for an allocation of a context that was refused; returns if it is
   * to be tried once more, from the beginning.
   *
   * @throws MemoryLimitExceededException the refusal, if not
   */
  static void relieve(Arena arena, MemoryLimitExceededException refusal) {
    if (arena.paid == null || refusal.isOfContext()) {
      throw refusal;
    }
    relieve(arena.paid.budget(), refusal);
  }

  /** Does the same for a budget's own demand. */
  static void relieve(MemoryBudget asking, MemoryLimitExceededException refusal) {
    var listeners = asking.listenersUpTo(refusal.budget());
    if (listeners.isEmpty()) {
      throw refusal;
    }
    StackRoom.requireForUsers(); // or the thread would stay among those who ask
    Thread thread = Thread.currentThread();
    if (!ASKING.add(thread)) {
      throw refusal; // by what a listener of this thread allocates
    }
    try {
      for (MemoryBudget.Listener each : listeners) {
        if (each.isOpen && isRelieved(each, refusal)) {
          for (Throwable thrown : refusal.getSuppressed()) {
            Released.logIfPossible("a pressure listener failed", thrown); // it goes on without
          }
          return;
        }
      }
    } finally {
      ASKING.remove(thread);
    }
    throw refusal;
  }

  private static boolean isRelieved(
      MemoryBudget.Listener listener, MemoryLimitExceededException refusal) {
    long before = refusal.usedNow();
    try {
      return listener.asked.free(refusal.missing()) && refusal.usedNow() < before;
    } catch (Throwable e) {
      refusal.addSuppressed(e);
      return false;
    }
  }
}
