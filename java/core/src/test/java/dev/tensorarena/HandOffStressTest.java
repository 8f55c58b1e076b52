package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Hand-offs through {@link TensorQueue} and {@link Handoff} of which many are cancelled, time out,
 * are refused or interrupted. Each function reads what was sent, or does not run, and in the end
 * the pool and the budget are as they were, without a collection.
 */
class HandOffStressTest {
  private static final int THREADS = 2;
  private static final long HAND_OFFS = Long.getLong("reliability.handOffs", 100_000);

  private final TensorQueue queue = TensorQueue.bounded(64, 64 * 8);
  private final ExecutorService executor = Executors.newFixedThreadPool(THREADS);
  private final MemoryBudget budget = MemoryBudget.of("hand-offs", Long.MAX_VALUE);
  private final AtomicLong sent = new AtomicLong();
  private volatile Throwable failure;

  @Test
  @Tag("reliability")
  void nothingIsLostWhateverBecomesOfTheTasks() throws Exception {
    ChunkPool.Stats before = ChunkPool.stats();
    List<FutureTask<Void>> senders = new ArrayList<>();
    List<Thread> receivers = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      int seed = i;
      senders.add(new FutureTask<>(() -> noting(() -> send(new Random(seed))), null));
      new Thread(senders.get(i), "sender " + i).start();
      receivers.add(new Thread(() -> noting(() -> receive(new Random(seed))), "receiver " + i));
      receivers.get(i).start();
    }
    for (FutureTask<Void> sender : senders) {
      sender.get();
    }
    queue.close(); // with what is in it
    for (Thread receiver : receivers) {
      receiver.join();
    }
    executor.shutdown();
    executor.awaitTermination(1, TimeUnit.DAYS);
    if (failure != null) {
      throw new AssertionError(failure);
    }
    assertEquals(before.inUseChunks(), ChunkPool.stats().inUseChunks());
    assertEquals(0, budget.used());
    budget.close();
  }

  private interface Work {
    void run() throws Exception;
  }

  private void noting(Work work) {
    try {
      work.run();
    } catch (Throwable e) {
      failure = e;
      queue.close();
    }
  }

  // ---- sending

  private void send(Random random) throws Exception {
    List<Future<?>> pending = new ArrayList<>();
    while (sent.get() < HAND_OFFS && failure == null) {
      try (ExecutionContext ctx = ExecutionContext.builder().budget(budget).open()) {
        for (int i = 0; i < 20; i++) {
          SharedTensor handle = tensor(ctx, random.nextLong()).share();
          sent.incrementAndGet();
          if (random.nextInt(3) == 0) {
            pending.add(handOff(handle, random));
          } else {
            enqueue(handle, random);
          }
        }
      }
      while (pending.size() > 50) {
        settle(pending.remove(random.nextInt(pending.size())), random);
      }
    }
    for (Future<?> each : pending) {
      settle(each, random);
    }
  }

  private static Tensor tensor(ExecutionContext ctx, long value) {
    return ctx.allocSlice(value, ~value);
  }

  private static Long check(SharedTensor handle) {
    long value = handle.getLongAt(0);
    assertEquals(~value, handle.getLongAt(1), "another tensor's bytes");
    return value;
  }

  /** Puts a handle into the queue, by all its ways, or closes it. */
  private void enqueue(SharedTensor handle, Random random) throws InterruptedException {
    boolean interrupts = random.nextInt(20) == 0;
    if (interrupts) {
      Thread.currentThread().interrupt();
    }
    boolean isQueues = false;
    try {
      if (random.nextBoolean()) {
        isQueues = queue.offer(handle, random.nextInt(20), TimeUnit.MICROSECONDS);
      } else {
        queue.put(handle);
        isQueues = true;
      }
    } catch (InterruptedException e) {
      if (!interrupts) {
        throw e;
      }
    } finally {
      if (!isQueues) {
        handle.close();
      }
    }
  }

  private Future<?> handOff(SharedTensor handle, Random random) {
    Future<?> future;
    switch (random.nextInt(6)) {
      case 0:
        assertThrows(
            RejectedExecutionException.class,
            () -> Handoff.submit(HandOffStressTest::refuse, handle, HandOffStressTest::check));
        return CompletableFuture.completedFuture(null);
      case 1, 2:
        CompletableFuture<SharedTensor> stage = new CompletableFuture<>();
        CompletableFuture<Long> late = Handoff.thenApply(stage, HandOffStressTest::check);
        executor.execute(() -> stage.complete(handle));
        future = random.nextBoolean() ? late : late.orTimeout(1, TimeUnit.MICROSECONDS);
        break;
      default:
        future = Handoff.submit(executor, handle, HandOffStressTest::check);
    }
    if (random.nextInt(3) == 0) {
      future.cancel(random.nextBoolean());
    }
    return future;
  }

  private static void refuse(Runnable task) {
    throw new RejectedExecutionException();
  }

  /** Waits for a result, or a short time and cancels. */
  private static void settle(Future<?> future, Random random) throws Exception {
    try {
      if (random.nextBoolean()) {
        future.get();
      } else {
        future.get(random.nextInt(10), TimeUnit.MICROSECONDS);
      }
    } catch (TimeoutException e) {
      future.cancel(random.nextBoolean());
    } catch (CancellationException e) {
      return;
    } catch (ExecutionException e) {
      if (!(e.getCause() instanceof TimeoutException)) {
        throw e;
      }
    }
  }

  // ---- receiving

  private void receive(Random random) throws Exception {
    try {
      while (true) {
        if (random.nextInt(20) == 0) {
          Thread.currentThread().interrupt();
        }
        try {
          SharedTensor handle =
              random.nextBoolean()
                  ? queue.take()
                  : queue.poll(random.nextInt(20), TimeUnit.MICROSECONDS);
          if (handle != null) {
            check(handle);
            handle.close();
          }
        } catch (InterruptedException e) {
          continue;
        }
      }
    } catch (IllegalStateException e) {
      if (!String.valueOf(e.getMessage()).endsWith("is closed")) {
        throw e;
      }
    }
  }
}
