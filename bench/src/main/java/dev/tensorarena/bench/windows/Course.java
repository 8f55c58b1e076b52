package dev.tensorarena.bench.windows;

import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;

/**
 * One window after the other, on all threads of a row: first those that warm up and find how many
 * calls of the row fit, then those that count, all of the same number of calls.
 */
final class Course {
  /** Of the time, for the JIT to compile the loop and for finding how many calls fit. */
  private static final int WARM_UP = 4;

  /** Before threads start together, so that the last one is awake. */
  private static final long RUN_UP_NANOS = 50_000;

  private final int threads;
  private final double length;
  private final Duration time;
  private final CyclicBarrier between;

  // Written by a thread for itself during a window.
  private final double[] alone;
  private final long[] starts;
  private final long[] ends;

  // Written between windows.
  private boolean isFirst = true;
  private boolean isOver;
  private int calls = 1;
  private long go;
  private long begun;
  private double estimate = Double.POSITIVE_INFINITY;
  private double least = Double.POSITIVE_INFINITY;

  /**
   * Not begun yet.
   *
   * @param threads that run the row
   * @param length of a window, nanoseconds
   * @param time of all windows
   */
  Course(int threads, double length, Duration time) {
    this.threads = threads;
    this.length = length;
    this.time = time;
    this.between = new CyclicBarrier(threads, this::next);
    this.alone = new double[threads];
    this.starts = new long[threads];
    this.ends = new long[threads];
  }

  /** Nanoseconds per call in the shortest window. */
  double least() {
    return least;
  }

  /**
   * Takes part; all threads have to.
   *
   * @param thread its number, from 0
   * @param code what it runs
   */
  void run(int thread, GeneratedRow code) {
    try {
      code.shoot(1, false); // which also sets up
      between.await();
      while (!isOver) {
        while (System.nanoTime() - go < 0) {
          Thread.onSpinWait();
        }
        starts[thread] = System.nanoTime();
        alone[thread] = code.shoot(calls, false);
        ends[thread] = System.nanoTime();
        between.await();
      }
      code.shoot(1, true);
    } catch (InterruptedException | BrokenBarrierException e) {
      throw new IllegalStateException("another thread of the row failed", e);
    }
  }

  /** Looks at the window that all threads have ended, if any, and plans the next. */
  private void next() {
    long now = System.nanoTime();
    if (isFirst) {
      isFirst = false;
      begun = now;
    } else if (now - begun < time.toNanos() / WARM_UP) {
      estimate = Math.min(estimate, nanosPerCall());
      calls = Math.min(2 * calls, fitting(length / estimate));
    } else {
      least = Math.min(least, nanosPerCall());
      isOver = now - begun >= time.toNanos();
    }
    go = threads == 1 ? now : now + RUN_UP_NANOS;
  }

  private double nanosPerCall() {
    if (threads == 1) {
      return alone[0];
    }
    long start = Arrays.stream(starts).min().orElseThrow();
    long end = Arrays.stream(ends).max().orElseThrow();
    return (double) (end - start) / calls;
  }

  /**
   * How many calls a window has: a multiple of the numbers (4, 16, 100) after which rows reset or
   * release what they allocated, so that every window has its whole part of that.
   *
   * @param fit as many as would fill it
   */
  static int fitting(double fit) {
    if (fit <= 1) {
      return 1;
    }
    int multiple = fit < 34 ? 4 : fit < 200 ? 100 : 400;
    return multiple * (int) Math.ceil(Math.min(fit, 1_000_000) / multiple);
  }
}
