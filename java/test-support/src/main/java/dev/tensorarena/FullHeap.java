package dev.tensorarena;

import java.util.Arrays;

/** Fills a JVM's heap but for some objects, and empties it. The heap has to be small. */
public final class FullHeap {
  /** Leaves the heap as it is. */
  public static final int ALL = Integer.MAX_VALUE;

  private final Object[] ballast;

  /**
   * Fills nothing yet.
   *
   * @param objects as many as fill the heap, at least
   */
  public FullHeap(int objects) {
    ballast = new Object[objects];
  }

  /**
   * Fills the heap, and leaves room.
   *
   * @param room for how many objects without fields there is room then, or {@link #ALL}
   */
  public void fillButFor(int room) {
    if (room == ALL) {
      return;
    }
    int count = 0;
    for (int bytes : new int[] {8192, 0}) {
      try {
        while (true) {
          ballast[count] = bytes == 0 ? new Object() : new byte[bytes];
          count++;
        }
      } catch (OutOfMemoryError e) {
        continue; // with what is smaller, and then that is all
      }
    }
    Arrays.fill(ballast, count - room, count, null);
  }

  /** Lets go of all that filled the heap. */
  public void empty() {
    Arrays.fill(ballast, null);
  }
}
