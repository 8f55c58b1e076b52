package dev.tensorarena;

/** Calls that are made where a stack ends. */
class StackEdge {
  private static final long STACK = 256 << 10;

  /** How often the stack has ended, in this JVM. */
  static int overflows;

  /** What is done at the edge of a stack. */
  interface Step {
    void run();
  }

  /** Fills the stack, then runs the step in ever fewer frames until it does not overflow. */
  static void atTheEdge(int padding, Step step) {
    try {
      if (padding % 3 == 0) {
        atTheEdge(padding + 1, step);
      } else {
        atTheEdgeInAnotherFrame(padding + 1, 1L, 2L, step);
      }
    } catch (StackOverflowError e) {
      overflows++;
      step.run();
    }
  }

  private static void atTheEdgeInAnotherFrame(int padding, long a, long b, Step step) {
    try {
      atTheEdge((int) (padding + a + b - 3), step);
    } catch (StackOverflowError e) {
      overflows++;
      step.run();
    }
  }

  static void onSmallStack(Step step) throws InterruptedException {
    Throwable[] thrown = new Throwable[1];
    Thread thread = new Thread(null, step::run, "small", STACK);
    thread.setUncaughtExceptionHandler((of, e) -> thrown[0] = e);
    thread.start();
    thread.join();
    if (thrown[0] != null) {
      throw new AssertionError("on the small stack", thrown[0]);
    }
  }
}
