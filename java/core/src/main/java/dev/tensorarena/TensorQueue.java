package dev.tensorarena;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A queue of shared handles between threads, bounded by their number and by the bytes of their
 * tensors, so that a stage that is slower than the one before it cannot fill the memory.
 *
 * <pre>{@code
 * queue.put(tensor.share()); // waits for room
 * try (SharedTensor x = queue.take()) { ... } // on another thread
 * }</pre>
 *
 * <p>A handle is the queue's once {@link #put} has returned or {@link #offer} has returned true,
 * and the caller's again once {@link #take} or {@link #poll} has returned it. Whatever else happens
 * (an interruption, the end of the waiting time, of the queue, of the heap), it is where it was.
 * What is in the queue when that is closed is closed with it.
 *
 * <p>A tensor counts with the bytes of its elements, at least 1. One that has more than the bound
 * enters an empty queue. Of those that wait for room one is the next, and none that takes less room
 * passes it. All methods may be called from any thread, virtual ones included.
 */
public final class TensorQueue implements AutoCloseable {
  private static final int FIRST_CAPACITY = 16;

  private final int handles;
  private final long bytes;

  /** Held by the one that puts next, also while it waits for room. */
  private final ReentrantLock turn = new ReentrantLock();

  /**
   * Guards all that follows. Whoever has both has taken its turn first. The stack is tried before:
   * where it ends in a call that is to give a lock back, nobody gets that any more.
   */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition notEmpty = lock.newCondition();

  /** At most one waits here, whose turn it is. */
  private final Condition room = lock.newCondition();

  /** A ring: those in the queue begin at {@code first}. */
  private SharedTensor[] ring;

  private int first;
  private int size;
  private long used;
  private boolean closed;

  private TensorQueue(int handles, long bytes) {
    this.handles = handles;
    this.bytes = bytes;
    this.ring = new SharedTensor[Math.min(handles, FIRST_CAPACITY)];
  }

  /**
   * Makes a queue.
   *
   * @param handles how many handles it holds at most
   * @param bytes how many bytes their tensors have at most, but for a single one with more
   * @return an empty queue
   * @throws IllegalArgumentException if a bound is not positive
   */
  public static TensorQueue bounded(int handles, long bytes) {
    if (handles < 1) {
      throw new IllegalArgumentException("a queue of " + handles + " handles");
    }
    if (bytes < 1) {
      throw new IllegalArgumentException("a queue of " + bytes + " bytes");
    }
    return new TensorQueue(handles, bytes);
  }

  /**
   * Puts a handle at the end, and waits for room if there is none.
   *
   * @param handle the handle, which is the queue's once this has returned
   * @throws InterruptedException if the thread is interrupted; the handle stays the caller's
   * @throws IllegalStateException if the handle was released, or if the queue is closed, also while
   *     this waits; the handle stays the caller's
   */
  public void put(SharedTensor handle) throws InterruptedException {
    StackRoom.require();
    long count = bytesOf(handle);
    turn.lockInterruptibly();
    try {
      lock.lockInterruptibly();
      try {
        while (!hasRoomFor(count)) {
          room.await();
        }
        add(handle, count);
      } finally {
        lock.unlock();
      }
    } finally {
      turn.unlock();
    }
  }

  /**
   * Puts a handle at the end, and waits for room if there is none, but not longer than a time.
   *
   * @param handle the handle, which is the queue's if this returns true
   * @param time how long to wait; not at all if it is 0 or negative
   * @param unit the unit of the time
   * @return whether there was room; if not, the handle stays the caller's
   * @throws InterruptedException as {@link #put}
   * @throws IllegalStateException as {@link #put}
   */
  public boolean offer(SharedTensor handle, long time, TimeUnit unit) throws InterruptedException {
    StackRoom.require();
    long count = bytesOf(handle);
    long deadline = System.nanoTime() + unit.toNanos(time);
    if (!turn.tryLock(time, unit)) {
      requireOpen();
      return false;
    }
    try {
      lock.lockInterruptibly();
      try {
        while (!hasRoomFor(count)) {
          long left = deadline - System.nanoTime();
          if (time <= 0 || left <= 0) {
            return false;
          }
          room.awaitNanos(left);
        }
        add(handle, count);
        return true;
      } finally {
        lock.unlock();
      }
    } finally {
      turn.unlock();
    }
  }

  /**
   * Takes the first handle, and waits for one if there is none.
   *
   * @return a handle, which is the caller's to close
   * @throws InterruptedException if the thread is interrupted; nothing is taken
   * @throws IllegalStateException if the queue is closed, also while this waits
   */
  public SharedTensor take() throws InterruptedException {
    StackRoom.require();
    lock.lockInterruptibly();
    try {
      while (isEmpty()) {
        notEmpty.await();
      }
      return remove();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes the first handle, and waits for one if there is none, but not longer than a time.
   *
   * @param time how long to wait; not at all if it is 0 or negative
   * @param unit the unit of the time
   * @return a handle, which is the caller's to close; null if there was none
   * @throws InterruptedException as {@link #take}
   * @throws IllegalStateException as {@link #take}
   */
  public SharedTensor poll(long time, TimeUnit unit) throws InterruptedException {
    StackRoom.require();
    long left = unit.toNanos(time);
    lock.lockInterruptibly();
    try {
      while (isEmpty()) {
        if (left <= 0) {
          return null;
        }
        left = notEmpty.awaitNanos(left);
      }
      return remove();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Returns how many handles are in the queue.
   *
   * @return their number at some moment of the call
   */
  public int size() {
    StackRoom.require();
    lock.lock();
    try {
      return size;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Closes the queue: those that wait, and all that put or take later, get an {@link
   * IllegalStateException}, and the handles that are in it are closed. Closing twice does nothing.
   * What closing a handle throws is thrown once all were closed; a handle that a guard keeps open
   * stays in the queue for the next {@code close()}.
   */
  @Override
  public void close() {
    StackRoom.require();
    Throwable failure = null;
    for (int left = closeToAll(); left > 0; left--) {
      SharedTensor handle = removeIfAny(); // one after the other: an error leaves the others
      if (handle != null) {
        failure = Resources.join(failure, close(handle));
      }
    }
    Resources.rethrow(failure);
  }

  /** Wakes all who wait, and returns how many handles are left to close. */
  private int closeToAll() {
    lock.lock();
    try {
      closed = true;
      room.signalAll();
      notEmpty.signalAll();
      return size;
    } finally {
      lock.unlock();
    }
  }

  private SharedTensor removeIfAny() {
    lock.lock();
    try {
      return size == 0 ? null : remove(); // nobody but another close() takes them
    } finally {
      lock.unlock();
    }
  }

  /** Closes a handle outside of the lock, since that may run a user's code. */
  private Throwable close(SharedTensor handle) {
    try {
      handle.close();
      return null;
    } catch (Throwable e) {
      if (handle.isOpen()) {
        putBack(handle);
      }
      return e;
    }
  }

  private void putBack(SharedTensor refused) {
    lock.lock();
    try {
      append(refused, countOf(refused)); // there is room in the ring: nobody has added anything
    } finally {
      lock.unlock();
    }
  }

  // ---- with the lock

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(this + " is closed");
    }
  }

  private boolean isEmpty() {
    requireOpen();
    return size == 0;
  }

  /** Has the ring have room, too, for which there may be no heap. */
  private boolean hasRoomFor(long count) {
    requireOpen();
    if (size > 0 && (size == handles || count > bytes - used)) {
      return false;
    }
    if (size == ring.length) {
      grow();
    }
    return true;
  }

  private void grow() {
    int grown = (int) Math.min(handles, 2L * ring.length);
    SharedTensor[] larger = new SharedTensor[grown];
    int behind = ring.length - first;
    System.arraycopy(ring, first, larger, 0, behind);
    System.arraycopy(ring, 0, larger, behind, first);
    ring = larger;
    first = 0;
  }

  // Whoever waits is woken first, which can do no harm: a first call may find no heap, and nothing
  // may fail after the handle has changed hands.

  private void add(SharedTensor handle, long count) {
    notEmpty.signal();
    append(handle, count);
  }

  private void append(SharedTensor handle, long count) {
    int free = ring.length - first;
    ring[size < free ? first + size : size - free] = handle;
    size++;
    used += count;
  }

  private SharedTensor remove() {
    SharedTensor handle = ring[first];
    long count = countOf(handle);
    room.signal();
    ring[first] = null;
    first = first + 1 == ring.length ? 0 : first + 1;
    size--;
    used -= count;
    return handle;
  }

  private static long bytesOf(SharedTensor handle) {
    handle.living();
    return countOf(handle);
  }

  private static long countOf(SharedTensor handle) {
    return Math.max(1, handle.byteCount());
  }

  @Override
  public String toString() {
    return "TensorQueue of " + handles + " handles and " + bytes + " bytes";
  }
}
