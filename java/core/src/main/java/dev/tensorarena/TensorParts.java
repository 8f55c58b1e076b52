package dev.tensorarena;

/**
 * The parts of a tensor, from {@link Tensor#split}, which as many threads may write at the same
 * time, each its own.
 *
 * <pre>{@code
 * try (TensorParts parts = result.split(0, workers)) {
 *   IntStream.range(0, workers).parallel().forEach(k -> {
 *     try (TensorPart part = parts.get(k)) {
 *       compute(k, part.tensor());
 *     }
 *   });
 * } // result has all that they wrote, and may be written again
 * }</pre>
 *
 * <p>While a part is open, the whole is frozen for its own thread: {@code share}, {@code split} and
 * {@code mutable} of it, and of what is a view of the same bytes, are refused. It may be read, but
 * what others are writing at that moment is seen in part. Once every part is closed, all that was
 * written is seen, and the whole may be written again; unless a part was shared, which freezes the
 * whole for good, as a share of it would.
 *
 * <p>Nothing waits for parts: when the whole's scope ends, or its context is reset or closed, the
 * parts keep their bytes until they are closed, and whoever is late writes what is still his.
 */
public final class TensorParts implements OpenResource {
  /** What was split, a view perhaps. */
  private final Tensor source;

  /** What is frozen for that: the tensor that it is a view of, or itself. */
  final Tensor whole;

  private final TensorPart[] parts;

  /** How many of the first ones are known to be done; only where to look on from. */
  private volatile int done;

  private TensorParts(Tensor source, SharedAllocation allocation, int axis, long[] ends) {
    this.source = source;
    whole = source.origin();
    parts = new TensorPart[ends.length];
    long from = 0;
    for (int k = 0; k < ends.length; k++) {
      parts[k] = new TensorPart(source, allocation, k, axis, from, ends[k]);
      from = ends[k];
    }
  }

  /** Splits a tensor that may be written; where something is thrown, nothing has changed. */
  static TensorParts of(Tensor source, int axis, long[] ends) {
    SharedAllocation allocation = source.allocation();
    TensorParts made = new TensorParts(source, allocation, axis, ends);
    boolean watched = false;
    try {
      for (TensorPart each : made.parts) {
        each.watch();
      }
      StackRoom.require(); // from here on nothing fails
      source.livingToWrite(); // wrapped memory was asked, and may have done anything
      watched = true;
    } finally {
      if (!watched) {
        for (TensorPart each : made.parts) {
          each.dismiss();
        }
      }
    }
    for (TensorPart each : made.parts) {
      each.begin();
    }
    allocation.split(made);
    return made;
  }

  /** Returns where {@code count} parts of an axis end that differ in size by one at most. */
  static long[] evenly(long extent, int count) {
    long[] ends = new long[count];
    for (int k = 0; k < count; k++) {
      ends[k] = (k + 1) * (extent / count) + Math.min(k + 1, extent % count);
    }
    return ends;
  }

  /**
   * Returns the number of parts.
   *
   * @return as many as there were, also when some are closed
   */
  public int count() {
    return parts.length;
  }

  /**
   * Returns a part, on any thread.
   *
   * @param k from 0 to {@code count() - 1}, in the order of the axis
   * @return the part, to be handed to the thread that will have it
   * @throws IndexOutOfBoundsException if there is no such part
   */
  public TensorPart get(int k) {
    if (k < 0 || k >= parts.length) {
      throw new IndexOutOfBoundsException("part " + k + " of " + parts.length);
    }
    return parts[k];
  }

  /**
   * Closes the parts that nobody has taken, and those whose thread has ended. If parts are open
   * then, the whole stays frozen, and this can be called again. Called on the whole's thread, and
   * on any once the whole is dead, or its thread has ended. What a guard or a tracked resource of
   * such a part throws is thrown once all were tried.
   *
   * @throws IllegalStateException if a part is open, which its thread is to close; the message
   *     names these parts and their threads. Also on a wrong thread, where nothing is closed
   */
  @Override
  public void close() {
    requireThread();
    Throwable failure = null;
    for (TensorPart each : parts) {
      try {
        each.closeIfLeft();
      } catch (RuntimeException | Error e) {
        failure = Resources.join(failure, e);
      }
    }
    Resources.rethrow(failure);
    String open = open();
    if (!open.isEmpty()) {
      throw new IllegalStateException(source.describe() + " has parts that are open: " + open);
    }
  }

  private void requireThread() {
    Object owner = whole.scope.owner;
    boolean left = owner == null || owner instanceof Thread thread && !thread.isAlive();
    if (!left && owner != Thread.currentThread()) {
      throw whole.scope.refusal("the parts of a " + source.describe());
    }
  }

  /**
   * Returns whether a part is open, or a part of one, on any thread.
   *
   * @return false once all are closed
   */
  @Override
  public boolean isOpen() {
    return !isDone();
  }

  // ---- for the whole

  /** Returns whether nobody can write in a part any more. If so, all that was written is seen. */
  boolean isDone() {
    int before = done;
    int now = before;
    while (now < parts.length && parts[now].isDone()) {
      now++;
    }
    if (now != before) {
      done = now;
    }
    return now == parts.length;
  }

  /** Returns whether a part was shared, once all are done. */
  boolean wasShared() {
    for (TensorPart each : parts) {
      if (each.wasShared()) {
        return true;
      }
    }
    return false;
  }

  /** Returns which parts are open, with their threads. */
  String open() {
    StringBuilder open = new StringBuilder();
    for (int k = 0; k < parts.length; k++) {
      String who = parts[k].openness(k);
      if (who != null) {
        open.append(open.length() == 0 ? "" : ", ").append(who);
      }
    }
    return open.toString();
  }

  /**
   * Returns what was split and which parts are open.
   *
   * @return a description for messages
   */
  @Override
  public String toString() {
    String open = open();
    return parts.length
        + " parts of a "
        + source.describe()
        + (open.isEmpty() ? ", closed" : ", open are " + open);
  }
}
