package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What the guide shows of contexts that move, see {@link DocumentedExamplesTest}. */
class MovingExamplesTest {
  private static float score(Tensor query) {
    return query.getFloatAt(1);
  }

  @Test
  void contextsThatMove() throws Exception {
    ExecutorService pool = new ForkJoinPool(2); // or one virtual thread for each task
    // example
    CompletableFuture<Float> best;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor query = ctx.allocSlice(1f, 2f, 3f);
      DetachedContext moving =
          ctx.detach(); // from here on nobody's: leaving the block closes nothing
      best =
          CompletableFuture.supplyAsync(
                  () -> {
                    try (ExecutionContext mine = moving.attach()) { // the same context and tensors
                      return score(mine.zeros(DType.FLOAT32, 3).copyFrom(query));
                    }
                  },
                  pool)
              .whenComplete((score, failure) -> moving.close()); // if nobody has attached it
    }
    best.join();
    // end of example
    assertEquals(2f, best.get());
    pool.shutdown();
    assertTrue(pool.awaitTermination(1, TimeUnit.MINUTES));
  }
}
