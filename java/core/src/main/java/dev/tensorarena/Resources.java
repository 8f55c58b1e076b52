package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What is closed together with a scope or a shared handle: first the guards, which may refuse the
 * end, then the tracked resources, the last tracked first.
 *
 * <p>Both are lists of which only those are left that are not closed yet. So whatever is thrown
 * half-way, the same calls once more go on where they stopped. While one of them runs, what it
 * closes may ask for guards and track resources; they are closed by the same call.
 */
final class Resources {
  private static final VarHandle CLOSING;

  static {
    try {
      CLOSING = MethodHandles.lookup().findVarHandle(Resources.class, "closing", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private Guard guards;
  private Tracked tracked;

  /** What a handle's resources have thrown, until the handle's end throws it. */
  private Throwable failure;

  /** Whether a thread is in {@link #closeAll} of a handle, or in a part of it. */
  private volatile boolean closing;

  private static final class Tracked {
    final AutoCloseable resource;
    Tracked next;

    Tracked(AutoCloseable resource) {
      this.resource = resource;
    }
  }

  /** Tracks a resource; running out of heap changes nothing. */
  void add(AutoCloseable resource) {
    Tracked first = new Tracked(resource);
    first.next = tracked;
    tracked = first;
  }

  boolean hasGuards() {
    return guards != null;
  }

  /** Returns whether all is closed. */
  boolean isEmpty() {
    return guards == null && tracked == null;
  }

  /** Returns the guard of the given class that is not closed yet, or null. */
  <T extends Guard> T guard(Class<T> type) {
    return Guard.find(guards, type);
  }

  /**
   * Adds a guard that {@link Guard#make} made, unless there is one of its class by now, which its
   * maker asked for; then it is closed.
   *
   * @return the one guard of its class
   */
  <T extends Guard> T add(Class<T> type, T made) {
    T earlier = guard(type);
    if (earlier == null) {
      made.next = guards;
      guards = made;
      return made;
    }
    if (earlier != made) {
      made.close();
    }
    return earlier;
  }

  /**
   * Closes the guards, the last made first.
   *
   * @throws RuntimeException if a guard refuses; it and those that were made before it stay
   */
  void closeGuards() {
    while (guards != null) {
      Guard closing = guards;
      closing.close();
      remove(closing);
    }
  }

  /** Removes a guard, which need not be the first any more: its end may have asked for others. */
  private void remove(Guard closed) {
    if (guards == closed) {
      guards = closed.next;
      return;
    }
    Guard before = guards;
    while (before.next != closed) {
      before = before.next;
    }
    before.next = closed.next;
  }

  /**
   * Closes all tracked resources, also when some throw.
   *
   * @param earlier a failure that came before, or null
   * @return the first failure with the later ones suppressed, or null
   * @throws StackOverflowError if there is no stack to close one of the library's own
   */
  Throwable close(Throwable earlier) {
    Throwable failure = earlier;
    while (tracked != null) {
      Tracked closing = tracked;
      tracked = closing.next;
      try {
        closing.resource.close();
      } catch (Throwable e) {
        if (e instanceof StackOverflowError overflow) {
          closing.next = tracked;
          tracked = closing; // before the question, for which there may be no stack either
          if (isOpenStill(closing.resource)) {
            throw overflow;
          }
          tracked = closing.next;
        }
        failure = join(failure, e);
      }
    }
    return failure;
  }

  /**
   * Returns whether the end of a lifetime of this library, which the end of the stack has broken
   * off, must go on; what others throw when they are closed says nothing of that.
   */
  private static boolean isOpenStill(AutoCloseable resource) {
    return resource instanceof SharedTensor handle && !handle.isClosed()
        || resource instanceof TensorPin pin && pin.isOpen()
        || resource instanceof Scope scope && scope.owner != null
        || resource instanceof ExecutionContext context && !context.isClosed();
  }

  // ---- of a handle, which may be closed on any thread, and by several at once

  /**
   * Closes the guards and the tracked resources of a handle.
   *
   * @return false, with nothing done, if that is going on already: the caller is one of them, or
   *     another thread is at it
   * @throws RuntimeException if a guard refuses
   */
  boolean closeAll() {
    StackRoom.require();
    if (!enter()) {
      return false;
    }
    try {
      while (!isEmpty()) {
        closeGuards();
        failure = close(failure);
      }
    } finally {
      closing = false;
    }
    return true;
  }

  /** Does the first part of {@link #closeAll}, unless that is going on. */
  void closeGuardsOfHandle() {
    StackRoom.require();
    if (enter()) {
      try {
        closeGuards();
      } finally {
        closing = false;
      }
    }
  }

  private boolean enter() {
    return CLOSING.compareAndSet(this, false, true);
  }

  /** Throws what a resource has thrown, once, when the handle has been released. */
  void rethrow() {
    Throwable thrown = failure;
    failure = null;
    rethrow(thrown);
  }

  // ---- failures

  /** Returns the first of two failures, with the later one suppressed; either may be null. */
  static Throwable join(Throwable first, Throwable next) {
    if (first == null) {
      return next;
    }
    if (next != null && first != next) {
      suppress(first, next);
    }
    return first;
  }

  private static void suppress(Throwable first, Throwable next) {
    try {
      first.addSuppressed(next);
    } catch (OutOfMemoryError | StackOverflowError e) {
      // It was to be noted in the heap, or on the stack, that has just ended: the first one stands.
      return;
    }
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
