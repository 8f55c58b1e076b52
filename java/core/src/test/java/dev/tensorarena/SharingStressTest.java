package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Threads that produce, hand on, hold for a while, copy on write and release, all at once. */
class SharingStressTest {
  private static final int THREADS = 4;
  private static final int ROUNDS = 8_000;

  private static final SharedTensor DONE = anyHandle();

  private static SharedTensor anyHandle() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      return ctx.empty(DType.INT8, 0).share();
    }
  }

  private final List<ConcurrentLinkedQueue<SharedTensor>> queues = new ArrayList<>();
  private final AtomicLong checked = new AtomicLong();

  @Test
  void nothingIsLostTornOrFreedTooEarly() throws Exception {
    ChunkPool.Stats before = ChunkPool.stats();
    List<FutureTask<Void>> workers = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      queues.add(new ConcurrentLinkedQueue<>());
    }
    for (int i = 0; i < THREADS; i++) {
      int own = i;
      FutureTask<Void> worker = new FutureTask<>(() -> work(own), null);
      workers.add(worker);
      new Thread(worker, "worker " + i).start();
    }
    for (FutureTask<Void> worker : workers) {
      worker.get();
    }
    for (ConcurrentLinkedQueue<SharedTensor> queue : queues) {
      for (SharedTensor left : queue) {
        check(left);
        left.close();
      }
    }
    assertTrue(checked.get() > THREADS * ROUNDS);
    assertEquals(before.inUseBytes(), ChunkPool.stats().inUseBytes());
    assertEquals(before.pinnedBytes(), ChunkPool.stats().pinnedBytes());
  }

  /** A cache evicts a handle, by making its bytes writable, while others try to share it. */
  @Test
  void tryShareWhileMutableConsumesTheHandleNeitherReadsWritesNorFreezes() throws Exception {
    AtomicReference<SharedTensor> cached = new AtomicReference<>();
    FutureTask<Void> reader =
        new FutureTask<>(
            () -> {
              for (SharedTensor next = cached.get(); next != DONE; next = cached.get()) {
                SharedTensor share = next == null ? null : next.tryShare();
                if (share != null) {
                  for (int i = 0; i < 20; i++) {
                    check(share);
                  }
                  share.close();
                }
              }
            },
            null);
    new Thread(reader, "reader").start();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      for (int round = 0; round < 20_000; round++) {
        Scope producing = ctx.scope();
        SharedTensor handle = ctx.allocSlice(1L, 2L, 3L, 4L).share();
        producing.close();
        cached.set(handle);
        for (int i = round % 200; i > 0; i--) {
          Thread.onSpinWait();
        }
        Scope evicting = ctx.scope();
        Tensor writable = handle.mutable(ctx);
        for (int i = 0; i < 4; i++) {
          writable.setLongAt(i, -i); // no write fails by timing
        }
        evicting.close();
      }
    } finally {
      cached.set(DONE);
      reader.get();
      DONE.close();
    }
  }

  /** The values of a tensor: each is the first plus its index. */
  private static Tensor produce(ExecutionContext ctx, Random random) {
    int length = 1 + random.nextInt(random.nextInt(8) == 0 ? 4000 : 60);
    Tensor tensor = ctx.empty(DType.INT64, length);
    long first = random.nextLong();
    for (int i = 0; i < length; i++) {
      tensor.setLongAt(i, first + i);
    }
    return tensor;
  }

  private void check(Tensor tensor) {
    long first = tensor.getLongAt(0);
    long length = tensor.size();
    for (int i = 1; i < length; i++) {
      if (tensor.getLongAt(i) != first + i) {
        throw new AssertionError(tensor + " has " + tensor.getLongAt(i) + " at " + i);
      }
    }
    checked.incrementAndGet();
  }

  private void work(int own) {
    Random random = new Random(own);
    Deque<SharedTensor> kept = new ArrayDeque<>();
    ConcurrentLinkedQueue<SharedTensor> inbox = queues.get(own);
    ExecutionContext ctx = ExecutionContext.open();
    for (int round = 0; round < ROUNDS; round++) {
      Scope scope = ctx.scope();
      Tensor tensor = produce(ctx, random);
      for (int i = random.nextInt(4); --i >= 0; ) {
        queues.get(random.nextInt(THREADS)).add(tensor.share());
      }
      if (random.nextInt(4) == 0) {
        tensor = scope.closeKeeping(tensor);
        check(tensor);
      } else {
        scope.close();
      }
      for (SharedTensor next = inbox.poll(); next != null; next = inbox.poll()) {
        consume(ctx, next, kept, random);
      }
      while (kept.size() > 20) {
        SharedTensor oldest = kept.removeFirst();
        check(oldest);
        oldest.close();
      }
      if (random.nextInt(50) == 0) {
        ctx.reset();
      } else if (random.nextInt(50) == 0) {
        ctx.close();
        ctx = ExecutionContext.open();
      }
    }
    ctx.close();
    for (SharedTensor last : kept) {
      check(last);
      last.close();
    }
  }

  private void consume(
      ExecutionContext ctx, SharedTensor next, Deque<SharedTensor> kept, Random random) {
    check(next);
    switch (random.nextInt(6)) {
      case 0:
        kept.addLast(next);
        break;
      case 1:
        kept.addLast(next.share());
        next.close();
        break;
      case 2:
        queues.get(random.nextInt(THREADS)).add(next);
        break;
      case 3:
        Tensor writable = next.mutable(ctx);
        check(writable);
        for (int i = 0; i < writable.size(); i++) {
          writable.setLongAt(i, i - 7);
        }
        check(writable);
        if (random.nextBoolean()) {
          queues.get(random.nextInt(THREADS)).add(writable.share());
        }
        break;
      default:
        next.close();
    }
  }
}
