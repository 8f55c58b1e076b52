package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What the guide shows of contexts that are adopted, see {@link DocumentedExamplesTest}. */
class AdoptingExamplesTest {
  private static Tensor score(ExecutionContext ctx, int part) {
    return ctx.allocSlice(part, 10f * part);
  }

  @Test
  void workersFillContextsOfTheirOwn() throws Exception {
    ExecutorService workers = new ForkJoinPool(2); // or one virtual thread for each task
    float total = 0;
    // example
    record Scored(DetachedContext child, Tensor scores) {}
    List<Future<Scored>> parts = new ArrayList<>();
    for (int k = 1; k <= 4; k++) {
      int part = k;
      parts.add(
          workers.submit(
              () -> {
                try (ExecutionContext child = ExecutionContext.open()) { // closed if this fails
                  Tensor scores = score(child, part);
                  return new Scored(child.detach(), scores);
                }
              }));
    }
    try (ExecutionContext ctx = ExecutionContext.open()) {
      for (Future<Scored> part : parts) {
        ctx.adopt(part.get().child()); // its tensors are this context's now, where they are
        total += part.get().scores().getFloatAt(1);
      }
    } // and all of them end
    // end of example
    assertEquals(100f, total);
    workers.shutdown();
    assertTrue(workers.awaitTermination(1, TimeUnit.MINUTES));
  }
}
