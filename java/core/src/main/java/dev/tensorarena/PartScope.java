package dev.tensorarena;

/**
 * The lifetime of a part of a tensor: a scope of the one thread that took the part, in no context.
 * Its bytes are held in the allocation that the whole lies in, by the part's pin.
 */
final class PartScope extends Scope {
  /** What the whole lies in. Whoever holds the part, or shares it, holds all of that. */
  final SharedAllocation allocation;

  /** The parts of the part that may be written in its place; null for none. */
  TensorParts split;

  private final int index;
  private final DType dtype;
  private final Shape whole;

  /** Makes a scope that is nobody's yet. */
  PartScope(SharedAllocation allocation, int index, DType dtype, Shape whole) {
    super(null, (Thread) null);
    this.allocation = allocation;
    this.index = index;
    this.dtype = dtype;
    this.whole = whole;
  }

  /** Returns whether the caller is what {@link #closeTracked} is closing. */
  boolean isEnding() {
    return ended != null;
  }

  /**
   * Closes guards and resources until there are none: one may make others.
   *
   * @return the first failure of a resource, with the later ones suppressed, or null
   * @throws RuntimeException if a guard refuses
   */
  @Override
  Throwable closeTracked() {
    Resources all = resources;
    if (all == null) {
      return null;
    }
    ended = End.UNDER_WAY;
    try {
      while (!all.isEmpty()) {
        all.closeGuards();
        all.close();
      }
    } finally {
      ended = null;
    }
    return all.takeFailure();
  }

  @Override
  IllegalStateException refusal(String what) {
    Thread belongsTo = (Thread) owner; // parts are in no context that could be in transit
    return belongsTo == null
        ? new IllegalStateException(what + " is dead: its part was closed, " + describe())
        : refusal(what, belongsTo);
  }

  /** Returns the exception for another thread than the one that has the part. */
  IllegalStateException refusal(String what, Thread belongsTo) {
    return new IllegalStateException(
        what
            + " is "
            + describe()
            + " of thread \""
            + belongsTo.getName()
            + "\", and was used by thread \""
            + Thread.currentThread().getName()
            + (belongsTo.isAlive()
                ? "\"; share() is how a tensor leaves its thread"
                : "\"; its thread has ended, so that close() of the part is all that is left"));
  }

  String describe() {
    return "part " + index + " of a " + TensorState.describe(dtype, whole);
  }
}
