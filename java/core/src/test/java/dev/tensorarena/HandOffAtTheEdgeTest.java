package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Hand-offs by a thread whose stack ends: each future has an end, and each handle is closed. */
class HandOffAtTheEdgeTest {
  private static final int CALLS = 2000;

  /** What is called at the last frames of a stack, deepest first. */
  private static final class Edge {
    private final Runnable step;
    private int calls;

    Edge(Runnable step) {
      this.step = step;
    }

    void descend() {
      try {
        descend();
      } catch (StackOverflowError e) {
        // here it ends
      }
      if (calls < CALLS) {
        calls++;
        try {
          step.run();
        } catch (StackOverflowError e) {
          // and here; what counts is what is left
        }
      }
    }

    static void call(Runnable step) throws Exception {
      step.run(); // loads and links all that it needs
      Thread thread = new Thread(null, () -> new Edge(step).descend(), "edge", 256 << 10);
      thread.start();
      thread.join();
    }
  }

  private final List<SharedTensor> handles = new ArrayList<>();
  private final List<Future<Float>> futures = new ArrayList<>(2 * CALLS);

  private SharedTensor[] handles() {
    SharedTensor[] made = new SharedTensor[CALLS + 1];
    try (ExecutionContext ctx = ExecutionContext.open();
        SharedTensor one = ctx.allocSlice(1f).share()) {
      for (int i = 0; i < made.length; i++) {
        made[i] = one.share();
        handles.add(made[i]);
      }
    }
    return made;
  }

  /** What got no end of its own is cancelled by the collector at the latest. */
  private void assertAllEnd() throws InterruptedException {
    for (int i = 0; i < 500 && handles.stream().anyMatch(SharedTensor::isOpen); i++) {
      System.gc();
      Thread.sleep(10);
    }
    assertFalse(handles.stream().anyMatch(SharedTensor::isOpen));
    for (Future<Float> each : futures) {
      // get() would wait for ever where a FutureTask was broken off, and isDone() says yes.
      assertTrue(each.isCancelled() || each.toString().contains("Completed"), each::toString);
    }
  }

  @Test
  void submitToAnExecutorOfTheSameThread() throws Exception {
    SharedTensor[] made = handles();
    int[] next = new int[1];
    Executor here = Runnable::run;
    boolean[] has = new boolean[made.length];
    Edge.call(
        () -> {
          int mine = next[0]++;
          futures.add(Handoff.submit(here, made[mine], tensor -> tensor.getFloatAt(0)));
          has[mine] = true;
        });
    for (int i = 0; i < made.length; i++) {
      if (!has[i]) {
        made[i].close(); // the caller's still, or closed
      }
    }
    assertAllEnd();
  }

  @Test
  void runAndCancelWhatWasSubmitted() throws Exception {
    for (boolean run : new boolean[] {true, false}) {
      Queue<Runnable> tasks = new ArrayDeque<>();
      for (SharedTensor handle : handles()) {
        futures.add(Handoff.submit(tasks::add, handle, tensor -> tensor.getFloatAt(0)));
      }
      Queue<Future<Float>> waiting = new ArrayDeque<>(futures);
      Edge.call(run ? () -> tasks.remove().run() : () -> waiting.remove().cancel(false));
      for (Runnable left : tasks) {
        left.run(); // which does nothing if it was cancelled
      }
      tasks.clear();
      for (Future<Float> each : futures) {
        each.cancel(false);
      }
      assertAllEnd();
      futures.clear();
    }
  }
}
