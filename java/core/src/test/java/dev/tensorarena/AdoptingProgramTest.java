package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * A query engine on a fork/join pool: each query's workers fill contexts of their own, under one
 * budget, some fail, and others hold shares of what a worker has made longer than the query lives.
 */
class AdoptingProgramTest {
  private static final int QUERIES = 200;
  private static final int WORKERS = 4;
  private static final int TENSORS = 20;
  private static final int FLOATS = 1000;

  private record Made(DetachedContext child, List<Tensor> tensors) {}

  private final long chunks = ChunkPool.stats().inUseChunks();
  private final ForkJoinPool pool = new ForkJoinPool(3);
  private final List<Future<?>> readers = new ArrayList<>();

  private Made make(MemoryBudget budget, int query, int worker) {
    try (ExecutionContext child = ExecutionContext.builder().budget(budget).open()) {
      List<Tensor> tensors = new ArrayList<>();
      for (int i = 0; i < TENSORS; i++) {
        try (Scope temporary = child.scope()) {
          Tensor made = child.empty(DType.FLOAT32, FLOATS).fill((float) (query + worker + i));
          tensors.add(i % 2 == 0 ? temporary.closeKeeping(made) : made.copy(child));
        }
      }
      tensors.removeIf(each -> !each.isAlive());
      if (query % 7 == worker) {
        throw new IllegalArgumentException("this worker fails");
      }
      share(tensors.get(0), query + worker);
      return new Made(child.detach(), tensors);
    }
  }

  private synchronized void share(Tensor tensor, float expected) {
    SharedTensor handle = tensor.share();
    readers.add(
        Handoff.submit(
            pool,
            handle,
            late -> {
              Thread.yield();
              assertEquals(expected, late.getFloat(FLOATS - 1));
              return null;
            }));
  }

  private int run(MemoryBudget all, int query) throws Exception {
    int adopted = 0;
    MemoryBudget budget = all.child("query " + query, 16 << 20);
    List<Future<Made>> parts = new ArrayList<>();
    for (int worker = 0; worker < WORKERS; worker++) {
      int part = worker;
      parts.add(pool.submit(() -> make(budget, query, part)));
    }
    try (ExecutionContext ctx = ExecutionContext.builder().budget(budget).open()) {
      ctx.allocSlice(1f);
      for (int worker = 0; worker < WORKERS; worker++) {
        Made made;
        try {
          made = parts.get(worker).get();
        } catch (java.util.concurrent.ExecutionException e) {
          assertEquals(IllegalArgumentException.class, e.getCause().getClass());
          continue;
        }
        ctx.adopt(made.child());
        adopted++;
        for (int i = 0; i < made.tensors().size(); i++) {
          assertEquals((float) (query + worker + 2 * i), made.tensors().get(i).getFloat(0));
        }
      }
      assertTrue(budget.used() > adopted * 4L * FLOATS * TENSORS / 2, budget::toString);
    }
    return adopted;
  }

  @Test
  void nothingIsLostAndNobodyReadsAnotherQuerysBytes() throws Exception {
    MemoryBudget all = MemoryBudget.of("all", 1 << 30);
    int adopted = 0;
    for (int query = 0; query < QUERIES; query++) {
      adopted += run(all, query);
    }
    for (Future<?> each : readers) {
      each.get();
    }
    assertTrue(adopted > QUERIES * (WORKERS - 1), adopted + " adopted");
    pool.shutdown();
    assertTrue(pool.awaitTermination(1, TimeUnit.MINUTES));
    assertEquals(0, all.used());
    assertEquals(chunks, ChunkPool.stats().inUseChunks());
  }
}
