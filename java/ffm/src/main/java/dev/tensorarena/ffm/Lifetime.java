package dev.tensorarena.ffm;

import dev.tensorarena.Guard;
import dev.tensorarena.Scope;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;

/**
 * The guard of a scope or of a shared handle that ends checked segments together with the bytes
 * that they view. For each lifetime and each thread, one confined arena of the JDK, which owns no
 * memory, serves all segments, so that the end costs the same for one segment and for a thousand.
 *
 * <p>An arena of the JDK refuses to be closed while a native call uses one of its segments. Then
 * the lifetime does not end either.
 */
final class Lifetime extends Guard {
  private static final LazyCleaner CLEANER = new LazyCleaner();

  /** The thread that may use the segments; null once they have ended. */
  private Thread thread = Thread.currentThread();

  private final Arena arena = Arena.ofConfined();

  /** A scope, a tensor of one, or a shared handle or a view of it: what lives as long as this. */
  private final Object guarded;

  /**
   * The lifetimes of other threads that use the shared handle, as a list; null if none. Those of
   * threads that have ended go with the next search: nobody can use their segments.
   */
  private Lifetime others;

  /** Whether an {@link ArenaAllocator} was opened over the scope, which ends with it. */
  private boolean hasAllocator;

  /** Whether none of the list is open any more, and none is added. */
  private boolean ended;

  private Lifetime(Object guarded) {
    this.guarded = guarded;
  }

  /** Returns the lifetime of a scope, on its thread. */
  static Lifetime of(Scope scope) {
    return scope.guard(Lifetime.class, Lifetime::new);
  }

  /** Returns the lifetime of a tensor, on the calling thread. */
  static Lifetime of(Tensor tensor) {
    for (; ; Thread.onSpinWait()) {
      Lifetime lifetime = tensor.guard(Lifetime.class, Lifetime::new);
      Lifetime mine = lifetime.isMine() ? lifetime : lifetime.ofThisThread();
      if (mine != null) {
        return mine;
      } // another thread is closing the handle, and will have closed the guard in a moment
    }
  }

  /** Returns null if all have ended. */
  private synchronized Lifetime ofThisThread() {
    for (Lifetime before = this; before.others != null; ) {
      Lifetime each = before.others;
      if (each.isMine()) {
        return each;
      }
      if (each.isLeftBehind()) {
        before.others = each.others;
      } else {
        before = each;
      }
    }
    if (ended) {
      return null;
    }
    Lifetime mine = new Lifetime(guarded);
    mine.others = others;
    others = mine;
    return mine;
  }

  /** Returns whether the thread has ended. One that is being closed is not: that may be refused. */
  private boolean isLeftBehind() {
    Thread user = thread;
    return user != null && !user.isAlive();
  }

  /** Returns whether the calling thread may use the segments now. */
  boolean isMine() {
    return thread == Thread.currentThread();
  }

  /**
   * Throws what the JDK's arenas throw when they are closed or belong to another thread.
   *
   * @param why what to add where it is closed
   */
  void refuse(String why) {
    try {
      MemorySegment.NULL.reinterpret(0, arena, null);
    } catch (IllegalStateException e) { // not the exception for another thread
      throw new IllegalStateException("Already closed" + why, e);
    }
    throw new IllegalStateException("Already closed" + why);
  }

  /** Returns the segment over the bytes at an address, which ends with this lifetime. */
  MemorySegment segment(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes, arena, null);
  }

  /**
   * Returns such a segment over wrapped memory. It keeps the tensor reachable, and so the memory
   * and the very part of it that the tensor lies in.
   */
  MemorySegment segment(long address, long bytes, Tensor wrapping) {
    return MemorySegment.ofAddress(address)
        .reinterpret(bytes, arena, ended -> Reference.reachabilityFence(wrapping));
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
    if (guarded instanceof Scope) {
      end(); // without a lock, since a scope is one thread's
      if (others == null) {
        return;
      }
    }
    Lifetime open;
    while ((open = firstOpen()) != null) {
      open.end(); // a cleanup action may have taken a segment, and so made another
    }
  }

  private synchronized Lifetime firstOpen() {
    Lifetime each = this;
    while (each != null && each.thread == null) {
      each = each.others;
    }
    ended = each == null;
    return each;
  }

  void setAllocator() {
    hasAllocator = true;
  }

  /** An arena of the JDK belongs to its thread for life, and its user closes it there. */
  @Override
  protected void beforeDetach() {
    if (hasAllocator) {
      throw new IllegalStateException(
          "an ArenaAllocator is open in the context, and belongs to thread \""
              + Thread.currentThread().getName()
              + "\"; it must be closed before its context is detached");
    }
  }

  /** Ends the segments of one thread; throws what the JDK's arenas throw if it cannot. */
  void end() {
    Thread before = thread;
    if (before == null) {
      return;
    }
    if (before != Thread.currentThread() && guarded instanceof Tensor tensor) {
      keepUntilUnreachable(tensor);
      return;
    }
    thread = null; // first: cleanup actions run in the arena's close()
    try {
      arena.close();
    } catch (RuntimeException | Error e) {
      if (arena.scope().isAlive() && before.isAlive()) {
        thread = before;
        throw e;
      }
      // A cleanup action failed, but the arena is closed; or it is confined to a thread that has
      // ended, so that nobody can use its segments, nor close it.
      report(e);
    }
  }

  /**
   * Lets the segments keep their bytes until nobody can use them any more. A handle is being closed
   * on another thread than they were taken on, which alone could end them.
   */
  private void keepUntilUnreachable(Tensor tensor) {
    if (thread.isAlive()) {
      Kept kept = new Kept();
      CLEANER.register(arena.scope(), kept); // first: what fails later has no hold yet
      kept.hold = tensor.tryShare();
      Reference.reachabilityFence(arena);
    }
    thread = null;
  }

  /** What is closed once the segments are unreachable; null for nothing. */
  private static final class Kept implements Runnable {
    volatile SharedTensor hold;

    @Override
    public void run() {
      if (hold != null) {
        hold.close();
      }
    }
  }

  /** Tracks a resource that throws the failure, so that it is thrown once the end is complete. */
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
