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
 * time: it is released once, and the others see a dead tensor. What they track meanwhile, or have
 * guard it, is closed with it or refused; where the owner's close was first by a hair, it is closed
 * when the owner's scope has ended.
 *
 * <p>What copies or compares the bytes of a handle, or writes them to a file, holds them until it
 * is done: its result is what was in them, also where another thread has closed the handle
 * meanwhile. Single elements, arrays and raw views are read without a hold.
 */
public final class SharedTensor extends Tensor implements OpenResource {
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
    rehearse(true);
    rehearse(false);
  }

  /** Has the JVM link what takes a handle now, and not where the heap or the stack has ended. */
  private static void rehearse(boolean exchange) {
    SharedTensor none = null;
    try {
      boolean ignored =
          exchange
              ? (byte) TAKEN.compareAndExchange(none, OPEN, ONCE) == OPEN
              : TAKEN.compareAndSet(none, OPEN, ONCE);
    } catch (NullPointerException e) {
      return; // there is no handle, and all is linked
    }
  }

  // The states of `taken`.
  static final byte OPEN = 0;
  private static final byte ONCE = 1;

  /** Taken, and somebody else wanted to close the handle meanwhile. */
  private static final byte WANTED = 2;

  /**
   * The {@link HandleResources} that are closed with this handle, including its leak watch; null if
   * there are none. Once {@link SharedAllocation#list} has listed the handle, the next one of the
   * list.
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

  SharedTensor(Tensor source, SharedAllocation shared, HandleResources watch) {
    super(source);
    this.shared = shared;
    this.attached = watch;
    this.owners = shared.isBiasedToMe();
  }

  /**
   * Returns whether the handle was not released yet, or something that it tracks is not closed
   * since an error broke that off; unlike {@link #isAlive} it asks no wrapped memory.
   *
   * @return false once all is done
   */
  @Override
  public boolean isOpen() {
    HandleResources tracked = tracked();
    return !isClosed() || tracked != null && !tracked.isEmpty();
  }

  boolean isClosed() {
    return closed || taken != OPEN;
  }

  // ---- what is closed with it: added first, and then the handle is looked at, by whoever adds;
  // who ends the handle seals what it has closed, or looks again once the handle is taken

  /** Tracks a resource, for {@link Tensor#track}. */
  void add(AutoCloseable resource) {
    HandleResources all = resources();
    if (!all.add(resource) || isClosedByNow() && all.takeBack(resource)) {
      throw releasedMeanwhile();
    }
  }

  /** Returns a guard, for {@link Tensor#guard}, which has asked whether the handle is open. */
  <T extends Guard> T guarded(
      Class<T> type, Function<? super Tensor, ? extends T> maker, Tensor guarded) {
    HandleResources all = tracked();
    T known = all == null ? null : all.guard(type);
    if (known != null) {
      return known;
    }
    T made = Guard.make(type, maker, guarded);
    T guard = null;
    try {
      guard = isClosed() ? null : add(type, made);
    } finally {
      if (guard != made) {
        made.close(); // nobody else would
      }
    }
    if (guard == null) {
      guarded.use(); // says what has ended it
      throw releasedMeanwhile();
    }
    return guard;
  }

  /** Returns the one guard of the class, or null if the handle has ended meanwhile. */
  private <T extends Guard> T add(Class<T> type, T made) {
    HandleResources all = resources();
    T guard = all.put(type, made);
    return guard == made && isClosedByNow() && all.takeBack(made) ? null : guard;
  }

  /** Returns what is attached to this handle, for something to be added. */
  private HandleResources resources() {
    StackRoom.require();
    HandleResources all = tracked();
    if (all == null) {
      HandleResources made = new HandleResources();
      all = ATTACHED.compareAndSet(this, null, made) ? made : tracked();
      if (all == null) {
        throw releasedMeanwhile(); // it has just been listed
      }
    }
    all.makeKnown(this);
    return all;
  }

  /**
   * Lists resources that another thread has attached for the owner's thread, which may close the
   * handle without seeing them.
   */
  void listForOwner(HandleResources.Missed missed) {
    if (owners && !shared.isBiasedToMe()) {
      shared.list(missed);
    }
  }

  private boolean isClosedByNow() {
    VarHandle.fullFence(); // after what was added
    return isClosed();
  }

  HandleResources tracked() {
    return attached instanceof HandleResources tracked ? tracked : null;
  }

  /**
   * Releases this handle: closes its guards and its tracked resources, the last tracked first, and
   * releases the bytes. When the last holder has released them, their memory is free again. Closing
   * twice does nothing. What a guard throws keeps the handle open; what a tracked resource throws
   * is thrown once all is closed. While another thread is ending the handle this returns at once;
   * if that one fails to, it closes the handle for this one. When an error such as a stack overflow
   * breaks off what the library does itself, the next call goes on where it stopped.
   *
   * <p>Where this was the last holder of memory that a user wrapped, its owner is told, on this
   * thread, when all is closed. An exception of the owner's is logged, an error is thrown.
   */
  @Override
  public void close() {
    HandleResources tracked = tracked();
    if (tracked != null && !tracked.closeAll()) {
      return;
    }
    if (!closed) {
      if (owners && shared.isBiasedToMe()) {
        shared.letGo();
        closed = true;
      } else {
        closeTaken(tracked);
      }
    }
    if (tracked != null) {
      Resources.rethrow(tracked.takeFailure());
    }
  }

  /** Closes this handle, of which the caller has sealed what it tracks, if it is won. */
  private void closeTaken(HandleResources sealed) {
    if (!take()) {
      return;
    }
    boolean attached; // meanwhile, by who did not see that it is taken
    boolean untold;
    try { // the stack may end where any of these is entered
      attached = tracked() != sealed;
      untold = !attached && !isCountedByOwner() && shared.letGo();
    } catch (Throwable e) { // or the heap, where one of them is linked
      taken = OPEN; // nothing was released, and the next call does it
      if (sealed != null) {
        sealed.unseal();
      }
      throw e;
    }
    if (attached) {
      taken = OPEN;
      close();
    } else if (untold) {
      tell(sealed);
    }
  }

  /** Tells the wrapped memory's owner; an error of his joins what resources have thrown. */
  private void tell(HandleResources closed) {
    try {
      shared.foreign.tell();
    } catch (Throwable e) {
      Resources.rethrow(closed == null ? e : Resources.join(closed.takeFailure(), e));
    }
  }

  /** Closes what is tracked by a handle whose hold is another's now; throws what that throws. */
  void closeResources() {
    HandleResources tracked = tracked();
    if (tracked != null && tracked.closeAll()) {
      Resources.rethrow(tracked.takeFailure());
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

  /** Returns whether the owner will count this handle, or did so before its scope ended. */
  private boolean isCountedByOwner() {
    return owners && !shared.isBiasedToMe() && (shared.list(this) || closed);
  }

  /**
   * Closes this handle without releasing its hold, if it is the only holder. A share that is taken
   * on another thread is either counted here as a holder, or sees that the handle is closed.
   *
   * <p>The caller has tried the stack, also for a close in somebody's place.
   *
   * @param sealed what is tracked by the handle, which the caller has sealed; null if nothing was
   * @return false if there are other holders, or others that track something by now; the handle is
   *     open then
   * @throws IllegalStateException if another thread has released the handle
   */
  boolean claim(HandleResources sealed) {
    if (!closed && take()) {
      boolean ceded;
      try {
        ceded = tracked() == sealed && shared.cede();
      } catch (Throwable e) { // nothing was ceded
        try {
          openAgain(); // by the same step: a close that is noted meanwhile is not to be lost
        } catch (Throwable closing) {
          Resources.join(e, closing);
        }
        throw e;
      }
      if (ceded || openAgain()) {
        return ceded;
      }
    } else {
      closeResources(); // whoever released it from within one of the guards could not
    }
    throw releasedMeanwhile();
  }

  /** Returns whether the handle, which the caller has taken, is open as it was before. */
  private boolean openAgain() {
    if (TAKEN.compareAndSet(this, ONCE, OPEN)) {
      return true;
    }
    taken = OPEN;
    close(); // in place of who wanted to
    return false;
  }
}
