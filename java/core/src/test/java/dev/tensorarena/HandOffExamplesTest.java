package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What the guide shows of hand-offs, see {@link DocumentedExamplesTest}. */
class HandOffExamplesTest {
  private static float mean(SharedTensor row) {
    float sum = 0;
    for (long i = 0; i < row.size(); i++) {
      sum += row.getFloatAt(i);
    }
    return sum / row.size();
  }

  private static CompletableFuture<SharedTensor> load(ExecutorService pool, SharedTensor row) {
    return CompletableFuture.supplyAsync(() -> row, pool);
  }

  @Test
  void handOffs() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(2);
    // example
    try (ExecutionContext ctx = ExecutionContext.open();
        TensorQueue scored = TensorQueue.bounded(1000, 64 << 20)) { // handles, bytes
      Tensor rows = ctx.zeros(DType.FLOAT32, 2, 384);
      Future<Float> first = Handoff.submit(pool, rows.select(0, 0).share(), row -> mean(row));
      CompletableFuture<SharedTensor> loading = load(pool, rows.select(0, 1).share());
      CompletableFuture<Float> second = Handoff.thenApply(loading, row -> mean(row));
      second.orTimeout(1, TimeUnit.MINUTES); // a row that comes later is closed
      scored.put(ctx.allocSlice(first.get(), second.get()).share()); // waits for room
      try (SharedTensor best = scored.take()) { // on another thread, as a rule
        best.getFloatAt(1);
      }
    } // what is still in the queue is closed
    // end of example
    pool.shutdown();
    assertTrue(pool.awaitTermination(1, TimeUnit.MINUTES));
  }

  @Test
  void severalResults() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      // example
      Scope step = ctx.scope();
      Tensor left = ctx.allocSlice(1, 2);
      Tensor right = ctx.allocSlice(3, 4);
      Tensor[] kept = step.closeKeeping(left, right); // both, or none if it throws
      Tensor row = ctx.concat(0, kept); // [1, 2, 3, 4]
      Tensor rows = ctx.stack(0, kept); // [[1, 2], [3, 4]]
      // end of example
      assertArrayEquals(new int[] {1, 2, 3, 4}, row.toIntArray());
      assertTrue(rows.reshape(Shape.of(4)).contentEquals(row));
    }
  }
}
