package dev.tensorarena;

import java.util.function.Supplier;

/**
 * The guards of a scope or of a shared handle, one of each class: closed when it is about to end,
 * while all of it can still be used, and allowed to refuse that.
 */
final class Guards {
  private record Entry(AutoCloseable guard, Entry next) {}

  private Entry first;

  /** The guard of a class; made when there is none. */
  <T extends AutoCloseable> T get(Class<T> type, Supplier<? extends T> maker) {
    for (Entry entry = first; entry != null; entry = entry.next) {
      if (entry.guard.getClass() == type) {
        return type.cast(entry.guard);
      }
    }
    T guard = make(type, maker);
    first = new Entry(guard, first);
    return guard;
  }

  static <T extends AutoCloseable> T make(Class<T> type, Supplier<? extends T> maker) {
    T guard = maker.get();
    if (guard.getClass() != type) {
      throw new IllegalArgumentException(
          "a guard of " + guard.getClass() + " was made where one of " + type + " was asked for");
    }
    return guard;
  }

  /**
   * Closes all, last made first.
   *
   * @throws RuntimeException if one refuses; it and those that were made before it stay
   */
  void close() {
    while (first != null) {
      try {
        first.guard.close();
      } catch (Exception e) {
        Resources.rethrow(e);
      }
      first = first.next;
    }
  }
}
