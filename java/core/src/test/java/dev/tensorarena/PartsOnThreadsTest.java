package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.counting;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Future;
import java.util.concurrent.RecursiveAction;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Parts as workers, fork/join tasks and parallel streams use them, and what ends before them. */
class PartsOnThreadsTest {
  private static final int QUERIES = 40;

  /**
   * Workers fill disjoint parts, one is late, and the owner has timed out and closed its context:
   * not one number of the late worker's is in the next query's zeros.
   */
  @Test
  void aLateWorkerWritesNothingIntoTheNextQuery() throws Exception {
    ExecutorService workers = Executors.newFixedThreadPool(4);
    try {
      int foreign = 0;
      for (int query = 0; query < QUERIES; query++) {
        foreign += foreignNumbers(workers);
      }
      assertEquals(0, foreign);
    } finally {
      workers.shutdown();
      assertTrue(workers.awaitTermination(1, TimeUnit.MINUTES));
    }
  }

  private static int foreignNumbers(ExecutorService workers) throws Exception {
    CountDownLatch begun = new CountDownLatch(4);
    CountDownLatch late = new CountDownLatch(1);
    List<Future<?>> tasks = new ArrayList<>();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      TensorParts parts = ctx.zeros(DType.FLOAT32, 4, 1000).split(0, 4);
      for (int k = 0; k < 4; k++) {
        TensorPart mine = parts.get(k);
        boolean isLate = k == 3;
        tasks.add(
            workers.submit(
                () -> {
                  try (TensorPart part = mine) {
                    Tensor tensor = part.tensor().fill(-1f);
                    begun.countDown();
                    if (isLate) {
                      late.await();
                    }
                    return tensor.fill(-2f);
                  }
                }));
      }
      begun.await();
      for (Future<?> inTime : tasks.subList(0, 3)) {
        inTime.get();
      }
      assertRefuses(parts::close, "open: 3 (thread \"");
    }
    int foreign = 0;
    try (ExecutionContext next = ExecutionContext.open()) {
      Tensor zeros = next.zeros(DType.FLOAT32, 16, 1000);
      late.countDown();
      tasks.get(3).get();
      for (float value : zeros.toFloatArray()) {
        foreign += value == 0 ? 0 : 1;
      }
    }
    return foreign;
  }

  // ---- pools

  private static final class Fill extends RecursiveAction {
    private static final long serialVersionUID = 1;
    private final transient TensorParts parts;
    private final int from;
    private final int to;

    Fill(TensorParts parts, int from, int to) {
      this.parts = parts;
      this.from = from;
      this.to = to;
    }

    @Override
    protected void compute() {
      if (to - from > 1) {
        int middle = (from + to) / 2;
        invokeAll(new Fill(parts, from, middle), new Fill(parts, middle, to));
        return;
      }
      try (TensorPart part = parts.get(from)) {
        part.tensor().setFloatAt(0, from);
      }
    }
  }

  @Test
  void everyChildOfAForkJoinTaskWritesItsPart() {
    ForkJoinPool pool = new ForkJoinPool(4);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor out = ctx.zeros(DType.FLOAT32, 400);
      try (TensorParts parts = out.split(0, 400)) {
        pool.invoke(new Fill(parts, 0, 400));
      }
      assertArrayEquals(counting(400), out.toFloatArray());
    } finally {
      pool.shutdown();
    }
  }

  @Test
  void aParallelStreamWritesAllParts() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor out = ctx.zeros(DType.FLOAT32, 400);
      for (int i = 0; i < 20; i++) {
        AtomicInteger written = new AtomicInteger();
        try (TensorParts parts = out.fill(-1f).split(0, 400)) {
          IntStream.range(0, parts.count())
              .parallel()
              .forEach(
                  k -> {
                    try (TensorPart part = parts.get(k)) {
                      part.tensor().fill(k);
                      written.incrementAndGet();
                    }
                  });
        }
        assertEquals(400, written.get());
        assertArrayEquals(counting(400), out.toFloatArray());
        assertTrue(out.isWritable());
      }
    }
  }

  /** Many threads want one part, and some want it closed. */
  @Test
  void oneThreadWinsAPart() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor out = ctx.zeros(DType.FLOAT32, 1);
      for (int i = 0; i < 2000; i++) {
        TensorParts parts = out.split(0, 1);
        TensorPart part = parts.get(0);
        AtomicInteger won = new AtomicInteger();
        List<Future<?>> tasks = new ArrayList<>();
        for (int k = 0; k < 4; k++) {
          boolean closes = k == 3;
          tasks.add(pool.submit(() -> contend(part, closes, won)));
        }
        for (Future<?> each : tasks) {
          each.get();
        }
        parts.close();
        assertTrue(won.get() <= 1, "several threads have had the part");
        assertEquals(won.get(), out.getFloatAt(0));
        out.fill(0f);
      }
    } finally {
      pool.shutdown();
      assertTrue(pool.awaitTermination(1, TimeUnit.MINUTES));
    }
  }

  private static void contend(TensorPart part, boolean closes, AtomicInteger won) {
    try {
      if (!closes) {
        Tensor mine = part.tensor();
        won.incrementAndGet();
        mine.setFloatAt(0, mine.getFloatAt(0) + 1);
      }
      part.close();
    } catch (IllegalStateException e) {
      assertTrue(e.getMessage().startsWith("the tensor is part 0") || isClosed(e), e::getMessage);
    }
  }

  private static boolean isClosed(IllegalStateException e) {
    return e.getMessage().equals("part 0 of a FLOAT32 tensor of shape [1] was closed");
  }

  // ---- what ends before its parts

  private enum End {
    SCOPE,
    OUTER_SCOPE,
    RESET,
    CONTEXT,
    KEEPING_ANOTHER,
    KEEPING_A_COPY
  }

  @Test
  void partsOutliveEveryEndOfTheWhole() throws Exception {
    for (End end : End.values()) {
      ExecutionContext ctx = ExecutionContext.open();
      Scope outer = ctx.scope();
      Scope scope = ctx.scope();
      Tensor whole = ctx.allocSlice(counting(1000));
      TensorParts parts = whole.split(0, 2);
      Tensor part = parts.get(1).tensor();
      switch (end) {
        case SCOPE -> scope.close();
        case OUTER_SCOPE -> outer.close();
        case RESET -> ctx.reset();
        case CONTEXT -> ctx.close();
        case KEEPING_ANOTHER -> scope.closeKeeping(ctx.allocTemp(1f));
        case KEEPING_A_COPY -> assertEquals(500f, scope.closeKeeping(whole).getFloatAt(500));
      }
      assertFalse(whole.isAlive());
      try (ExecutionContext next = ExecutionContext.open()) {
        Tensor zeros = next.zeros(DType.FLOAT32, 3000);
        assertEquals(500f, part.getFloatAt(0), end + ": the bytes are the part's");
        part.fill(-1f);
        assertArrayEquals(new float[3000], zeros.toFloatArray());
      }
      assertRefuses(parts::close, "1 (thread ");
      parts.get(1).close();
      parts.close();
      ctx.close();
    }
    assertEquals(0, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void aKeptResultThatAResourceSplitsStaysWhereItsPartsAre() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Scope scope = ctx.scope();
      Tensor whole = ctx.allocSlice(counting(100));
      TensorParts[] parts = new TensorParts[1];
      scope.track(() -> parts[0] = whole.split(0, 2));
      Tensor kept = scope.closeKeeping(whole);
      parts[0].get(0).tensor().fill(7f);
      assertEquals(7f, kept.getFloatAt(49));
      assertFalse(kept.isWritable());
      assertRefuses(kept::share, "is split", "0 (thread");
      parts[0].get(0).close();
      parts[0].close();
      kept.mutable(ctx).fill(1f);
    }
  }

  @Test
  void wrappedMemoryIsToldWhenItsLastPartIsClosed() throws Exception {
    AtomicInteger told = new AtomicInteger();
    ByteBuffer lent = ByteBuffer.allocateDirect(8);
    TensorParts parts;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      parts = ctx.wrap(lent, DType.INT8, Shape.of(8), told::incrementAndGet).split(0, 2);
    }
    parts.get(0).tensor().fill(1);
    assertEquals(0, told.get());
    parts.get(1).close();
    parts.get(0).close();
    assertEquals(1, told.get());
    assertEquals(1, lent.get(3));
  }

  @Test
  void whatAReleaseThrowsIsSuppressedInWhatAResourceOfThePartThrows() {
    Error released = new AssertionError("released");
    TensorPart part;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Runnable onRelease =
          () -> {
            throw released;
          };
      Tensor lent = ctx.wrap(ByteBuffer.allocateDirect(8), DType.INT8, Shape.of(8), onRelease);
      part = lent.split(0, 1).get(0);
    }
    part.tensor()
        .track(
            () -> {
              throw new IllegalStateException("a resource");
            });
    IllegalStateException thrown = assertThrows(IllegalStateException.class, part::close);
    assertSame(released, thrown.getSuppressed()[0]);
    assertFalse(part.isOpen());
  }

  @Test
  void whatOneOfThemThrowsKeepsNoOtherOpen() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      TensorParts parts = ctx.zeros(DType.INT8, 2).split(0, 2);
      for (int k = 0; k < 2; k++) {
        TensorPart part = parts.get(k);
        AutoCloseable failing =
            () -> {
              throw new IllegalStateException(part.toString());
            };
        TestSupport.runOnThread("ended", () -> part.tensor().track(failing));
      }
      IllegalStateException thrown = assertThrows(IllegalStateException.class, parts::close);
      assertTrue(thrown.getMessage().startsWith("part 0"), thrown.getMessage());
      assertTrue(thrown.getSuppressed()[0].getMessage().startsWith("part 1"));
      assertFalse(parts.isOpen());
    }
  }

  /** A context whose thread has ended is closed by another; its parts are what they were. */
  @Test
  void theOwnerOfTheWholeHasEnded() throws Exception {
    ExecutionContext[] ctx = new ExecutionContext[1];
    TensorParts[] parts = new TensorParts[1];
    TestSupport.runOnThread(
        "owner",
        () -> {
          ctx[0] = ExecutionContext.open();
          parts[0] = ctx[0].zeros(DType.FLOAT32, 4).split(0, 2);
          parts[0].get(0).tensor().fill(1f);
        });
    Tensor mine = parts[0].get(1).tensor();
    assertRefuses(parts[0]::close, "open: 1 (thread \"");
    ctx[0].close();
    mine.fill(2f);
    parts[0].get(1).close();
    parts[0].close();
  }
}
