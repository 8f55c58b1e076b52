package dev.tensorarena.bench.windows;

import java.time.Duration;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.openjdk.jmh.infra.BenchmarkParams;

/**
 * Windows of some 30 µs, one after the other, in each of which a row is called as often as fits. A
 * call that takes longer than a window is one alone.
 *
 * <p>A row of several threads has windows in which all of them run, from the first one's start to
 * the last one's end; they are ten times as long, as threads do not start at the same moment.
 */
final class Windows {
  private static final double ALONE = 30_000;
  private static final double TOGETHER = 300_000;

  /** A reading of the clock is a thousandth of a window at most. */
  private static final double CLOCKS = 1000;

  private final BenchmarkParams row;
  private final double length;

  Windows(BenchmarkParams row) {
    this.row = row;
    this.length = Math.max(row.getThreads() == 1 ? ALONE : TOGETHER, CLOCKS * clock());
  }

  /** Nanoseconds that two readings of the clock lie apart, the least of many that differ. */
  private static double clock() {
    long least = Long.MAX_VALUE;
    int differ = 0;
    while (differ < 1000) {
      long start = System.nanoTime();
      long apart = System.nanoTime() - start;
      if (apart > 0) {
        least = Math.min(least, apart);
        differ++;
      }
    }
    return least;
  }

  /**
   * Measures.
   *
   * @param time for all windows
   * @return nanoseconds per operation in the shortest window, of each thread
   */
  double least(Duration time) {
    int threads = row.getThreads();
    Course course = new Course(threads, length, time);
    ExecutorService crew = Executors.newFixedThreadPool(threads);
    try {
      CompletionService<Void> running = new ExecutorCompletionService<>(crew);
      for (int i = 0; i < threads; i++) {
        int thread = i;
        running.submit(() -> course.run(thread, new GeneratedRow(row, thread)), null);
      }
      for (int i = 0; i < threads; i++) {
        running.take().get(); // the first one that fails is told
      }
      return course.least() / row.getOpsPerInvocation();
    } catch (ExecutionException e) {
      throw new IllegalStateException("Windows of " + row.getBenchmark() + " failed", e.getCause());
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    } finally {
      crew.shutdownNow();
    }
  }
}
