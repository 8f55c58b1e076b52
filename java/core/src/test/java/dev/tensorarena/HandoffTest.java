package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Handles in tasks that do not run as they should: each is closed, and none under a function that
 * reads it. That no chunk stays pinned is also what {@link NothingLeaks} asks of every test.
 */
class HandoffTest {
  private static final int TASKS = 100;

  private final AtomicInteger calls = new AtomicInteger();
  private long pinnedBefore;

  @BeforeEach
  void count() {
    pinnedBefore = ChunkPool.stats().pinnedChunks();
  }

  @AfterEach
  void nothingIsLost() {
    assertEquals(pinnedBefore, ChunkPool.stats().pinnedChunks());
  }

  /** A handle with a chunk of its own, which only this handle keeps. */
  private static SharedTensor handle(long value) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      return ctx.allocSlice(value).share();
    }
  }

  private static SharedTensor thatFailsToClose() {
    SharedTensor handle = handle(7);
    handle.track(
        () -> {
          throw new IllegalStateException("of a resource");
        });
    return handle;
  }

  private long read(SharedTensor handle) {
    calls.incrementAndGet();
    return handle.getLongAt(0);
  }

  private static List<SharedTensor> handles() {
    List<SharedTensor> handles = new ArrayList<>();
    for (long i = 0; i < TASKS; i++) {
      handles.add(handle(i));
    }
    return handles;
  }

  private List<Future<Long>> submitted(Executor executor) {
    List<Future<Long>> futures = new ArrayList<>();
    for (SharedTensor handle : handles()) {
      futures.add(Handoff.submit(executor, handle, this::read));
    }
    return futures;
  }

  /** Collects until all futures are done, which are kept, and nothing of theirs is pinned. */
  private void collectUntilDone(List<? extends Future<?>> futures) throws Exception {
    for (int i = 0; i < 500; i++) {
      if (futures.stream().allMatch(Future::isDone)
          && ChunkPool.stats().pinnedChunks() == pinnedBefore) {
        return;
      }
      System.gc();
      Thread.sleep(10);
    }
  }

  // ---- what runs

  @Test
  void aTaskThatRunsClosesItsHandle() throws Exception {
    ExecutorService executor = Executors.newFixedThreadPool(2);
    List<Future<Long>> futures = submitted(executor);
    for (int i = 0; i < TASKS; i++) {
      assertEquals(i, futures.get(i).get());
    }
    executor.shutdown();
    assertTrue(executor.awaitTermination(1, TimeUnit.MINUTES));
  }

  @Test
  void aFunctionThatThrowsHasItsHandleClosed() {
    RuntimeException failure = new RuntimeException("of the function");
    SharedTensor handle = thatFailsToClose();
    Future<Object> future =
        Handoff.submit(
            Runnable::run,
            handle,
            x -> {
              throw failure;
            });
    ExecutionException thrown = assertThrows(ExecutionException.class, future::get);
    assertSame(failure, thrown.getCause());
    assertEquals("of a resource", failure.getSuppressed()[0].getMessage());
    assertFalse(handle.isAlive());
  }

  @Test
  void whatClosingThrowsIsWhatTheFutureFailsWithAndTheResultIsClosed() {
    SharedTensor handle = thatFailsToClose();
    Future<SharedTensor> future = Handoff.submit(Runnable::run, handle, Tensor::share);
    ExecutionException thrown = assertThrows(ExecutionException.class, future::get);
    assertEquals("of a resource", thrown.getCause().getMessage());
  }

  @Test
  void aTaskRunsOnce() throws Exception {
    Deque<Runnable> queue = new ArrayDeque<>();
    Future<Long> future = Handoff.submit(queue::add, handle(7), this::read);
    queue.element().run();
    queue.remove().run();
    assertEquals(7, future.get());
    assertEquals(1, calls.get());
  }

  // ---- what never begins

  @Test
  void cancelledBeforeItRan() throws Exception {
    Deque<Runnable> queue = new ArrayDeque<>();
    List<Future<Long>> futures = submitted(queue::add);
    for (Future<Long> future : futures) {
      assertTrue(future.cancel(true));
    }
    nothingIsLost();
    queue.forEach(Runnable::run); // as many executors do
    assertEquals(0, calls.get());
    for (Future<Long> future : futures) {
      assertThrows(CancellationException.class, future::get);
    }
  }

  @Test
  void shutDownAndForgotten() throws Exception {
    ExecutorService executor = Executors.newSingleThreadExecutor();
    CountDownLatch busy = new CountDownLatch(1);
    executor.execute(() -> await(busy));
    List<Future<Long>> futures = submitted(executor);
    assertEquals(TASKS, executor.shutdownNow().size());
    collectUntilDone(futures);
    for (Future<Long> future : futures) {
      assertTrue(future.isCancelled(), "whoever waits for it would wait for ever");
    }
    assertEquals(0, calls.get());
  }

  @Test
  void whatShutdownNowReturnsCanBeCancelledOrRun() throws Exception {
    ExecutorService executor = Executors.newSingleThreadExecutor();
    CountDownLatch busy = new CountDownLatch(1);
    executor.execute(() -> await(busy));
    List<Future<Long>> futures = submitted(executor);
    List<Runnable> tasks = executor.shutdownNow();
    tasks.subList(1, TASKS).forEach(task -> assertTrue(((Future<?>) task).cancel(false)));
    tasks.get(0).run();
    assertEquals(0, futures.get(0).get());
    assertEquals(1, calls.get());
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // by shutdownNow
    }
  }

  @Test
  void rejected() {
    ExecutorService executor = Executors.newSingleThreadExecutor();
    executor.shutdown();
    for (SharedTensor handle : handles()) {
      assertThrows(
          RejectedExecutionException.class, () -> Handoff.submit(executor, handle, this::read));
      assertFalse(handle.isAlive());
    }
  }

  @Test
  void queuedAndRejected() {
    Deque<Runnable> queue = new ArrayDeque<>();
    Executor executor =
        task -> {
          queue.add(task);
          throw new OutOfMemoryError("no thread, as of a ThreadPoolExecutor");
        };
    for (SharedTensor handle : handles()) {
      assertThrows(OutOfMemoryError.class, () -> Handoff.submit(executor, handle, this::read));
    }
    nothingIsLost();
    queue.forEach(Runnable::run);
    assertEquals(0, calls.get());
  }

  @Test
  void behindAStageThatThrew() throws Exception {
    CompletableFuture<Void> earlier = new CompletableFuture<>();
    List<Future<Long>> futures = submitted(earlier::thenRun);
    List<CompletableFuture<Long>> behind = new ArrayList<>();
    for (long i = 0; i < TASKS; i++) {
      long value = i;
      behind.add(Handoff.thenApply(earlier.thenApply(done -> handle(value)), this::read));
    }
    RuntimeException failure = new RuntimeException("of the stage");
    earlier.completeExceptionally(failure);
    for (CompletableFuture<Long> future : behind) {
      assertSame(failure, assertThrows(ExecutionException.class, future::get).getCause());
      assertSame(failure, assertThrows(CompletionException.class, future::join).getCause());
    }
    collectUntilDone(futures);
    assertEquals(0, calls.get());
  }

  @Test
  void discardedByTheExecutor() throws Exception {
    List<Future<Long>> futures = submitted(task -> {});
    collectUntilDone(futures);
    assertTrue(futures.stream().allMatch(Future::isCancelled));
  }

  // ---- what is late

  @Test
  void lateAfterATimeout() throws Exception {
    List<CompletableFuture<SharedTensor>> stages = new ArrayList<>();
    List<CompletableFuture<Long>> results = new ArrayList<>();
    for (int i = 0; i < TASKS; i++) {
      stages.add(new CompletableFuture<>());
      CompletableFuture<Long> result = Handoff.thenApply(stages.get(i), this::read);
      results.add(i % 2 == 0 ? result : result.orTimeout(1, TimeUnit.NANOSECONDS));
    }
    for (int i = 0; i < TASKS; i++) {
      CompletableFuture<Long> result = results.get(i);
      if (i % 2 == 0) {
        result.cancel(false);
      } else {
        Throwable late = assertThrows(ExecutionException.class, result::get).getCause();
        assertEquals(TimeoutException.class, late.getClass());
      }
      stages.get(i).complete(handle(i));
    }
    assertEquals(0, calls.get());
  }

  @Test
  void aResultThatComesTooLateIsClosed() throws Exception {
    CompletableFuture<SharedTensor> stage = new CompletableFuture<>();
    List<CompletableFuture<SharedTensor>> results = new ArrayList<>();
    results.add(
        Handoff.thenApply(
            stage,
            x -> {
              results.get(0).completeExceptionally(new TimeoutException());
              return x.share();
            }));
    stage.complete(handle(7));
    List<Future<SharedTensor>> futures = new ArrayList<>();
    Deque<Runnable> queue = new ArrayDeque<>();
    futures.add(
        Handoff.submit(
            queue::add,
            handle(7),
            x -> {
              futures.get(0).cancel(false);
              return x.share();
            }));
    queue.remove().run();
    assertThrows(CancellationException.class, futures.get(0)::get);
  }

  @Test
  void cancellingWhatHasBegunLeavesTheHandleToItsThread() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch cancelled = new CountDownLatch(1);
    CompletableFuture<Long> seen = new CompletableFuture<>();
    SharedTensor handle = handle(7);
    Thread[] worker = new Thread[1];
    Future<Void> future =
        Handoff.submit(
            task -> (worker[0] = new Thread(task, "worker")).start(),
            handle,
            x -> {
              begun.countDown();
              boolean interrupted = false;
              try {
                cancelled.await();
              } catch (InterruptedException e) {
                interrupted = true;
              }
              for (int i = 0; i < 100; i++) {
                handle(8).close(); // another query's
              }
              try {
                seen.complete(interrupted ? read(x) : -1);
              } catch (Throwable e) {
                seen.completeExceptionally(e);
              }
              return null;
            });
    begun.await();
    assertTrue(future.cancel(true));
    assertEquals(7, seen.get());
    worker[0].join();
    assertFalse(handle.isAlive());
  }

  // ---- stages that complete

  @Test
  void aStageThatHasOrGetsAHandle() throws Exception {
    assertEquals(
        7, Handoff.thenApply(CompletableFuture.completedFuture(handle(7)), this::read).get());
    CompletableFuture<SharedTensor> stage = new CompletableFuture<>();
    CompletableFuture<SharedTensor> shared = Handoff.thenApply(stage, Tensor::share);
    CompletableFuture<Long> read = Handoff.thenApply(shared, this::read);
    stage.complete(handle(8));
    assertEquals(8, read.get());
  }

  @Test
  void aFunctionBehindAStageFailsAsThenApplyDoes() {
    RuntimeException failure = new RuntimeException("of the function");
    CompletableFuture<Object> result =
        Handoff.thenApply(
            CompletableFuture.completedFuture(handle(7)),
            x -> {
              throw failure;
            });
    assertSame(failure, assertThrows(CompletionException.class, result::join).getCause());
    CompletableFuture<Long> none =
        Handoff.thenApply(CompletableFuture.completedFuture(null), this::read);
    Throwable missing = assertThrows(ExecutionException.class, none::get).getCause();
    assertEquals("the handle of the stage", missing.getMessage());
  }

  // ---- misuse

  @Test
  void whatCannotBeSubmittedIsClosed() {
    SharedTensor first = handle(7);
    assertThrows(NullPointerException.class, () -> Handoff.submit(null, first, this::read));
    assertFalse(first.isAlive());
    SharedTensor second = handle(7);
    assertThrows(NullPointerException.class, () -> Handoff.submit(Runnable::run, second, null));
    assertFalse(second.isAlive());
    assertRefuses(
        () -> Handoff.submit(Runnable::run, second, this::read), "INT64", "[1]", "is dead");
    assertEquals(0, calls.get());
  }

  private static final class Refusing extends Guard {
    private int refusals = 1;

    @Override
    public void close() {
      if (refusals-- > 0) {
        throw new IllegalStateException("in use");
      }
    }
  }

  @Test
  void aHandleThatAGuardKeepsIsClosedByTheCollector() throws Exception {
    SharedTensor handle = handle(7);
    handle.guard(Refusing.class, x -> new Refusing());
    Deque<Runnable> queue = new ArrayDeque<>();
    Future<Long> future = Handoff.submit(queue::add, handle, this::read);
    queue.remove().run();
    Throwable refusal = assertThrows(ExecutionException.class, future::get).getCause();
    assertEquals("in use", refusal.getMessage());
    assertTrue(handle.isAlive());
    collectUntilDone(List.of(future));
    assertFalse(handle.isAlive());
  }

  /** Also one of a stage, one that came too late, and a result that nobody gets. */
  @Test
  void whateverAGuardKeepsIsClosedByTheCollectorOnceItGivesIn() throws Exception {
    List<SharedTensor> kept = List.of(refusing(5), refusing(5), refusing(5), refusing(5));
    CompletableFuture<SharedTensor> stage = new CompletableFuture<>();
    CompletableFuture<SharedTensor> late = new CompletableFuture<>();
    CompletableFuture<SharedTensor> discarding = new CompletableFuture<>();
    CompletableFuture<Long> result = Handoff.thenApply(stage, this::read);
    Handoff.thenApply(late, this::read).cancel(false);
    CompletableFuture<SharedTensor> unwanted = new CompletableFuture<>();
    CompletableFuture<SharedTensor> wanted =
        Handoff.thenApply(
            discarding,
            x -> {
              unwanted.complete(null);
              return kept.get(2);
            });
    unwanted.thenRun(() -> wanted.cancel(false));
    LibraryLog.during(
        () -> {
          stage.complete(kept.get(0));
          late.complete(kept.get(1));
          discarding.complete(handle(7));
          assertThrows(
              NullPointerException.class, () -> Handoff.submit(null, kept.get(3), this::read));
          assertTrue(kept.stream().allMatch(SharedTensor::isOpen));
          collectUntilDone(List.of(result));
        },
        told -> {});
    assertThrows(ExecutionException.class, result::get);
    assertTrue(kept.stream().noneMatch(SharedTensor::isOpen));
  }

  /** A handle that is closed only when it has refused so often. */
  private static SharedTensor refusing(int times) {
    SharedTensor handle = handle(7);
    Refusing guard = handle.guard(Refusing.class, x -> new Refusing());
    guard.refusals = times;
    return handle;
  }

  @Test
  void aHandleThatAGuardKeepsFromACancelIsClosedByTheCollector() throws Exception {
    SharedTensor handle = refusing(1);
    Deque<Runnable> queue = new ArrayDeque<>();
    Future<Long> future = Handoff.submit(queue::add, handle, this::read);
    assertThrows(IllegalStateException.class, () -> future.cancel(false));
    queue.clear();
    collectUntilDone(List.of(future));
    assertFalse(handle.isAlive());
  }

  @Test
  void aHandleThatIsTheResultIsTheCallers() throws Exception {
    try (SharedTensor result = Handoff.submit(Runnable::run, handle(7), x -> x.share()).get()) {
      assertEquals(7, result.getLongAt(0));
    }
  }

  @Test
  void cancellingThrowsWhatClosingThrows() {
    SharedTensor handle = thatFailsToClose();
    Future<Long> future = Handoff.submit(task -> {}, handle, this::read);
    assertRefuses(() -> future.cancel(false), "of a resource");
    assertTrue(future.isCancelled());
    assertFalse(handle.isAlive());
  }

  // ---- what nobody waits for

  @Test
  void whatClosingThrowsIsLoggedWhereNobodyWaits() throws Exception {
    List<String> logged = new CopyOnWriteArrayList<>();
    LibraryLog.during(
        () -> {
          CompletableFuture<SharedTensor> stage = new CompletableFuture<>();
          Handoff.thenApply(stage, this::read).cancel(false);
          stage.complete(thatFailsToClose());
          Future<Long> discarded = Handoff.submit(task -> {}, thatFailsToClose(), this::read);
          collectUntilDone(List.of(discarded));
          for (int i = 0; i < 500 && logged.size() < 2; i++) {
            Thread.sleep(10); // the collector's thread closes first, and then it logs
          }
        },
        told -> logged.add(told.getMessage() + ": " + told.getThrown().getMessage()));
    assertEquals(
        List.of(
            "closing a handle that came too late failed: of a resource",
            "closing the handle of a task that was let go of failed: of a resource"),
        logged);
  }
}
