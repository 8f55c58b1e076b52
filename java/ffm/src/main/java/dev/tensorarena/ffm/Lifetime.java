package dev.tensorarena.ffm;

import dev.tensorarena.Guard;
import dev.tensorarena.Scope;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;

/**
 * Ends checked segments together with the bytes that they view: the guard of a scope, or of a
 * shared handle. One confined arena of the JDK serves all segments of a lifetime and a thread, so
 * that the end costs the same for one segment and for a thousand; it owns no memory.
 *
 * <p>An arena of the JDK that is in use, by a native call that it was passed to, refuses to be
 * closed. Then the lifetime does not end either.
 */
final class Lifetime extends Guard {
  private static final Cleaner CLEANER = Cleaner.create();

  /** Who may use the segments; null once they have ended. */
  private Thread thread = Thread.currentThread();

  private final Arena arena = Arena.ofConfined();

  /** What lives so long: a scope, or a tensor of one, or a shared handle or a view of it. */
  private final Object guarded;

  /** The same of other threads, which had the shared handle before. */
  private Lifetime others;

  private Lifetime(Object guarded) {
    this.guarded = guarded;
  }

  /** That of a scope, for its thread. */
  static Lifetime of(Scope scope) {
    return scope.guard(Lifetime.class, Lifetime::new);
  }

  /** That of a tensor, for the calling thread. */
  static Lifetime of(Tensor tensor) {
    Lifetime lifetime = tensor.guard(Lifetime.class, Lifetime::new);
    return lifetime.isMine() ? lifetime : lifetime.ofThisThread();
  }

  private Lifetime ofThisThread() {
    Lifetime each = others;
    while (each != null && !each.isMine()) {
      each = each.others;
    }
    if (each == null) {
      each = new Lifetime(guarded);
      each.others = others;
      others = each;
    }
    return each;
  }

  /** Whether the calling thread may use the segments now. */
  boolean isMine() {
    return thread == Thread.currentThread();
  }

  /** Throws as the JDK's arenas do when they are closed, or another thread's. */
  void refuse() {
    MemorySegment.NULL.reinterpret(0, arena, null);
    throw new IllegalStateException("Already closed");
  }

  /** The bytes at an address, as long as this lifetime lasts. */
  MemorySegment segment(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes, arena, null);
  }

  MemorySegment.Scope jdkScope() {
    return arena.scope();
  }

  /**
   * Ends the segments.
   *
   * @throws IllegalStateException if they are in use; then nothing has ended
   */
  @Override
  public void close() {
    for (Lifetime each = this; each != null; each = each.others) {
      if (each.thread != null) {
        each.end();
      }
    }
  }

  /** As the JDK's arenas are closed: on another thread or when closed before, it throws. */
  void end() {
    Thread before = thread;
    if (before != null && before != Thread.currentThread() && guarded instanceof Tensor tensor) {
      keepUntilUnreachable(tensor);
      return;
    }
    thread = null; // first: cleanup actions run in the arena's close()
    try {
      arena.close();
    } catch (RuntimeException | Error e) {
      if (arena.scope().isAlive()) {
        thread = before;
        throw e;
      }
      report(e); // a cleanup action failed, and the arena is closed all the same
    }
  }

  /**
   * A handle is released on another thread than the segments were taken on, which alone could end
   * them. So they keep their bytes until nobody can use them any more.
   */
  private void keepUntilUnreachable(Tensor tensor) {
    SharedTensor hold = thread.isAlive() ? tensor.tryShare() : null;
    thread = null;
    if (hold != null) {
      CLEANER.register(arena.scope(), hold::close);
    }
  }

  /** Has a failure thrown once the end is complete. */
  private void report(Throwable failure) {
    AutoCloseable thrower =
        () -> {
          if (failure instanceof Error error) {
            throw error;
          }
          throw (RuntimeException) failure;
        };
    if (guarded instanceof Scope scope) {
      scope.track(thrower);
    } else {
      ((Tensor) guarded).track(thrower);
    }
  }
}
