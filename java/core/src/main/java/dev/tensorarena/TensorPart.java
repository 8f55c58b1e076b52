package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A part of a tensor that one thread may write, from {@link Tensor#split}. It is handed to that
 * thread, as by a task that is submitted, and closed there.
 *
 * <pre>{@code
 * try (TensorPart part = parts.get(k)) {
 *   part.tensor().fill(1f);
 * }
 * }</pre>
 *
 * <p>A part belongs to the thread that calls {@link #tensor()} first. Its bytes are pinned until it
 * is closed, as by a share: whatever ends the whole meanwhile, they are no other tensor's, also if
 * the thread is late. A part that nobody closes keeps its chunk of memory for ever, and is reported
 * as a forgotten share is.
 */
public final class TensorPart implements OpenResource {
  /** In place of the thread once the part is closed. */
  private static final Object CLOSED = new Object();

  private static final VarHandle HOLDER;

  static {
    try {
      HOLDER = MethodHandles.lookup().findVarHandle(TensorPart.class, "holder", Object.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
    rehearse();
  }

  /** Has the JVM link what closes a part now, and not where the heap or the stack has ended. */
  private static void rehearse() {
    try {
      exchange(null, null, CLOSED);
    } catch (NullPointerException e) {
      return; // there is no part, and all is linked
    }
  }

  /**
   * The thread that took the part, or one that closes it when that one has ended; null while nobody
   * has, CLOSED in the end. What the thread wrote is seen by whoever sees that it has closed.
   */
  private volatile Object holder;

  private final Tensor tensor;
  private final PartScope scope;

  /** The part's hold of the bytes, whichever thread it is on. */
  private final TensorPin pin;

  /** Refers to the scope, to which the tensor does; null if the part is not watched. */
  private LeakDetector.Watch watch;

  /** Makes a part that holds nothing yet; may call the methods of wrapped memory. */
  TensorPart(Tensor whole, SharedAllocation allocation, int index, int axis, long from, long to) {
    scope = new PartScope(allocation, index, whole.dtype, whole.shape);
    tensor = new Tensor(whole.slice(axis, from, to), scope);
    pin = new TensorPin(allocation, tensor);
  }

  /** Has the part reported if it is forgotten, unless chance picks others. */
  void watch() {
    watch = scope.allocation.watchNext(scope);
  }

  /** Takes that back: the part will be nobody's. */
  void dismiss() {
    if (watch != null) {
      watch.close();
    }
  }

  /**
   * Takes the part for the calling thread, if nobody has it, and returns its tensor: the elements
   * of this part, writable and contiguous where the whole's are in this range. It may be used like
   * a tensor of a context of this thread until the part is closed: also be split in turn, be seen
   * by segments, be given to native code, and be shared, after which it is frozen.
   *
   * @return the tensor, always the same one
   * @throws IllegalStateException if another thread has taken the part, or it was closed
   */
  public Tensor tensor() {
    Thread caller = Thread.currentThread();
    if (holder == caller) {
      return tensor;
    }
    if (!exchange(this, null, caller)) {
      throw refusal(holder);
    }
    scope.owner = caller;
    return tensor;
  }

  /**
   * Closes the part: closes the guards and the resources of its tensor, which is dead then, and
   * lets the bytes go. It is closed by the thread that has taken it; by any if nobody has, or if
   * that thread has ended. Closing twice does nothing. What a guard throws keeps it open; what a
   * tracked resource throws is thrown once it is closed. Parts that were split off this one, and
   * shares, stay as they are.
   *
   * @throws IllegalStateException if another thread has taken the part and has not ended
   */
  @Override
  public void close() {
    StackRoom.require();
    Object found = holder;
    if (found == null && exchange(this, null, CLOSED)) {
      letGo();
      return;
    }
    found = holder;
    if (found == Thread.currentThread()) {
      closeOwned();
    } else if (found != CLOSED) {
      closeOrphan((Thread) found);
    } else {
      letGo(); // does nothing, unless an error kept the one who closed it from that
    }
  }

  private void closeOwned() {
    if (scope.isEnding()) {
      return;
    }
    Throwable failure = scope.closeTracked();
    scope.owner = null;
    holder = CLOSED;
    try {
      letGo();
    } catch (Throwable e) {
      failure = Resources.join(failure, e);
    }
    Resources.rethrow(failure);
  }

  /** Closes a part whose thread has ended; of several threads that try, one succeeds. */
  private void closeOrphan(Thread ended) {
    Thread caller = Thread.currentThread();
    if (ended.isAlive() || !exchange(this, ended, caller)) {
      throw refusal(ended);
    }
    scope.owner = caller;
    try {
      closeOwned();
    } finally {
      if (holder == caller) { // a guard refused the end: whoever tries next may do this
        scope.owner = ended;
        holder = ended;
      }
    }
  }

  private static boolean exchange(TensorPart part, Object expected, Object next) {
    return HOLDER.compareAndSet(part, expected, next);
  }

  private void letGo() {
    dismiss();
    pin.close();
  }

  /**
   * Returns whether the part was not closed yet, on any thread.
   *
   * @return false once it is closed
   */
  @Override
  public boolean isOpen() {
    return holder != CLOSED || pin.isOpen();
  }

  // ---- for TensorParts

  /** Counts the part as a holder of the bytes, on the thread of the whole. */
  void begin() {
    scope.allocation.tryRetain();
  }

  /** Closes the part if that is anybody's to do. */
  void closeIfLeft() {
    Object found = holder;
    if (found == null || found instanceof Thread thread && !thread.isAlive()) {
      close();
    }
  }

  /** Returns whether nobody can write here any more, nor in what was split off it. */
  boolean isDone() {
    return holder == CLOSED && (scope.split == null || scope.split.isDone());
  }

  /** Returns whether it was shared, or what was split off it was; asked once it is done. */
  boolean wasShared() {
    return tensor.shared != null && (scope.split == null || scope.split.wasShared());
  }

  /** Returns who has the part, or what of it, for messages; null if it is done. */
  String openness(int index) {
    Object found = holder;
    if (found == null) {
      return index + " (nobody has taken it)";
    } else if (found instanceof Thread thread) {
      return index + " (thread \"" + thread.getName() + (thread.isAlive() ? "\")" : "\", ended)");
    }
    return scope.split == null || scope.split.isDone() ? null : index + " (parts of it)";
  }

  private IllegalStateException refusal(Object found) {
    return found == CLOSED
        ? new IllegalStateException(scope.describe() + " was closed")
        : scope.refusal("the tensor", (Thread) found);
  }

  /**
   * Returns which part of what it is and who has it.
   *
   * @return a description for messages
   */
  @Override
  public String toString() {
    Object found = holder;
    return scope.describe()
        + (found == CLOSED
            ? ", closed"
            : found == null ? "" : ", of thread \"" + ((Thread) found).getName() + "\"");
  }
}
