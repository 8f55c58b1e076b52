package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What is closed together with a shared handle, which any thread may close and to which any may add
 * at the same time. What is added is closed, once, by whoever ends the handle, or it is refused.
 *
 * <p>Who ends the handle closes until there is nothing left, and in the same step {@linkplain
 * #seals seals}: from then on nothing is added. User code runs outside of the lock, and what it
 * adds is closed by the same call.
 */
final class HandleResources extends Resources {
  private static final VarHandle CLOSER;

  static {
    try {
      CLOSER = MethodHandles.lookup().findVarHandle(HandleResources.class, "closer", Thread.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** The thread that is closing, or a part of it; null if none is. */
  private volatile Thread closer;

  /** Which guard is just being closed, so that it is not anybody's to take back. */
  private Guard closing;

  /** How many have found nothing left and end the handle for that; who then does not, unseals. */
  private volatile int seals;

  /** Whether another thread was turned away that wanted to close the handle. */
  private boolean wanted;

  /** Whose resources they are, once one was added. */
  private SharedTensor handle;

  /** Whether the owner's thread sees them when it closes the handle. */
  private boolean isKnownToOwner;

  /**
   * How the owner's thread gets to know of them, if it has closed the handle without having seen
   * them; null until they are listed.
   */
  static final class Missed extends Released {
    final SharedTensor handle;
    final HandleResources resources;

    /** The next one in the list of {@link SharedAllocation}. */
    Object rest;

    Missed(SharedTensor handle, HandleResources resources) {
      this.handle = handle;
      this.resources = resources;
    }

    /** Closes the handle again, which its owner had closed as if there were no resources. */
    @Override
    void released() {
      handle.close();
    }

    @Override
    public String toString() {
      return "what a shared handle tracks";
    }
  }

  boolean isSealed() {
    return seals != 0;
  }

  // ---- adding, and taking back what came too late

  /**
   * Lets the owner's thread know of them, which may just be closing the handle by a plain store.
   *
   * @param handle the handle of these resources, to which they are attached
   */
  synchronized void makeKnown(SharedTensor handle) {
    this.handle = handle;
    if (!isKnownToOwner) {
      handle.listForOwner(new Missed(handle, this));
      isKnownToOwner = true;
    }
  }

  @Override
  synchronized boolean add(AutoCloseable resource) {
    return !isSealed() && super.add(resource);
  }

  @Override
  synchronized <T extends Guard> T guard(Class<T> type) {
    return super.guard(type);
  }

  /**
   * @return the one guard of its class; null if nothing is added any more
   */
  @Override
  synchronized <T extends Guard> T put(Class<T> type, T made) {
    return isSealed() ? null : super.put(type, made);
  }

  /** Returns whether a resource was taken back: nobody has closed it, or is about to. */
  synchronized boolean takeBack(AutoCloseable resource) {
    return removeTracked(resource);
  }

  /** Returns whether a guard was taken back: nobody has closed it, or is about to. */
  synchronized boolean takeBack(Guard guard) {
    return guard != closing && super.removeGuard(guard);
  }

  // ---- closing

  /**
   * Closes the guards and the tracked resources, and seals.
   *
   * @return false, with nothing done, if that is going on already: the caller is one of them, or
   *     another thread is at it
   * @throws RuntimeException if a guard refuses; nothing is sealed then
   */
  boolean closeAll() {
    StackRoom.require();
    while (!CLOSER.compareAndSet(this, null, Thread.currentThread())) {
      if (isTurnedAway()) {
        return false;
      }
    }
    try {
      do {
        closeGuards();
        close();
      } while (!sealIfEmpty());
    } catch (Throwable refusal) {
      leave();
      closeForOthers(handle, refusal);
      throw refusal;
    }
    leave();
    return true;
  }

  /**
   * Closes the handle for whoever was turned away because the caller was about to end it, if
   * anybody was. The caller has failed to; where stack or heap have ended, he has to try again. The
   * handle does not do this itself, so that the JIT can leave out one that tracks nothing.
   */
  void closeForOthers(SharedTensor ended, Throwable failure) {
    if (failure instanceof VirtualMachineError || !takeWanted()) {
      return;
    }
    try {
      ended.close();
    } catch (Throwable again) {
      join(failure, again);
    }
  }

  /**
   * Does the first part of {@link #closeAll}, and seals. Where the caller is one of what is being
   * closed, the guards are left to who closes them.
   *
   * @return false, with nothing done, if another thread is closing
   * @throws RuntimeException if a guard refuses; nothing is sealed then
   */
  boolean closeAllGuards() {
    StackRoom.require();
    if (!CLOSER.compareAndSet(this, null, Thread.currentThread())) {
      return closer == Thread.currentThread() && seal();
    }
    try {
      do {
        closeGuards();
      } while (!sealIfNoGuards());
    } finally {
      leave();
    }
    return true;
  }

  /**
   * Returns whether somebody is closing, and notes that another one wanted to: who is closing does
   * it in his place if the handle does not end after all.
   */
  private synchronized boolean isTurnedAway() {
    Thread closes = closer;
    wanted |= closes != null && closes != Thread.currentThread();
    return closes != null;
  }

  /** Returns, once, whether another thread was turned away. */
  private synchronized boolean takeWanted() {
    boolean was = wanted;
    wanted = false;
    return was;
  }

  private synchronized boolean sealIfEmpty() {
    return isEmpty() && seal();
  }

  private synchronized boolean sealIfNoGuards() {
    return !hasGuards() && seal();
  }

  private synchronized boolean seal() {
    seals++;
    return true;
  }

  private synchronized void leave() {
    closing = null; // it may have refused
    closer = null;
  }

  /** Takes a seal away: the handle was not ended after all. */
  synchronized void unseal() {
    seals--;
  }

  @Override
  synchronized boolean isEmpty() {
    return super.isEmpty();
  }

  @Override
  synchronized Guard firstGuard() {
    closing = super.firstGuard();
    return closing;
  }

  @Override
  synchronized boolean removeGuard(Guard closed) {
    closing = null;
    return super.removeGuard(closed);
  }

  @Override
  synchronized boolean removeTracked(AutoCloseable resource) {
    return super.removeTracked(resource);
  }

  @Override
  synchronized Tracked takeLast() {
    return super.takeLast();
  }

  @Override
  synchronized void putBack(Tracked last) {
    super.putBack(last);
  }
}
