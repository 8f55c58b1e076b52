package dev.tensorarena;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;

/**
 * The custody of a handle that was handed off, which is taken by a single step: before a function
 * of it begins, or to close the handle without that. What a guard keeps open then is nobody's any
 * more: the collector tries to close it, again and again until it is closed.
 */
final class Custody {
  private static final LazyCleaner CLEANER = new LazyCleaner();

  private final AtomicReference<SharedTensor> handle;

  /** What the collector is to do, until the handle is closed. */
  private Cleaner.Cleanable collected;

  /** Takes the custody of a handle; {@link #watch} follows. */
  Custody(SharedTensor handle) {
    this.handle = new AtomicReference<>(handle);
  }

  /**
   * Has the handle closed once an object is unreachable, if it is not by then.
   *
   * @param borrower whoever is to call the function
   * @param result what is cancelled then; null for none
   */
  void watch(Object borrower, Future<?> result) {
    collected = CLEANER.register(borrower, () -> collect(result));
    Reference.reachabilityFence(borrower);
  }

  /** Ends what nobody can run any more, or has the collector forget what has ended. */
  private void collect(Future<?> result) {
    try {
      if (isHeld()) {
        if (result != null) {
          result.cancel(false);
        }
        drop();
      }
    } catch (Throwable e) { // said here, since the cleaner does not know what it was
      Released.logIfPossible("closing the handle of a task that was let go of failed", e);
    }
    if (isHeld()) {
      watch(new Object(), null); // a guard has refused once more
    }
  }

  private boolean isHeld() {
    return handle.get() != null;
  }

  /** Calls the function unless the handle was closed before; returns null then. */
  <R> R begin(Function<? super SharedTensor, ? extends R> function) {
    SharedTensor taken = handle.getAndSet(null);
    if (taken == null) {
      return null; // the future is cancelled
    }
    try {
      return Handoff.apply(function, taken);
    } finally {
      end(taken);
    }
  }

  /** Closes the handle unless the function has begun. */
  void drop() {
    SharedTensor taken = handle.getAndSet(null);
    if (taken != null) {
      try {
        taken.close();
      } finally {
        end(taken);
      }
    }
  }

  private void end(SharedTensor closed) {
    if (closed.isOpen()) {
      handle.set(closed); // a guard has refused: the collector tries again
    } else {
      collected.clean();
    }
  }

  /** Closes a handle that nobody else has, at the latest by the collector. */
  static void close(SharedTensor handle) {
    try {
      handle.close();
    } finally {
      if (handle.isOpen()) {
        new Custody(handle).watch(new Object(), null);
      }
    }
  }
}
