package dev.tensorarena.bench;

/**
 * What C does, called from C: {@code native/src/native_loops.c}. Each method repeats an operation
 * often enough that the one JNI call does not count. Nothing here checks its arguments.
 */
final class NativeLoops {
  static {
    BenchLibrary.use();
  }

  private NativeLoops() {}

  /** {@code free(malloc(size))}, count times; no byte of it is touched. */
  static native void mallocAndFree(long size, long count);

  /**
   * {@code memcpy(to + block * stride, from, size)} for each block, and that in rounds.
   *
   * @param from an address
   * @param to where the first block begins
   */
  static native void copy(long from, long to, long size, long stride, long blocks, long rounds);

  /**
   * One more and one less of an atomic count, as in a textbook of reference counting, in C11, and a
   * read of a float in between, count times.
   *
   * @param element the address of the float
   */
  static native void incrementReadDecrement(long element, long count);

  /** The sum of the 64-bit words in so many bytes; reads them all. */
  static native long sum(long address, long bytes);

  /** {@code ta_alloc(arena, size, 64)}, count times, and a rewind; at most 16 MiB. */
  static native void arenaAllocate(long size, long count);

  /** Moves a cursor by size, count times, and compares it with a limit. */
  static native void bump(long start, long bytes, long size, long count);
}
