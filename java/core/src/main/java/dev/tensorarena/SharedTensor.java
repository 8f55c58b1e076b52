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

  /** Returns a guard, for {@link Tensor#guard}, which has asked whether the handle is open. */
  <T extends Guard> T guarded(
      Class<T> type, Function<? super Tensor, ? extends T> maker, Tensor guarded) {
    T known = resources == null ? null : resources.guard(type);
    if (known != null) {
      return known;
    }
    T made = Guard.make(type, maker, guarded);
    if (closed) {
      made.close(); // nobody else would
      guarded.use(); // says what has ended it
    }
    return resources().add(type, made);
  }

  /**
   * Closes the guards, while the handle can still be used.
   *
   * @throws RuntimeException if one refuses
   */
  void closeGuards() {
    if (resources != null) {
      resources.closeGuardsOfHandle();
    }
  }

  /**
   * Releases this handle: closes its guards and its tracked resources, the last tracked first, and
   * releases the bytes. When the last holder has released them, their memory is free again. Closing
   * twice does nothing. What a guard throws keeps the handle open; what a tracked resource throws
   * is thrown once all is closed. When an error such as a stack overflow breaks off what the
   * library does itself, the next call goes on where it stopped.
   */
  @Override
  public void close() {
    if (resources != null && !resources.closeAll()) {
      return;
    }
    if (!shared.isBiasedToMe()) {
      closeUnbiased();
    } else if (!closed) {
      shared.letGo();
      closed = true; // plain: a compare-and-set would keep the handle from being optimised away
    }
    if (resources != null) {
      resources.rethrow();
    }
  }

  private void closeUnbiased() {
    if (CLOSED.compareAndSet(this, false, true)) {
      boolean untold;
      try {
        untold = shared.letGo();
      } catch (StackOverflowError e) {
        closed = false; // nothing was released, and the next call does it
        throw e;
      }
      if (untold) {
        shared.foreign.tell();
      }
    }
  }

  /** Closes what is tracked by a handle whose hold is another's now; throws what that throws. */
  void closeResources() {
    if (resources != null && resources.closeAll()) {
      resources.rethrow();
    }
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
