package dev.tensorarena;

/**
 * The exception for an allocation that would have exceeded the memory limit of its context, or one
 * that counts whole chunks: of its {@linkplain MemoryBudget budget} or one above it, or of all
 * contexts ({@link ChunkPool#memoryLimit}). The message names who refused and, of a budget, its
 * largest users. Nothing was allocated, and the context is still usable.
 */
public final class MemoryLimitExceededException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** The bytes asked for. */
  private final long requested;

  /** The limit in bytes. */
  private final long limit;

  /** The bytes counted before the request. */
  private final long current;

  /** How large a chunk was asked for; 0 where the limit is the context's, which counts bytes. */
  private final long chunk;

  /** The budget that refused; null for the context or the process. */
  private final transient MemoryBudget budget;

  /** Makes one for the limit of a context, which counts bytes. */
  MemoryLimitExceededException(String context, long requested, long limit, long current) {
    this(context, requested, 0, "this context", limit, current, "", null);
  }

  /**
   * Makes one for a limit on chunks.
   *
   * @param who what to call the context that asked
   * @param chunk what the allocation needs in chunks
   * @param whose what has the limit
   */
  MemoryLimitExceededException(
      String who, long requested, long chunk, String whose, long limit, long current) {
    this(who, requested, chunk, whose, limit, current, "", null);
  }

  /** Makes one for the limit of a budget, with its largest users. */
  MemoryLimitExceededException(
      String who,
      long requested,
      long chunk,
      MemoryBudget budget,
      long limit,
      long current,
      String users) {
    this(who, requested, chunk, "budget \"" + budget.path() + "\"", limit, current, users, budget);
  }

  private MemoryLimitExceededException(
      String who,
      long requested,
      long chunk,
      String whose,
      long limit,
      long current,
      String users,
      MemoryBudget budget) {
    super(
        who
            + ": "
            + requested
            + " bytes requested, "
            + (chunk == 0 ? "" : "for which it needs a chunk of " + chunk + " bytes, ")
            + "but the memory limit of "
            + whose
            + " is "
            + limit
            + " bytes and "
            + current
            + " are in use"
            + (users.isEmpty() ? "" : "; its largest users are " + users));
    this.requested = requested;
    this.limit = limit;
    this.current = current;
    this.chunk = chunk;
    this.budget = budget;
  }

  /** Returns whether the limit is that of the context, whose bytes no listener frees. */
  boolean isOfContext() {
    return chunk == 0;
  }

  /** Returns the budget that refused; null for the process, and for the context. */
  MemoryBudget budget() {
    return budget;
  }

  /** Returns how many bytes of chunks are missing. */
  long missing() {
    long free = Math.max(0, limit - current);
    return Math.max(1, chunk - free) + Math.max(0, current - limit);
  }

  /** Returns what counts by now towards the limit on chunks that was exceeded. */
  long usedNow() {
    if (budget == null) {
      return ChunkPool.stats().inUseBytes();
    }
    long[] figures = budget.figuresIfOpen();
    return figures == null ? 0 : figures[MemoryBudget.USED]; // a listener may have closed it
  }

  /**
   * Returns how many bytes the allocation asked for, without alignment padding.
   *
   * @return bytes
   */
  public long requested() {
    return requested;
  }

  /**
   * Returns the memory limit that would have been exceeded.
   *
   * @return bytes
   */
  public long limit() {
    return limit;
  }

  /**
   * Returns how many bytes counted towards the limit before the request.
   *
   * @return bytes
   */
  public long current() {
    return current;
  }
}
