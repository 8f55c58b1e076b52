package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.Function;

/**
 * A handle from {@link Tensor#share()} that keeps the bytes alive past the scope, the reset and the
 * close of their context, on any thread, until its own {@link #close()}.
 *
 * <p>The bytes are frozen. A handle is used by one thread at a time and is handed over with safe
 * publication, as a queue or a future does it; two threads that need the tensor take a share each.
 * Views of the handle live as long as it does and may be used wherever it may.
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

  /** What is closed with this handle, the leak watch included; null for nothing. */
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

  /** For {@link Tensor#track}. */
  void add(AutoCloseable resource) {
    resources().add(resource);
  }

  private Resources resources() {
    if (resources == null) {
      resources = new Resources();
    }
    return resources;
  }

  /** For {@link Tensor#guard}. */
  <T extends Guard> T guarded(
      Class<T> type, Function<? super Tensor, ? extends T> maker, Tensor guarded) {
    return resources().guard(type, maker, guarded, false);
  }

  /**
   * Asks the guards, while the handle can still be used.
   *
   * @throws RuntimeException if one refuses
   */
  void closeGuards() {
    if (resources != null) {
      resources.closeGuards();
    }
  }

  /**
   * Releases this handle: closes what it tracks, last tracked first, and lets the bytes go; with
   * the last holder their memory is free again. Closing twice does nothing.
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

  /** Static, since a call with the handle itself would keep it from being optimised away, too. */
  private static void closeTracking(Resources resources, SharedAllocation shared) {
    Throwable failure = resources.close(null); // which may end the scope
    shared.release();
    Resources.rethrow(failure);
  }

  Throwable closeResources() {
    Resources tracked = resources;
    return tracked == null ? null : tracked.close(null);
  }

  /** As {@link #isClosed}, ordered after a retain and before a {@link #claim}. */
  boolean isClosedMeanwhile() {
    return (boolean) CLOSED.getVolatile(this);
  }

  /**
   * Closes this handle without releasing its hold, if it is the only one. A {@code tryShare} on
   * another thread either is seen here as a holder, or sees there that the handle is closed.
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
