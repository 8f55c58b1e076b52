package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.util.List;

/**
 * Room on the calling thread's stack, which is tried before what must not stop half-way. A stack
 * overflow comes where a method is entered; whoever has tried this may then call methods of this
 * library, and they theirs, without meeting one.
 */
final class StackRoom {
  /**
   * Together some 4 KiB, interpreted or compiled by C1, and 1.6 KiB by C2, as much smaller as its
   * other frames are: several times what any end takes below the method that tries. Few frames that
   * are large cost less than many small ones.
   */
  private static final int FRAMES = 20;

  /** For code of a user's besides, of which nobody knows how much it takes. */
  private static final int FRAMES_OF_USERS = 50;

  private StackRoom() {}

  /** Loads what an end uses: where the stack or the heap has ended, that could fail. */
  static void prepare() {
    try {
      for (Class<?> each :
          List.of(
              Resources.class,
              HandleResources.class,
              HandleResources.Missed.class,
              End.class,
              Leftovers.class,
              Bulk.class,
              ChunkPins.class,
              Held.class,
              KeptResult.class,
              Remains.Holds.class,
              SharedTensor.class,
              TensorPin.class)) {
        MethodHandles.lookup().ensureInitialized(each);
      }
    } catch (IllegalAccessException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /**
   * Does nothing but use the stack.
   *
   * @throws StackOverflowError if there is no room; nothing has changed then
   */
  static void require() {
    descend(FRAMES, 1, 2, 3, 4, 5, 6, 7, 8);
  }

  /**
   * Does the same for an end that calls a user's code, which would otherwise be broken off where it
   * cannot be called again.
   *
   * @throws StackOverflowError if there is no room; nothing has changed then
   */
  static void requireForUsers() {
    descend(FRAMES_OF_USERS, 1, 2, 3, 4, 5, 6, 7, 8);
  }

  /** The numbers are used after the call, so that each frame has room for them all. */
  private static long descend(
      int left, long a, long b, long c, long d, long e, long f, long g, long h) {
    return left == 0
        ? a
        : descend(left - 1, b, c, d, e, f, g, h, a) + a * b + c * d + e * f + g * h;
  }
}
