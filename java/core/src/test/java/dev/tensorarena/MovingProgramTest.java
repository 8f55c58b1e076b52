package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * A task runtime: each stage of a query is a task on whichever thread, and gives the query's
 * context to the next one; the last one closes what the first one opened. A monitor asks for the
 * sizes of all queries meanwhile.
 */
class MovingProgramTest {
  private static final int QUERIES = 300;
  private static final int STAGES = 5;
  private static final int FLOATS = 500;

  private final long chunks = ChunkPool.stats().inUseChunks();
  private final CountDownLatch done = new CountDownLatch(QUERIES);
  private final CountDownLatch shares = new CountDownLatch(QUERIES * ((STAGES + 1) / 2));
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private final ConcurrentLinkedQueue<ExecutionContext> open = new ConcurrentLinkedQueue<>();

  private void submit(Executor executor, Consumer<Executor> stage) {
    executor.execute(
        () -> {
          try {
            stage.accept(executor);
          } catch (Throwable e) {
            failure.compareAndSet(null, e);
            done.countDown();
          }
        });
  }

  private void begin(Executor executor) {
    ExecutionContext ctx = ExecutionContext.open();
    open.add(ctx);
    goOn(executor, ctx, new ArrayList<>());
  }

  /** Allocates, shares every other tensor, and hands the context on. */
  private void goOn(Executor executor, ExecutionContext ctx, List<Tensor> tensors) {
    float[] expected = new float[FLOATS];
    for (int stage = 0; stage < tensors.size(); stage++) {
      Arrays.fill(expected, stage);
      assertEquals(
          expected[0] * FLOATS, sum(tensors.get(stage)), "what the stages before have written");
    }
    ctx.scope();
    Arrays.fill(expected, tensors.size());
    Tensor tensor = ctx.allocSlice(expected);
    if (tensors.size() % 2 == 0) {
      SharedTensor shared = tensor.share();
      submit(
          executor,
          later -> {
            try {
              shared.close();
            } finally {
              shares.countDown();
            }
          });
    }
    tensors.add(tensor);
    if (tensors.size() == STAGES) {
      ctx.close();
      done.countDown();
    } else {
      DetachedContext moving = ctx.detach();
      submit(executor, next -> goOn(next, moving.attach(), tensors));
    }
  }

  private static float sum(Tensor tensor) {
    float sum = 0;
    for (float each : tensor.toFloatArray()) {
      sum += each;
    }
    return sum;
  }

  private void run(Executor executor) throws Exception {
    for (int query = 0; query < QUERIES; query++) {
      submit(executor, this::begin);
    }
    while (done.getCount() > 0) {
      for (ExecutionContext ctx : open) {
        long bytes;
        try {
          bytes = ctx.memoryUsage();
        } catch (IllegalStateException closed) {
          open.remove(ctx);
          continue;
        }
        assertTrue(bytes >= 0 && bytes <= STAGES * (4 * FLOATS + 64), () -> bytes + " bytes");
      }
      Thread.onSpinWait();
    }
    if (failure.get() != null) {
      throw new AssertionError(failure.get());
    }
    shares.await();
    assertNull(failure.get());
    assertEquals(chunks, ChunkPool.stats().inUseChunks(), "nothing is lost");
  }

  @Test
  void oneVirtualThreadClosesWhatAnotherOpened() throws Exception {
    run(TestSupport::startVirtualThread);
  }

  @Test
  void oneThreadOfAPoolClosesWhatAnotherOpened() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(3);
    try {
      run(pool);
    } finally {
      pool.shutdown();
    }
  }
}
