package dev.tensorarena;

import java.util.ArrayDeque;

/**
 * What is closed together with a scope or a shared handle: guards before the end, which may refuse
 * it, then what is tracked, last first.
 */
final class Resources {
  final Guards guards = new Guards();

  private final ArrayDeque<AutoCloseable> open = new ArrayDeque<>(2);

  void add(AutoCloseable resource) {
    open.push(resource);
  }

  boolean isEmpty() {
    return open.isEmpty();
  }

  /**
   * Closes all, also those that are tracked meanwhile and those behind one that throws.
   *
   * @param earlier a failure that came before, or null
   * @return the first failure with the later ones suppressed, or null
   */
  Throwable close(Throwable earlier) {
    Throwable failure = earlier;
    while (!open.isEmpty()) {
      try {
        open.pop().close();
      } catch (Throwable e) {
        failure = join(failure, e);
      }
    }
    return failure;
  }

  private static Throwable join(Throwable first, Throwable next) {
    if (first == null) {
      return next;
    }
    if (first != next) {
      first.addSuppressed(next);
    }
    return first;
  }

  /** Throws what {@link #close} returned; a checked exception goes inside an unchecked one. */
  static void rethrow(Throwable failure) {
    if (failure instanceof RuntimeException) {
      throw (RuntimeException) failure;
    }
    if (failure instanceof Error) {
      throw (Error) failure;
    }
    if (failure != null) {
      throw new IllegalStateException("a tracked resource did not close: " + failure, failure);
    }
  }
}
