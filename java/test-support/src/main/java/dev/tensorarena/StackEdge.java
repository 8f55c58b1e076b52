package dev.tensorarena;

/** Calls that are made where a stack ends. */
public final class StackEdge {
  private static final long STACK = 256 << 10;

  private static int overflows;

  private StackEdge() {}

  /** Returns how often the stack has ended, in this JVM. */
  public static int overflows() {
    return overflows;
  }

  /** Fills the stack, then runs the step in ever fewer frames until it does not overflow. */
  public static void atTheEdge(Runnable step) {
    atTheEdge(0, step);
  }

  private static void atTheEdge(int padding, Runnable step) {
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

  private static void atTheEdgeInAnotherFrame(int padding, long a, long b, Runnable step) {
    try {
      atTheEdge((int) (padding + a + b - 3), step);
    } catch (StackOverflowError e) {
      overflows++;
      step.run();
    }
  }

  /** Runs a step on a thread whose stack is soon full, and fails if it throws. */
  public static void onSmallStack(Runnable step) throws InterruptedException {
    onStack(STACK, step);
  }

  /** Does the same with a stack of so many bytes. */
  public static void onStack(long bytes, Runnable step) throws InterruptedException {
    Throwable[] thrown = new Throwable[1];
    Thread thread = new Thread(null, step, "small", bytes);
    thread.setUncaughtExceptionHandler((of, e) -> thrown[0] = e);
    thread.start();
    thread.join();
    if (thrown[0] != null) {
      throw new AssertionError("on the small stack", thrown[0]);
    }
  }
}
