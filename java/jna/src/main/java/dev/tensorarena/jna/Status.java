package dev.tensorarena.jna;

/** What the functions of {@link JnaArena} return, {@code TA_OK} and {@code TA_ERR_*} in C. */
public enum Status {
  /** It was done. */
  OK,
  /** An argument was outside its documented range. */
  ARGUMENT,
  /** The arena's memory limit would be passed. */
  LIMIT,
  /** The limit of the whole process would be passed. */
  POOL_LIMIT,
  /** The system refused memory. */
  NO_MEMORY,
  /** Caller and library were built for different ABI versions. */
  ABI,
  /** The mark was one that the arena has already rewound past. */
  MARK,
  /** The arena was destroyed, or is another copy's of the library. */
  CLOSED;

  private static final Status[] BY_NUMBER = values();

  static Status of(int number) {
    if (number < 0 || number >= BY_NUMBER.length) {
      throw new IllegalStateException("the library returned the unknown status " + number);
    }
    return BY_NUMBER[number];
  }
}
