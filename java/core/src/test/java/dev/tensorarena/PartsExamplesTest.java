package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;

/** What the guide shows of parts. */
class PartsExamplesTest {
  private final long pinnedBefore = ChunkPool.stats().pinnedChunks();
  private final CountDownLatch late = new CountDownLatch(1);

  private static void score(Tensor rows, int worker) {
    rows.fill(worker);
  }

  @Test
  void workersWriteTheirParts() {
    float[] all;
    // example
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor scores = ctx.empty(DType.FLOAT32, 1000, 16);
      try (TensorParts parts = scores.split(0, 8)) {
        IntStream.range(0, parts.count())
            .parallel()
            .forEach(
                k -> {
                  try (TensorPart part = parts.get(k)) { // this thread's, from tensor() to close()
                    score(part.tensor(), k);
                  }
                });
      } // all are closed: scores has what they wrote, and may be written again
      all = scores.toFloatArray();
    }
    // end of example
    for (int i = 0; i < all.length; i++) {
      assertEquals(i / 2000, all[i]);
    }
  }

  private static void score(Tensor rows) {
    rows.fill(1f);
  }

  // example
  void scoreHalves(TensorPart part) {
    try (part) {
      Tensor rows = part.tensor();
      if (rows.shape().dim(0) <= 100) {
        score(rows);
      } else {
        try (TensorParts halves = rows.split(0, 2)) {
          ForkJoinTask.invokeAll(
              ForkJoinTask.adapt(() -> scoreHalves(halves.get(0))),
              ForkJoinTask.adapt(() -> scoreHalves(halves.get(1))));
        }
      }
    }
  }

  // end of example

  @Test
  void tasksOfForkJoinSplitTheirParts() {
    ForkJoinPool pool = new ForkJoinPool(4);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor scores = ctx.zeros(DType.FLOAT32, 1000, 16);
      try (TensorParts parts = scores.split(0, 1)) {
        pool.invoke(ForkJoinTask.adapt(() -> scoreHalves(parts.get(0))));
      }
      assertTrue(scores.isWritable());
      assertTrue(scores.contentEquals(ctx.empty(DType.FLOAT32, 1000, 16).fill(1f)));
    } finally {
      pool.shutdown();
    }
  }

  /** In a JVM that compiles the program: what is a preview of Java's belongs to one JDK. */
  @Test
  @EnabledForJreRange(min = JRE.JAVA_25)
  void structuredTasksWriteTheirParts() throws Exception {
    TestSupport.run(
            List.of(
                TestSupport.java(),
                "-cp",
                System.getProperty("java.class.path"),
                "--enable-native-access=ALL-UNNAMED",
                "--enable-preview",
                "--source",
                String.valueOf(Runtime.version().feature()),
                "src/test/preview/StructuredExamplesTest.java"))
        .assertSucceeded()
        .assertPrinted("all 1000 rows were scored");
  }

  private void scoreLate(Tensor rows) {
    try {
      late.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    rows.fill(-1f);
  }

  @Test
  void aWorkerIsLate() throws Exception {
    ExecutorService pool = Executors.newSingleThreadExecutor();
    CountDownLatch taken = new CountDownLatch(1);
    Future<?>[] task = new Future<?>[1];
    assertThrows(
        TimeoutException.class,
        () -> {
          try (ExecutionContext ctx = ExecutionContext.open()) {
            TensorParts parts = ctx.empty(DType.FLOAT32, 1000).split(0, 1);
            task[0] =
                pool.submit(
                    () -> {
                      try (TensorPart part = parts.get(0)) {
                        Tensor mine = part.tensor();
                        taken.countDown();
                        scoreLate(mine);
                      }
                    });
            taken.await();
            task[0].get(1, TimeUnit.NANOSECONDS);
          }
        });
    try (ExecutionContext next = ExecutionContext.open()) {
      Tensor zeros = next.zeros(DType.FLOAT32, 1000);
      late.countDown();
      task[0].get();
      assertArrayEquals(new float[1000], zeros.toFloatArray());
    }
    pool.shutdown();
    assertEquals(pinnedBefore, ChunkPool.stats().pinnedChunks());
  }
}
