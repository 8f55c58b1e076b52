package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Resident memory stays where it is, however long contexts come and go and tensors are handed on.
 */
class SoakTest {
  private static final int SECONDS = Integer.getInteger("reliability.soakSeconds", 3);

  @Test
  @Tag("reliability")
  void residentMemoryIsFlatAfterWarmUp() throws Exception {
    TestSupport.Outcome outcome = soak(SECONDS, 0).assertSucceeded();
    System.out.print(outcome.output());
  }

  @Test
  @Tag("reliability")
  void aLeakIsSeen() throws Exception {
    TestSupport.Outcome outcome = soak(Math.min(SECONDS, 6), 100);
    assertTrue(outcome.exit() != 0);
    outcome.assertPrinted("resident memory grew");
  }

  /** The heap is touched at the start and stays, so that what grows is native. */
  private static TestSupport.Outcome soak(int seconds, int leaks) throws Exception {
    return TestSupport.fork(
        List.of("-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch", "-Dtensorarena.leakDetection=off"),
        Soak.class,
        Integer.toString(seconds),
        Integer.toString(leaks));
  }

  static final class Soak {
    /** More than this, from the first half after warm-up to the second, is growth. */
    private static final long TOLERANCE_KIB = 8 << 10;

    /** However slow the machine: what did hardly anything shows nothing. */
    private static final int LEAST_QUERIES = 6_000;

    private static final int THREADS = 3;
    private static final LongAdder DONE_QUERIES = new LongAdder();
    private static final BlockingQueue<SharedTensor> QUEUE = new ArrayBlockingQueue<>(16);
    private static volatile boolean done;
    private static volatile Throwable failure;
    private static volatile long handedOn;

    public static void main(String[] args) throws Exception {
      long millis = 1000L * Integer.parseInt(args[0]);
      int leaks = Integer.parseInt(args[1]);
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        int seed = i;
        Thread thread = new Thread(() -> queries(new Random(seed), leaks), "query " + i);
        thread.setUncaughtExceptionHandler((which, thrown) -> failure = thrown);
        threads.add(thread);
      }
      Thread consumer = new Thread(Soak::consume, "consumer");
      consumer.setUncaughtExceptionHandler((which, thrown) -> failure = thrown);
      threads.add(consumer);
      threads.forEach(Thread::start);
      List<Long> resident = new ArrayList<>();
      long start = System.nanoTime();
      for (long now = 0;
          failure == null && (now < millis || DONE_QUERIES.sum() < LEAST_QUERIES);
          now = (System.nanoTime() - start) / 1_000_000) {
        Thread.sleep(100);
        if (now > millis / 3) {
          resident.add(residentKiB());
        }
      }
      done = true;
      for (Thread thread : threads) {
        thread.join();
      }
      if (failure != null) {
        throw new AssertionError(failure);
      }
      report(resident);
      assertEquals(0, ChunkPool.openContexts());
      assertEquals(0, ChunkPool.stats().inUseChunks());
    }

    private static void report(List<Long> resident) {
      int half = resident.size() / 2;
      long first = Collections.max(resident.subList(0, half));
      long second = Collections.max(resident.subList(half, resident.size()));
      System.out.printf(
          "soak: %,d tensors handed on; at most %,d KiB resident, then %,d KiB%n",
          handedOn, first, second);
      if (second - first > TOLERANCE_KIB) {
        System.out.println("resident memory grew");
        System.exit(1);
      }
    }

    private static long residentKiB() throws IOException {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("VmRSS:")) {
          return Long.parseLong(line.replaceAll("[^0-9]", ""));
        }
      }
      throw new AssertionError("no VmRSS");
    }

    /**
     * Contexts of all sizes, with scopes, resets, results that are kept, and handles for others.
     */
    private static void queries(Random random, int leaks) {
      for (long query = 0; !done && failure == null; query++) {
        try (ExecutionContext ctx = ExecutionContext.open()) {
          for (int cycle = random.nextInt(4); cycle >= 0; cycle--) {
            cycle(ctx, random);
            ctx.reset();
          }
          hand(ctx.copyOf(Shape.of(4), 1, 2, 3, 4).share());
          DONE_QUERIES.increment();
          if (leaks > 0 && query % (1000 / leaks) == 0) {
            ctx.zeros(DType.INT8, 60_000).share(); // never closed
          }
        }
        if (query % 5000 == 0) {
          ChunkPool.trim();
        }
      }
    }

    private static void cycle(ExecutionContext ctx, Random random) {
      try (Scope scope = ctx.scope()) {
        for (int i = random.nextInt(20); i >= 0; i--) {
          Tensor tensor = ctx.zeros(DType.FLOAT32, random.nextInt(1 << 1 + random.nextInt(15)));
          if (random.nextInt(4) == 0) {
            hand(tensor.share());
          }
        }
        scope.closeKeeping(ctx.allocTemp(1f));
      }
    }

    private static void hand(SharedTensor tensor) {
      try {
        while (!QUEUE.offer(tensor, 10, TimeUnit.MILLISECONDS)) {
          if (done || failure != null) {
            tensor.close();
            return;
          }
        }
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    private static void consume() {
      long count = 0;
      try {
        for (SharedTensor next; ; count++) {
          next = QUEUE.poll(300, TimeUnit.MILLISECONDS);
          if (next == null && done) {
            break;
          } else if (next != null) {
            next.close();
          }
        }
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      handedOn = count;
    }
  }
}
