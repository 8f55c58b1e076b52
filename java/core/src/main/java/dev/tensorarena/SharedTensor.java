package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.Function;

/**
 * A handle from {@link Tensor#share()} that may be used on any thread and keeps the bytes alive
 * until its own {@link #close()}, also after the end of their scope and after reset and close of
 * their context.
 *
 * <p>The bytes are frozen. A handle is used by one thread at a time and is handed over by safe
 * publication, for example through a queue or a future. If two threads need the tensor at the same
 * time, each takes a share of its own. Views of the handle live as long as it does and may be used
 * on the same threads.
 */
public final class SharedTensor extends Tensor implements AutoCloseable {
  private static final VarHandle CLOSED;

  static {
    try {
      CLOSED = MethodHandles.lookup().findVarHandle(SharedTensor.class, "closed", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** What is closed with this handle, including its leak watch; null if there is nothing. */
  private Resources resources;

  private boolean closed;

  SharedTensor(Tensor source, SharedAllocation shared, Resources resources) {
    super(source);
    this.shared = shared;
    this.resources = resources;
  }

  boolean isClosed() {
    return closed;
  }

  /** Tracks a resource, for {@link Tensor#track}. */
  void add(AutoCloseable resource) {
    resources().add(resource);
  }

  private Resources resources() {
    if (resources == null) {
      resources = new Resources();
    }
    return resources;
  }

  /** Returns a guard, for {@link Tensor#guard}. */
  <T extends Guard> T guarded(
      Class<T> type, Function<? super Tensor, ? extends T> maker, Tensor guarded) {
    return resources().guard(type, maker, guarded, false);
  }

  /**
   * Closes the guards, while the handle can still be used.
   *
   * @throws RuntimeException if one refuses
   */
  void closeGuards() {
    if (resources != null) {
      resources.closeGuards();
    }
  }

  /**
   * Releases this handle: closes its guards and its tracked resources, the last tracked first, and
   * releases the bytes. When the last holder has released them, their memory is free again. Closing
   * twice does nothing. What a guard throws keeps the handle open; what a tracked resource throws
   * is thrown once all is closed.
   */
  @Override
  public void close() {
    closeGuards();
    if (!shared.isBiasedToMe()) {
      closeUnbiased();
    } else if (!closed) {
      closed = true; // plain: a compare-and-set would keep the handle from being optimised away
      if (resources == null) {
        shared.release();
      } else {
        closeTracking(resources, shared);
      }
    }
  }

  private void closeUnbiased() {
    if (CLOSED.compareAndSet(this, false, true)) {
      Throwable failure = closeResources();
      shared.release();
      Resources.rethrow(failure);
    }
  }

  /**
   * Closes what is tracked and releases the hold. Static, because passing the handle to a call
   * would also keep it from being optimised away.
   */
  private static void closeTracking(Resources resources, SharedAllocation shared) {
    Throwable failure = resources.close(null); // which may end the scope
    shared.release();
    Resources.rethrow(failure);
  }

  Throwable closeResources() {
    Resources tracked = resources;
    return tracked == null ? null : tracked.close(null);
  }

  /**
   * Reads the same as {@link #isClosed}, but volatile, so that the order with {@link #claim} is
   * fixed.
   */
  boolean isClosedMeanwhile() {
    return (boolean) CLOSED.getVolatile(this);
  }

  /**
   * Closes this handle without releasing its hold, if it is the only holder. A {@code tryShare} on
   * another thread is either counted here as a holder, or sees that the handle is closed.
   */
  boolean claim() {
    CLOSED.setVolatile(this, true);
    boolean alone = shared.isSoleHolder();
    if (!alone) {
      CLOSED.setVolatile(this, false);
    }
    return alone;
  }
}
