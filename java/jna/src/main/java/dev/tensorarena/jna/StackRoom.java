package dev.tensorarena.jna;

/**
 * Room on the calling thread's stack for a call through JNA, which is tried before what must be
 * done once: where the stack ends inside of such a call, nobody knows whether C was reached.
 */
final class StackRoom {
  /** Together some 16 KiB, interpreted or compiled: twice what a call takes. */
  private static final int FRAMES = 100;

  private StackRoom() {}

  /**
   * Does nothing but use the stack.
   *
   * @throws StackOverflowError if there is no room; nothing has changed then
   */
  static void require() {
    descend(FRAMES, 1, 2, 3, 4, 5, 6, 7, 8);
  }

  /** The numbers are used after the call, so that each frame has room for them all. */
  private static long descend(
      int left, long a, long b, long c, long d, long e, long f, long g, long h) {
    return left == 0
        ? a
        : descend(left - 1, b, c, d, e, f, g, h, a) + a * b + c * d + e * f + g * h;
  }
}
