package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.Function;

/**
 * A handle from {@link Tensor#share()} that may be used on any thread and keeps the bytes alive
 * until its own {@link #close()}, also after the end of their scope and after reset and close of
 * their context.
 *
 * <p>The bytes are frozen. A handle is handed over by safe publication, for example through a queue
 * or a future. If two threads read the tensor at the same time, each takes a share of its own, so
 * that neither closes it under the other. Views of the handle live as long as it does and may be
 * used on the same threads.
 *
 * <p>Any number of threads may close one handle, share it, pin it and make it mutable at the same
 * time: it is released once, and the others see a dead tensor. What copies or compares the bytes of
 * a handle, or writes them to a file, holds them until it is done: its result is what was in them,
 * also where another thread has closed the handle meanwhile. Single elements, arrays and raw views
 * are read without a hold.
 */
public final class SharedTensor extends Tensor implements AutoCloseable {
  private static final VarHandle ATTACHED;
  private static final VarHandle TAKEN;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      ATTACHED = lookup.findVarHandle(SharedTensor.class, "attached", Object.class);
      TAKEN = lookup.findVarHandle(SharedTensor.class, "taken", byte.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  // The states of `taken`.
  static final byte OPEN = 0;
  private static final byte ONCE = 1;

  /** Taken, and somebody else wanted to close the handle meanwhile. */
  private static final byte WANTED = 2;

  /**
   * The {@link Resources} that are closed with this handle, including its leak watch; null if there
   * are none. Once {@link SharedAllocation#list} has listed the handle, the next one of the list.
   */
  Object attached;

  /**
   * Whether the owner's thread has closed or counted the handle before the scope ended. Plain, and
   * stored by that thread alone: a compare-and-set would keep the handle from being optimised away.
   */
  boolean closed;

  /**
   * Whether the owner's thread made the handle before the scope ended, and so uses {@code closed}.
   */
  private final boolean owners;

  /** Won by whoever else closes the handle or claims it. */
  byte taken;

  SharedTensor(Tensor source, SharedAllocation shared, Resources watch) {
    super(source);
    this.shared = shared;
    this.attached = watch;
    this.owners = shared.isBiasedToMe();
  }

  boolean isClosed() {
    return closed || taken != OPEN;
  }

  /** Tracks a resource, for {@link Tensor#track}. */
  void add(AutoCloseable resource) {
    resources().add(resource);
  }

  private Resources resources() {
    if (attached instanceof Resources tracked) {
      return tracked;
    }
    Resources made = new Resources();
    if (ATTACHED.compareAndSet(this, null, made)) { // it may have just been listed
      return made;
    }
    if (attached instanceof Resources tracked) {
      return tracked;
    }
    throw releasedMeanwhile();
  }

  private Resources tracked() {
    return attached instanceof Resources tracked ? tracked : null;
  }

  /** Returns a guard, for {@link Tensor#guard}, which has asked whether the handle is open. */
  <T extends Guard> T guarded(
      Class<T> type, Function<? super Tensor, ? extends T> maker, Tensor guarded) {
    Resources tracked = tracked();
    T known = tracked == null ? null : tracked.guard(type);
    if (known != null) {
      return known;
    }
    T made = Guard.make(type, maker, guarded);
    if (isClosed()) {
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
    Resources tracked = tracked();
    if (tracked != null) {
      tracked.closeGuardsOfHandle();
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
    Resources tracked = tracked();
    if (tracked != null && !tracked.closeAll()) {
      return;
    }
    if (!closed) {
      if (owners && shared.isBiasedToMe()) {
        shared.letGo();
        closed = true;
      } else {
        closeTaken();
      }
    }
    if (tracked != null) {
      tracked.rethrow();
    }
  }

  private void closeTaken() {
    if (take()) {
      release();
    }
  }

  /** Closes what is tracked by a handle whose hold is another's now; throws what that throws. */
  void closeResources() {
    Resources tracked = tracked();
    if (tracked != null && tracked.closeAll()) {
      tracked.rethrow();
    }
  }

  // ---- taking: everything but the owner's plain close

  /** Returns whether the caller has won the handle; if not, whoever has is told to close it. */
  private boolean take() {
    for (; ; ) {
      byte found = (byte) TAKEN.compareAndExchange(this, OPEN, ONCE);
      if (found != ONCE || TAKEN.compareAndSet(this, ONCE, WANTED)) {
        return found == OPEN;
      }
    }
  }

  /** Releases the hold of this handle, which the caller has taken. */
  private void release() {
    boolean untold;
    try {
      untold = !isCountedByOwner() && shared.letGo();
    } catch (StackOverflowError e) {
      taken = OPEN; // nothing was released, and the next call does it
      throw e;
    }
    if (untold) {
      shared.foreign.tell();
    }
  }

  /** Returns whether the owner will count this handle, or did so before its scope ended. */
  private boolean isCountedByOwner() {
    return owners && !shared.isBiasedToMe() && (shared.list(this) || closed);
  }

  /**
   * Closes this handle without releasing its hold, if it is the only holder. A share that is taken
   * on another thread is either counted here as a holder, or sees that the handle is closed.
   *
   * @return false if there are other holders; the handle is open then
   * @throws IllegalStateException if another thread has released the handle
   */
  boolean claim() {
    if (!closed && take()) {
      if (shared.cede()) {
        return true;
      }
      if (TAKEN.compareAndSet(this, ONCE, OPEN)) {
        return false;
      }
      release(); // in place of who wanted to
    }
    closeResources(); // whoever released it from within one of the guards could not
    throw releasedMeanwhile();
  }
}
