package dev.tensorarena;

import java.util.Random;

/** Runs some calls where the stack or the heap ends, at a random depth before its end. */
final class MaliceEdges {
  /** Of these many frames before the end, one is chosen. */
  private static final int FRAMES = 100;

  /** Thrown where there is not even room to begin the call. */
  private static final StackOverflowError NO_ROOM = new StackOverflowError();

  private final int oneIn;
  private final Object[] ballast;

  // Of the call that runs; an actor at a time, since the programs with edges take turns.
  private Malice.Body body;
  private Throwable thrown;
  private boolean hasRun;

  private MaliceEdges(int oneIn, Object[] ballast) {
    this.oneIn = oneIn;
    this.ballast = ballast;
  }

  static MaliceEdges ofStack() {
    return new MaliceEdges(40, null);
  }

  /** For a JVM with a small heap, which nobody else uses. */
  static MaliceEdges ofHeap() {
    return new MaliceEdges(400, new Object[20_000]);
  }

  boolean isNext(Random random) {
    return random.nextInt(oneIn) == 0;
  }

  void run(Malice.Body call, Random random) throws Throwable {
    body = call;
    thrown = NO_ROOM;
    hasRun = false;
    if (ballast == null) {
      fall(random.nextInt(FRAMES));
    } else {
      fillHeapButFor(random.nextInt(40));
      runBody();
      java.util.Arrays.fill(ballast, null);
    }
    if (thrown != null) {
      throw thrown;
    }
  }

  /** Runs the call so many frames before the end of the stack; returns how far that is. */
  private int fall(int frames) {
    int beforeEnd;
    try {
      beforeEnd = fall(frames) + 1;
    } catch (StackOverflowError e) {
      beforeEnd = 0;
    }
    if (beforeEnd >= frames && !hasRun) {
      hasRun = true;
      runBody();
    }
    return beforeEnd;
  }

  private void runBody() {
    try {
      body.run();
      thrown = null;
    } catch (Throwable e) {
      thrown = e;
    }
  }

  private void fillHeapButFor(int room) {
    int count = 0;
    for (int bytes : new int[] {8192, 0}) {
      try {
        while (true) {
          ballast[count] = bytes == 0 ? new Object() : new byte[bytes];
          count++;
        }
      } catch (OutOfMemoryError e) {
        continue;
      }
    }
    java.util.Arrays.fill(ballast, Math.max(0, count - room), count, null);
  }
}
