package dev.tensorarena;

/**
 * An allocation would have passed the memory limit of its context or of the whole process. Nothing
 * was allocated and the context is usable.
 */
public final class MemoryLimitExceededException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** The bytes asked for. */
  private final long requested;

  /** The limit in bytes. */
  private final long limit;

  /** The bytes counted before the request. */
  private final long current;

  MemoryLimitExceededException(String whose, long requested, long limit, long current) {
    super(
        requested
            + " bytes requested, but the memory limit of "
            + whose
            + " is "
            + limit
            + " bytes and "
            + current
            + " are in use");
    this.requested = requested;
    this.limit = limit;
    this.current = current;
  }

  /**
   * Returns what the allocation asked for, without alignment padding.
   *
   * @return bytes
   */
  public long requested() {
    return requested;
  }

  /**
   * Returns the limit that would have been passed.
   *
   * @return bytes
   */
  public long limit() {
    return limit;
  }

  /**
   * Returns what was charged to the limit before the request.
   *
   * @return bytes
   */
  public long current() {
    return current;
  }
}
