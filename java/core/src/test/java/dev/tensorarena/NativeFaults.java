package dev.tensorarena;

/**
 * Refuses memory, in the library that the C build makes for these tests only ({@code
 * jni_faults.c}). A request is one for address space or memory of the system, or one for a direct
 * buffer of the JVM.
 */
final class NativeFaults {
  private NativeFaults() {}

  /**
   * From now on requests are counted, and some refused.
   *
   * @param from the first that is refused, counted from 1
   * @param to the last
   * @param withException whether a refused buffer leaves an exception pending, or is only NULL
   * @return 0
   */
  static native int begin(long from, long to, boolean withException);

  /** No request is refused or counted any more; returns 0. */
  static native int end();

  /** How many there were since {@link #begin}. */
  static native long requests();

  /** How many of those that were refused were for a buffer. */
  static native long refusedBuffers();
}
