package dev.tensorarena;

import java.io.PrintStream;
import java.util.Arrays;

/**
 * The last calls of an actor, printed when its program fails, since not every kind of program does
 * the same again. Asks the heap for nothing once it is made.
 */
final class MaliceTrail {
  /** {@code -Dmalice.trace=true} prints each call when it is over. */
  private static final boolean TRACED = Boolean.getBoolean("malice.trace");

  private static final int CALLS = 200;
  private static final int FRAMES_OF_AN_ERROR = 12;

  /** A call, from its begin on. */
  static final class Call {
    private String what;
    private Object on;
    private int depth;
    private boolean atAnEdge;
    private boolean over;
    private Throwable thrown;
  }

  private final String actor;
  private final Call[] calls = new Call[CALLS];
  private long count;

  MaliceTrail(String actor) {
    this.actor = actor;
    Arrays.setAll(calls, i -> new Call());
  }

  Call begin(String what, Object on, int depth, boolean atAnEdge) {
    Call call = calls[(int) (count++ % CALLS)];
    call.what = what;
    call.on = on;
    call.depth = depth;
    call.atAnEdge = atAnEdge;
    call.over = false;
    call.thrown = null;
    return call;
  }

  void end(Call call, Throwable thrown) {
    call.over = true;
    call.thrown = thrown;
    if (TRACED) {
      print(call, System.out);
    }
  }

  /** Prints the calls; those that a call-back makes stand after the call in which it runs. */
  void print(PrintStream out) {
    for (long i = Math.max(0, count - CALLS); i < count; i++) {
      print(calls[(int) (i % CALLS)], out);
    }
  }

  private void print(Call call, PrintStream out) {
    String on = call.on == null ? "" : " of " + call.on;
    String edge = call.atAnEdge ? " at an edge" : "";
    String end = !call.over ? " runs" : call.thrown == null ? "" : ": " + call.thrown;
    out.println("  ".repeat(call.depth) + actor + ": " + call.what + on + edge + end);
    if (call.thrown instanceof VirtualMachineError) {
      Arrays.stream(call.thrown.getStackTrace())
          .filter(frame -> !frame.getMethodName().matches("descend|fall"))
          .limit(FRAMES_OF_AN_ERROR)
          .forEach(frame -> out.println("  ".repeat(call.depth) + "    at " + frame));
    }
  }
}
