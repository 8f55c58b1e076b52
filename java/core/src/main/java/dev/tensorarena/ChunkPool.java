package dev.tensorarena;

/**
 * The process-wide pool that all contexts take their chunks from. Any thread may call it.
 *
 * <p>{@code -Dtensorarena.maxMemory=<bytes>} sets {@link #memoryLimit} at the start, and {@code
 * -Dtensorarena.quarantine=<bytes>} makes ended bytes rest, filled with a pattern, until so many
 * more have ended, to find raw views that are used too long. Both take a number of bytes, or one
 * with the suffix k, m or g.
 */
public final class ChunkPool {
  private static final long QUARANTINE_BYTES = byteProperty("tensorarena.quarantine", 0);

  // Words of ta_pool_info.
  private static final int RESERVED = 0;
  private static final int COMMITTED = 1;
  private static final int IN_USE = 2;
  private static final int FREE = 3;
  private static final int PINNED = 4;
  private static final int IN_USE_CHUNKS = 5;
  private static final int FREE_CHUNKS = 6;
  private static final int PINNED_CHUNKS = 7;
  private static final int MEMORY_LIMIT = 8;
  private static final int OPEN_ARENAS = 10;
  private static final int WORDS = 11;

  static {
    NativeArena.setPoolMemoryLimit(byteProperty("tensorarena.maxMemory", NativeArena.UNLIMITED));
    NativeArena.setQuarantine(QUARANTINE_BYTES);
  }

  private ChunkPool() {}

  /**
   * How the pool stands, all at one moment.
   *
   * @param reservedBytes address space of all slabs; costs no memory
   * @param committedBytes of it, what was made accessible so far
   * @param inUseBytes chunks held by contexts or pinned by shared tensors
   * @param freeBytes free chunks whose pages are kept for reuse
   * @param pinnedBytes of {@code inUseBytes}, chunks whose context has ended and that shared
   *     tensors keep
   * @param inUseChunks the number of chunks in use
   * @param freeChunks the number of free chunks whose pages are kept
   * @param pinnedChunks the number of chunks that only shared tensors keep
   */
  public record Stats(
      long reservedBytes,
      long committedBytes,
      long inUseBytes,
      long freeBytes,
      long pinnedBytes,
      long inUseChunks,
      long freeChunks,
      long pinnedChunks) {}

  /**
   * Limits the chunks in use in the whole process. An allocation that needs a chunk past it throws
   * {@link MemoryLimitExceededException}; what is in use already stays.
   *
   * @param bytes the limit; {@code Long.MAX_VALUE} for none
   * @throws IllegalArgumentException if it is negative
   */
  public static void memoryLimit(long bytes) {
    NativeArena.setPoolMemoryLimit(notNegative("memory limit", bytes));
  }

  /**
   * Limits the free memory that is kept for reuse (256 MiB at the start); past it, the pages of a
   * chunk that comes home go back to the system.
   *
   * @param bytes the limit; 0 keeps none
   * @throws IllegalArgumentException if it is negative
   */
  public static void retainedLimit(long bytes) {
    NativeArena.setPoolRetainedLimit(notNegative("retained limit", bytes));
  }

  /**
   * Gives the pages of all free chunks back to the system. Their addresses stay accessible, so that
   * a stale view still cannot crash the JVM.
   *
   * @return the bytes given back
   */
  public static long trim() {
    return NativeArena.trimPool();
  }

  /**
   * How the pool stands.
   *
   * @return a snapshot
   */
  public static Stats stats() {
    long[] words = snapshot();
    return new Stats(
        words[RESERVED],
        words[COMMITTED],
        words[IN_USE],
        words[FREE],
        words[PINNED],
        words[IN_USE_CHUNKS],
        words[FREE_CHUNKS],
        words[PINNED_CHUNKS]);
  }

  private static synchronized long[] snapshot() {
    NativeArena.snapshotPool();
    long[] words = new long[WORDS];
    for (int i = 0; i < WORDS; i++) {
      words[i] = NativeArena.poolStat(i);
    }
    return words;
  }

  /** Contexts that are open in the whole process, those without a chunk included. */
  static long openContexts() {
    return snapshot()[OPEN_ARENAS];
  }

  static MemoryLimitExceededException limitExceeded(long requested) {
    long[] words = snapshot();
    return new MemoryLimitExceededException(
        "the process (a chunk is at least 64 KiB)", requested, words[MEMORY_LIMIT], words[IN_USE]);
  }

  static long quarantineBytes() {
    return QUARANTINE_BYTES;
  }

  private static long notNegative(String what, long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("negative " + what + ": " + bytes + " bytes");
    }
    return bytes;
  }

  private static long byteProperty(String name, long otherwise) {
    String text = System.getProperty(name);
    if (text == null || text.isEmpty()) {
      return otherwise;
    }
    int unit = "kmg".indexOf(Character.toLowerCase(text.charAt(text.length() - 1))) + 1;
    String digits = unit == 0 ? text : text.substring(0, text.length() - 1);
    try {
      return notNegative(name, Math.multiplyExact(Long.parseLong(digits), 1L << (10 * unit)));
    } catch (ArithmeticException | NumberFormatException e) {
      throw new IllegalArgumentException(
          "-D" + name + "=" + text + " is not a number of bytes, such as 1048576, 64m or 2g", e);
    }
  }
}
