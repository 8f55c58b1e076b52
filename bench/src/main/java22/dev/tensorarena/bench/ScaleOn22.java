package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The rows of {@link Scale} on virtual threads: each allocates 4000 B, yields, so that it may go on
 * on another carrier, reads what it wrote, and ends. So many may be under way at once as a server
 * would admit.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 1)
@Measurement(iterations = 3)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "--enable-native-access=ALL-UNNAMED",
      "-Xms2g",
      "-Xmx2g",
      "-XX:+AlwaysPreTouch"
    })
public class ScaleOn22 extends AverageTime {
  private static final int AT_ONCE = 1000;
  private static final int BYTES = 4000;
  private static final Shape SHAPE = Shape.of(BYTES);
  private static final byte WRITTEN = 42;

  /** Virtual threads, one after the other. */
  @Param("1000000")
  public int virtualThreads;

  private long inThreads(Runnable work) throws InterruptedException {
    Semaphore admitted = new Semaphore(AT_ONCE);
    LongAdder succeeded = new LongAdder();
    for (int i = 0; i < virtualThreads; i++) {
      admitted.acquire();
      Thread.ofVirtual()
          .start(
              () -> {
                try {
                  work.run();
                  succeeded.increment();
                } finally {
                  admitted.release();
                }
              });
    }
    admitted.acquire(AT_ONCE);
    if (succeeded.sum() != virtualThreads) {
      throw new AssertionError(succeeded + " of " + virtualThreads + " threads succeeded");
    }
    return succeeded.sum();
  }

  private static void expectWritten(byte read) {
    if (read != WRITTEN) {
      throw new AssertionError("read " + read + " instead of " + WRITTEN);
    }
  }

  /**
   * A context in each thread.
   *
   * @return the threads
   * @throws InterruptedException if interrupted
   */
  @Benchmark
  public long tensorsOnVirtualThreads() throws InterruptedException {
    return inThreads(
        () -> {
          try (ExecutionContext context = ExecutionContext.open()) {
            Tensor tensor = context.empty(DType.INT8, SHAPE);
            tensor.setByteAt(0, WRITTEN);
            Thread.yield();
            expectWritten(tensor.getByteAt(0));
          }
        });
  }

  /**
   * A confined JDK arena in each thread.
   *
   * @return the threads
   * @throws InterruptedException if interrupted
   */
  @Benchmark
  public long confinedOnVirtualThreads() throws InterruptedException {
    return inThreads(
        () -> {
          try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(BYTES);
            segment.set(ValueLayout.JAVA_BYTE, 0, WRITTEN);
            Thread.yield();
            expectWritten(segment.get(ValueLayout.JAVA_BYTE, 0));
          }
        });
  }

  /**
   * A heap array in each thread.
   *
   * @return the threads
   * @throws InterruptedException if interrupted
   */
  @Benchmark
  public long heapArraysOnVirtualThreads() throws InterruptedException {
    return inThreads(
        () -> {
          byte[] array = new byte[BYTES];
          array[0] = WRITTEN;
          Thread.yield();
          expectWritten(array[0]);
        });
  }
}
