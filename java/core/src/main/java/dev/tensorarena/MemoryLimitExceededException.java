package dev.tensorarena;

/**
 * The exception for an allocation that would have exceeded the memory limit of its context, or the
 * one of all contexts ({@link ChunkPool#memoryLimit}), which counts whole chunks. Nothing was
 * allocated, and the context is still usable.
 */
public final class MemoryLimitExceededException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** The bytes asked for. */
  private final long requested;

  /** The limit in bytes. */
  private final long limit;

  /** The bytes counted before the request. */
  private final long current;

  /**
   * Makes one.
   *
   * @param context what to call the context that asked
   * @param needs what the allocation needs besides its bytes, up to a comma
   * @param whose what has the limit
   */
  MemoryLimitExceededException(
      String context, String needs, String whose, long requested, long limit, long current) {
    super(
        context
            + ": "
            + requested
            + " bytes requested, "
            + needs
            + (needs.isEmpty() ? "" : " ")
            + "but the memory limit of "
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
