package dev.tensorarena;

/**
 * What is closed together with a scope or a shared handle: first the guards, which may refuse the
 * end, then the tracked resources, the last tracked first.
 *
 * <p>Both are lists of which only those are left that are not closed yet. So whatever is thrown
 * half-way, the same calls once more go on where they stopped. While one of them runs, what it
 * closes may ask for guards and track resources; they are closed by the same call.
 */
sealed class Resources permits HandleResources {
  /** Of a scope that was adopted, what it has become one with; null in all others. */
  Scope home;

  private Guard guards;
  private Tracked tracked;

  /** What resources have thrown, with the later ones suppressed, until the end throws it. */
  private Throwable failure;

  /** A link of the list of what is tracked. */
  static final class Tracked {
    final AutoCloseable resource;
    Tracked next;

    Tracked(AutoCloseable resource) {
      this.resource = resource;
    }
  }

  /**
   * Tracks a resource; running out of heap changes nothing.
   *
   * @return false if nothing is tracked any more
   */
  boolean add(AutoCloseable resource) {
    Tracked last = new Tracked(resource);
    last.next = tracked;
    tracked = last;
    return true;
  }

  /** Returns the innermost of the scopes that are one with an open one, which is closed first. */
  static Scope latest(Scope scope) {
    Scope latest = scope.context.current;
    for (Scope each = latest; each != scope; each = each.parent) {
      if (!each.isAdopted()) {
        latest = each.parent;
      }
    }
    return latest;
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
   * maker asked for.
   *
   * @return the one guard of its class
   */
  <T extends Guard> T put(Class<T> type, T made) {
    T earlier = guard(type);
    if (earlier != null) {
      return earlier;
    }
    made.next = guards;
    guards = made;
    return made;
  }

  /**
   * Closes the guards, the last made first.
   *
   * @throws RuntimeException if a guard refuses; it and those that were made before it stay
   */
  final void closeGuards() {
    for (Guard first = firstGuard(); first != null; first = firstGuard()) {
      first.close();
      removeGuard(first);
    }
  }

  /** Asks all guards whether their scope may leave its thread; whatever one throws refuses it. */
  final void askBeforeDetach() {
    for (Guard each = guards; each != null; each = each.next) {
      each.beforeDetach();
    }
  }

  Guard firstGuard() {
    return guards;
  }

  /**
   * Removes a guard, which need not be the first any more: its end may have asked for others.
   *
   * @return whether it was there
   */
  boolean removeGuard(Guard closed) {
    if (guards == closed) {
      guards = closed.next;
      return true;
    }
    for (Guard before = guards; before != null; before = before.next) {
      if (before.next == closed) {
        before.next = closed.next;
        return true;
      }
    }
    return false;
  }

  /**
   * Closes all tracked resources, also when some throw, which {@link #takeFailure} has then.
   *
   * @throws VirtualMachineError if there is no stack or heap to close an {@link OpenResource}
   */
  final void close() {
    for (Tracked last = takeLast(); last != null; last = takeLast()) {
      try {
        last.resource.close();
      } catch (Throwable e) {
        if (e instanceof VirtualMachineError noRoom) {
          putBack(last); // before the question, for which there may be no stack either
          if (last.resource instanceof OpenResource broken && broken.isOpen()) {
            throw noRoom;
          }
          removeTracked(last.resource);
        }
        failure = join(failure, e);
      }
    }
  }

  /** Returns what resources have thrown, once, for whoever throws it; null if nothing. */
  final Throwable takeFailure() {
    Throwable thrown = failure;
    failure = null;
    return thrown;
  }

  /** Takes what was tracked last off the list; null if there is nothing. */
  Tracked takeLast() {
    Tracked last = tracked;
    if (last != null) {
      tracked = last.next;
    }
    return last;
  }

  void putBack(Tracked last) {
    last.next = tracked;
    tracked = last;
  }

  /** Takes a resource off the list; returns whether it was there. */
  boolean removeTracked(AutoCloseable resource) {
    Tracked before = null;
    for (Tracked each = tracked; each != null; each = each.next) {
      if (each.resource == resource) {
        if (before == null) {
          tracked = each.next;
        } else {
          before.next = each.next;
        }
        return true;
      }
      before = each;
    }
    return false;
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

  /** Throws what {@link #takeFailure} returned, if not null; wraps a checked exception. */
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
