package dev.tensorarena;

import java.util.function.Supplier;

/** One of the guards of a scope or of a shared handle, which has one of each class at most. */
record Guard(AutoCloseable resource, Guard next) {

  /** The guard of a class in a list, or null. */
  static <T extends AutoCloseable> T find(Guard first, Class<T> type) {
    for (Guard guard = first; guard != null; guard = guard.next) {
      if (guard.resource.getClass() == type) {
        return type.cast(guard.resource);
      }
    }
    return null;
  }

  static <T extends AutoCloseable> T make(Class<T> type, Supplier<? extends T> maker) {
    T made = maker.get();
    if (made.getClass() != type) {
      throw new IllegalArgumentException(
          "a guard of " + made.getClass() + " was made where one of " + type + " was asked for");
    }
    return made;
  }

  /**
   * Closes this guard, the first of its list.
   *
   * @return the rest of the list
   * @throws RuntimeException if it refuses
   */
  Guard close() {
    try {
      resource.close();
    } catch (Exception e) {
      Resources.rethrow(e);
    }
    return next;
  }
}
