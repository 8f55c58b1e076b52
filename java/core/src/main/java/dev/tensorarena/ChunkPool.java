package dev.tensorarena;

import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The pool that all contexts take their chunks from: one for each class loader that loads this
 * library. Any thread may call its methods.
 *
 * <p>{@code -Dtensorarena.maxMemory=<bytes>} sets {@link #memoryLimit} at the start; without it the
 * limit is what the machine has, or the container that the process runs in, and {@code unlimited}
 * is none. {@code -Dtensorarena.quarantine=<bytes>} finds raw views that are used too long: ended
 * bytes are filled with a pattern and not handed out again until about this many bytes more have
 * ended. Both take a number of bytes, such as 1048576, or one with the suffix k, m or g.
 */
public final class ChunkPool {
  private static final long QUARANTINE_BYTES = byteProperty("tensorarena.quarantine", 0);

  // Words of ta_pool_info, which HeaderTest compares.
  private static final int RESERVED = 0;
  private static final int COMMITTED = 1;
  private static final int IN_USE = 2;
  private static final int FREE = 3;
  private static final int PINNED = 4;
  private static final int IN_USE_CHUNKS = 5;
  private static final int FREE_CHUNKS = 6;
  private static final int PINNED_CHUNKS = 7;
  private static final int MEMORY_LIMIT = 8;
  private static final int ARENAS = 10;
  private static final int STRAY_PINS = 11;
  private static final int WORDS = 12;

  private static final AtomicLong STRAY_PINS_REPORTED = new AtomicLong();

  static {
    NativeArena.setPoolMemoryLimit(startingLimit());
    if (NativeArena.setQuarantine(QUARANTINE_BYTES) != NativeArena.OK) {
      log(
          System.Logger.Level.WARNING,
          "-Dtensorarena.quarantine has no effect: native code has opened an arena of this class"
              + " loader's library before Java loaded it, or has set another quarantine");
    }
  }

  private ChunkPool() {}

  /**
   * Returns the address of a function of {@code tensorarena.h} or {@code tensorarena_dlpack.h}, for
   * {@code java.lang.foreign.Linker} or JNA. It is the one in the copy of the library that this
   * class has loaded. There may be other copies in the process, which a lookup by name may find,
   * each with a pool of its own: an arena or a chunk of this one means nothing to them.
   *
   * @param name the function's, such as {@code ta_arena_alloc}
   * @return where it begins; empty if the library has no function of that name
   */
  public static OptionalLong nativeFunction(String name) {
    long address = NativeArena.function(Objects.requireNonNull(name, "name"));
    return address == 0 ? OptionalLong.empty() : OptionalLong.of(address);
  }

  /**
   * What the pool's memory was used for at one moment.
   *
   * @param reservedBytes the address space of all slabs; costs no memory
   * @param committedBytes how much of {@code reservedBytes} was made accessible so far
   * @param inUseBytes the chunks that contexts hold or shared tensors keep
   * @param freeBytes the free chunks whose pages are kept for reuse
   * @param pinnedBytes how much of {@code inUseBytes} left its context and only shared tensors keep
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
   * Limits the bytes of chunks in use by all contexts. An allocation that needs a chunk past the
   * limit throws {@link MemoryLimitExceededException}; chunks that are in use already stay. At the
   * start it is what the machine or the container has.
   *
   * @param bytes the limit; {@code Long.MAX_VALUE} for none
   * @throws IllegalArgumentException if it is negative
   */
  public static void memoryLimit(long bytes) {
    NativeArena.setPoolMemoryLimit(notNegative("memory limit", bytes));
  }

  /**
   * Limits the free memory that is kept for reuse, 256 MiB at the start. Past the limit the pages
   * of a chunk that becomes free go back to the system.
   *
   * @param bytes the limit; 0 keeps nothing
   * @throws IllegalArgumentException if it is negative
   */
  public static void retainedLimit(long bytes) {
    NativeArena.setPoolRetainedLimit(notNegative("retained limit", bytes));
  }

  /**
   * Takes back the memory of contexts that collections have found to be forgotten, and gives the
   * pages of all free chunks back to the system. Their addresses stay accessible, so that a stale
   * view still cannot crash the JVM.
   *
   * @return how many bytes were given back
   */
  public static long trim() {
    Window.takeBackForgotten();
    return NativeArena.trimPool();
  }

  /**
   * Returns what the pool's memory is used for. Logs once, as an error, that native code has given
   * back pins that nobody held.
   *
   * @return figures that are all of one moment
   */
  public static Stats stats() {
    long[] info = info();
    return new Stats(
        info[RESERVED],
        info[COMMITTED],
        info[IN_USE],
        info[FREE],
        info[PINNED],
        info[IN_USE_CHUNKS],
        info[FREE_CHUNKS],
        info[PINNED_CHUNKS]);
  }

  private static long[] info() {
    long[] info = new long[WORDS];
    NativeArena.poolStats(info);
    if (info[STRAY_PINS] > STRAY_PINS_REPORTED.get()) {
      reportStrayPins(info[STRAY_PINS]);
    }
    return info;
  }

  private static void reportStrayPins(long now) {
    long before = STRAY_PINS_REPORTED.getAndAccumulate(now, Math::max);
    if (now > before) {
      log(
          System.Logger.Level.ERROR,
          "native code released or retained pins that nobody held, "
              + (now - before)
              + " since the last report; a chunk that this was noticed of is out of use for good, and"
              + " where it was not noticed, bytes that others hold may have been handed out again");
    }
  }

  /** Looks for the log only now: nearly no program needs it. */
  private static void log(System.Logger.Level level, String message) {
    System.getLogger("dev.tensorarena").log(level, message);
  }

  /** Returns how many contexts are open that have had memory, those without a chunk included. */
  static long openContexts() {
    return info()[ARENAS];
  }

  /**
   * Returns the exception for an allocation whose chunk would pass the limit.
   *
   * @param context what to call the context
   * @param least for which a chunk of so many bytes is needed at the least
   */
  static MemoryLimitExceededException limitExceeded(String context, long requested, long least) {
    long[] info = info();
    long limit = info[MEMORY_LIMIT];
    return new MemoryLimitExceededException(
        context,
        requested,
        NativeArena.chunkBytes(least),
        "all contexts of this class loader's library",
        limit < 0 ? Long.MAX_VALUE : limit, // it was lifted meanwhile
        info[IN_USE]);
  }

  private static long startingLimit() {
    String name = "tensorarena.maxMemory";
    if ("unlimited".equalsIgnoreCase(System.getProperty(name))) {
      return NativeArena.UNLIMITED;
    }
    long given = byteProperty(name, NativeArena.UNLIMITED);
    return given == NativeArena.UNLIMITED ? MachineMemory.bytes() : given;
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
