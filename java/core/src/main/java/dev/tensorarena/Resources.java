package dev.tensorarena;

import java.util.ArrayDeque;
import java.util.function.Function;

/**
 * What is closed together with a scope or a shared handle: guards before the end, which may refuse
 * it, then what is tracked, last first.
 */
final class Resources {
  private Guard guards;

  /** Null until something is tracked. */
  private ArrayDeque<AutoCloseable> open;

  void add(AutoCloseable resource) {
    if (open == null) {
      open = new ArrayDeque<>(2);
    }
    open.push(resource);
  }

  boolean isEmpty() {
    return open == null || open.isEmpty();
  }

  /**
   * The guard of a class; made when there is none.
   *
   * @param ending whether the guards are being closed, or have been: then it is too late for
   *     another one to refuse, and a new one is merely tracked
   */
  <A, T extends Guard> T guard(
      Class<T> type, Function<? super A, ? extends T> maker, A guarded, boolean ending) {
    T guard = Guard.find(guards, type);
    return guard != null ? guard : makeGuard(type, maker, guarded, ending);
  }

  private <A, T extends Guard> T makeGuard(
      Class<T> type, Function<? super A, ? extends T> maker, A guarded, boolean ending) {
    T guard = Guard.make(type, maker, guarded);
    if (ending) {
      guard.linkedTo(null);
      add(guard);
    } else {
      guards = guard.linkedTo(guards);
    }
    return guard;
  }

  /**
   * Closes the guards, last made first.
   *
   * @throws RuntimeException if one refuses; it and those that were made before it stay
   */
  void closeGuards() {
    while (guards != null) {
      guards = guards.closed();
    }
  }

  /**
   * Closes all, also those that are tracked meanwhile and those behind one that throws.
   *
   * @param earlier a failure that came before, or null
   * @return the first failure with the later ones suppressed, or null
   */
  Throwable close(Throwable earlier) {
    Throwable failure = earlier;
    while (!isEmpty()) {
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
