package dev.tensorarena;

import java.util.ArrayDeque;
import java.util.function.Function;

/**
 * What is closed together with a scope or a shared handle: first the guards, which may refuse the
 * end, then the tracked resources, the last tracked first.
 */
final class Resources {
  private Guard guards;

  /** The tracked resources that are not closed yet; null until something is tracked. */
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
   * Returns the guard of the given class, and makes it if there is none yet.
   *
   * @param ending whether the guards are being closed or have been: then a new guard comes too late
   *     to refuse, and is closed with the tracked resources instead
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
   * Closes the guards, the last made first.
   *
   * @throws RuntimeException if a guard refuses; it and those that were made before it stay
   */
  void closeGuards() {
    while (guards != null) {
      guards = guards.closed();
    }
  }

  /**
   * Closes all tracked resources, including those that are tracked meanwhile, also when some throw.
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

  /** Throws what {@link #close} returned, if not null; wraps a checked exception. */
  static void rethrow(Throwable failure) {
    if (failure instanceof RuntimeException) {
      throw (RuntimeException) failure;
    }
    if (failure instanceof Error) {
      throw (Error) failure;
    }
    if (failure != null) {
      throw new IllegalStateException("a tracked resource failed to close: " + failure, failure);
    }
  }
}
