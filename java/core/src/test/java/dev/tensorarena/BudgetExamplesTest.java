package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** What the guide shows of budgets, see {@link DocumentedExamplesTest}. */
class BudgetExamplesTest {
  private final Map<String, SharedTensor> cache = new ConcurrentHashMap<>();

  private long score(ExecutionContext ctx, int part) {
    return ctx.zeros(DType.FLOAT32, part, 1000).byteSize();
  }

  private boolean evict() {
    List<SharedTensor> evicted = List.copyOf(cache.values());
    cache.clear();
    evicted.forEach(SharedTensor::close);
    return !evicted.isEmpty();
  }

  @Test
  void budgets() throws Exception {
    ExecutorService workers = Executors.newFixedThreadPool(4);
    MemoryBudget server = MemoryBudget.of("server", 1L << 30);
    long scored = 0;
    // example
    server.onPressure(bytes -> evict()); // asked before anybody is refused
    try (MemoryBudget query = server.child("query 7", 64 << 20)) {
      List<Future<Long>> parts = new ArrayList<>();
      for (int part = 1; part <= 4; part++) {
        int rows = 1000 * part;
        parts.add(
            workers.submit(
                () -> {
                  try (ExecutionContext ctx = ExecutionContext.builder().budget(query).open()) {
                    return score(ctx, rows); // as much as the others leave of the 64 MiB
                  }
                }));
      }
      for (Future<Long> part : parts) {
        scored += part.get();
      }
    } // refused, with the names, if a worker's context is open still
    // end of example
    assertEquals(40_000_000, scored);
    workers.shutdown();
    assertEquals(0, server.used());
    server.close();
  }
}
