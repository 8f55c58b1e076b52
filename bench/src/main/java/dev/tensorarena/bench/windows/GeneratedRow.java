package dev.tensorarena.bench.windows;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.concurrent.CountDownLatch;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.Control;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.infra.ThreadParams;
import org.openjdk.jmh.results.BenchmarkTaskResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.runner.InfraControl;
import org.openjdk.jmh.runner.IterationType;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * The code that JMH generated for a row, as one thread runs it: its single shot, which is a loop
 * over so many calls of the row between two readings of the clock. It is the loop of the other
 * modes with a count in place of a flag: results go to the same blackhole, so handles escape or do
 * not escape as they do there.
 *
 * <p>It sets up states of its own with the first shot, and tears them down with the last. All shots
 * are of one thread.
 */
final class GeneratedRow {
  private final BenchmarkParams row;
  private final ThreadParams thread;
  private final Object code;
  private final Method shoot;

  /**
   * For a thread.
   *
   * @param row what is measured
   * @param thread its number, from 0
   */
  GeneratedRow(BenchmarkParams row, int thread) {
    this.row = row;
    int threads = row.getThreads();
    this.thread = new ThreadParams(thread, threads, thread, threads, 0, 1, 0, 1, 0, 1);
    String name =
        row.generatedBenchmark(); // class, method and mode, as in a.b.C_empty.empty_AverageTime
    int dot = name.lastIndexOf('.');
    String method = name.substring(dot + 1, name.lastIndexOf('_') + 1) + Mode.SingleShotTime;
    try {
      Class<?> type = Class.forName(name.substring(0, dot));
      code = type.getDeclaredConstructor().newInstance();
      shoot = type.getMethod(method, InfraControl.class, ThreadParams.class);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("JMH has generated no single shot of " + name, e);
    }
  }

  /**
   * Calls the row so many times.
   *
   * @param isLast whether states are torn down afterwards
   * @return nanoseconds per call, in which a row may have many operations
   */
  double shoot(int calls, boolean isLast) {
    InfraControl control =
        new InfraControl(
            row,
            new IterationParams(IterationType.MEASUREMENT, 1, TimeValue.NONE, calls),
            new CountDownLatch(1),
            new CountDownLatch(1),
            false,
            isLast,
            false,
            new Control());
    try {
      BenchmarkTaskResult result = (BenchmarkTaskResult) shoot.invoke(code, control, thread);
      for (Result<?> found : result.getResults()) {
        if (found.getRole().isPrimary()) {
          double perCall = found.getScore() * row.getOpsPerInvocation() / calls;
          return perCall * row.getTimeUnit().toNanos(1);
        }
      }
      throw new IllegalStateException("JMH has timed no shot of " + row.getBenchmark());
    } catch (InvocationTargetException e) {
      throw new IllegalStateException(row.getBenchmark() + " failed in a window", e.getCause());
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }
}
