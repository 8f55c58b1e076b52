package dev.tensorarena.jna;

/**
 * What the functions of {@link JnaArena} return, {@code TA_OK} and {@code TA_ERR_*} in C: in the
 * order of their numbers, written down from the header as {@link ArenaLayout} is.
 */
public enum Status {
  /** The function did what it was asked to do. */
  OK,
  /** An argument is outside its documented range. */
  ARGUMENT,
  /** The arena's memory limit would be passed. */
  LIMIT,
  /** The memory limit of all arenas of this class loader's library would be passed. */
  POOL_LIMIT,
  /** The system refused memory. */
  NO_MEMORY,
  /** Caller and library were built for different ABI versions. */
  ABI,
  /** The arena has already rewound past the mark, or others have allocated in it since. */
  MARK,
  /** The arena was destroyed, or belongs to another copy of the library. */
  CLOSED,
  /** The limit of the arena's budget, or of one above it, would be passed. */
  BUDGET,
  /** Something is charged to the budget, or uses it. */
  IN_USE;

  private static final Status[] BY_NUMBER = values();

  static Status of(int number) {
    if (number < 0 || number >= BY_NUMBER.length) {
      throw new IllegalStateException("the library returned the unknown status " + number);
    }
    return BY_NUMBER[number];
  }
}
