package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.LongBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Threads that produce, hand on, hold for a while, copy on write and release, all at once. */
class SharingStressTest {
  /**
   * Each keeps a chunk, of 64 KiB up to some MiB: where a thread gets no processor for a second,
   * the others would fill the machine's memory.
   */
  private static final int MOST_UNDER_WAY = 1_000;

  private static final int THREADS = 4;
  private static final long HAND_OFFS = Long.getLong("reliability.handOffs", 100_000);

  private static final SharedTensor DONE = anyHandle();

  private static SharedTensor anyHandle() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      return ctx.empty(DType.INT8, 0).share();
    }
  }

  /** A handle on its way, with the checksum that its sender took. */
  private record Parcel(SharedTensor handle, long checksum) {
    static Parcel of(SharedTensor handle) {
      return new Parcel(handle, checksum(handle));
    }

    void check() {
      assertEquals(checksum, checksum(handle), () -> handle + " is not what was sent");
    }

    void checkAndClose() {
      check();
      handle.close();
    }

    private static long checksum(Tensor tensor) {
      CRC32C crc = new CRC32C();
      crc.update(tensor.asByteBuffer());
      return crc.getValue();
    }
  }

  private final List<ConcurrentLinkedQueue<Parcel>> queues = new ArrayList<>();
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong received = new AtomicLong();
  private volatile boolean hasFailed;

  @Test
  @Tag("reliability")
  void nothingIsLostTornOrFreedTooEarly() throws Exception {
    ChunkPool.Stats before = ChunkPool.stats();
    List<FutureTask<Void>> workers = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      queues.add(new ConcurrentLinkedQueue<>());
    }
    for (int i = 0; i < THREADS; i++) {
      int own = i;
      FutureTask<Void> worker = new FutureTask<>(() -> workOrFail(own), null);
      workers.add(worker);
      new Thread(worker, "worker " + i).start();
    }
    for (FutureTask<Void> worker : workers) {
      worker.get();
    }
    queues.forEach(queue -> queue.forEach(Parcel::checkAndClose));
    assertTrue(received.get() >= HAND_OFFS);
    ChunkPool.Stats after = ChunkPool.stats();
    assertEquals(before.inUseBytes(), after.inUseBytes());
    assertEquals(before.inUseChunks(), after.inUseChunks());
    assertEquals(before.pinnedBytes(), after.pinnedBytes());
    assertEquals(before.pinnedChunks(), after.pinnedChunks());
    ChunkPool.trim();
    assertEquals(0, ChunkPool.stats().freeBytes());
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

  /** A tensor of counting numbers, so that what is torn shows. */
  private static Tensor produce(ExecutionContext ctx, Random random) {
    int length = 1 + random.nextInt(random.nextInt(8) == 0 ? 4000 : 60);
    Tensor tensor = ctx.empty(DType.INT64, length);
    long first = random.nextLong();
    LongBuffer values = tensor.asLongBuffer();
    for (int i = 0; i < length; i++) {
      values.put(i, first + i);
    }
    return tensor;
  }

  private static void check(Tensor tensor) {
    long first = tensor.getLongAt(0);
    long length = tensor.size();
    for (int i = 1; i < length; i++) {
      if (tensor.getLongAt(i) != first + i) {
        throw new AssertionError(tensor + " has " + tensor.getLongAt(i) + " at " + i);
      }
    }
  }

  /** To any of the other threads. */
  private void send(int own, Parcel parcel, Random random) {
    sent.incrementAndGet();
    queues.get((own + 1 + random.nextInt(THREADS - 1)) % THREADS).add(parcel);
  }

  /** The others end when one fails, which nobody would send to any more. */
  private void workOrFail(int own) {
    try {
      work(own);
    } catch (Throwable e) {
      hasFailed = true;
      throw e;
    }
  }

  private void work(int own) {
    Random random = new Random(own);
    Deque<Parcel> kept = new ArrayDeque<>();
    ConcurrentLinkedQueue<Parcel> inbox = queues.get(own);
    ExecutionContext ctx = ExecutionContext.open();
    while (received.get() < HAND_OFFS && !hasFailed) {
      Scope scope = ctx.scope();
      Tensor tensor = produce(ctx, random);
      boolean isFull = sent.get() - received.get() > MOST_UNDER_WAY;
      for (int i = isFull ? 0 : random.nextInt(4); --i >= 0; ) {
        send(own, Parcel.of(tensor.share()), random);
      }
      if (random.nextInt(4) == 0) {
        tensor = scope.closeKeeping(tensor);
        check(tensor);
      } else {
        scope.close();
      }
      for (Parcel next = inbox.poll(); next != null; next = inbox.poll()) {
        received.incrementAndGet();
        next.check();
        consume(ctx, own, next, kept, random);
      }
      while (kept.size() > 20) {
        kept.removeFirst().checkAndClose();
      }
      if (random.nextInt(50) == 0) {
        ctx.reset();
      } else if (random.nextInt(50) == 0) {
        ctx.close();
        ctx = ExecutionContext.open();
      }
    }
    ctx.close();
    kept.forEach(Parcel::checkAndClose);
  }

  private void consume(
      ExecutionContext ctx, int own, Parcel next, Deque<Parcel> kept, Random random) {
    SharedTensor handle = next.handle();
    switch (random.nextInt(6)) {
      case 0:
        kept.addLast(next);
        break;
      case 1:
        kept.addLast(new Parcel(handle.share(), next.checksum()));
        handle.close();
        break;
      case 2:
        send(own, next, random);
        break;
      case 3:
        Tensor writable = handle.mutable(ctx);
        check(writable);
        for (int i = 0; i < writable.size(); i++) {
          writable.setLongAt(i, i - 7);
        }
        check(writable);
        if (random.nextBoolean()) {
          send(own, Parcel.of(writable.share()), random);
        }
        break;
      default:
        handle.close();
    }
  }
}
