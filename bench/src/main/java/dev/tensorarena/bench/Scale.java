package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * What do more threads bring, and what do more contexts cost?
 *
 * <p>The rows {@code …OneThread} and {@code …TwoThreads} count queries of ten tensors of 4000 B in
 * a microsecond, by all threads together; {@code arithmetic…} uses no memory at all, and so shows
 * what the machine's second core is worth. {@code idleContexts} is the time to open so many; what
 * they hold is in its counters. A million contexts on virtual threads are in {@code ScaleOn22}.
 */
public class Scale extends AverageTime {
  private static final int TENSORS = 10;
  private static final int BYTES = 4000;
  private static final Shape SHAPE = Shape.of(BYTES);
  private static final int ARITHMETIC = 200;

  private static void tensors(Blackhole somebody) {
    try (ExecutionContext context = ExecutionContext.open()) {
      for (int i = 0; i < TENSORS; i++) {
        somebody.consume(context.empty(DType.INT8, SHAPE));
      }
    }
  }

  private static void heapArrays(Blackhole somebody) {
    for (int i = 0; i < TENSORS; i++) {
      somebody.consume(new byte[BYTES]);
    }
  }

  /** A query's Netty buffers. */
  @State(Scope.Thread)
  public static class Buffers {
    private final Batch<ByteBuf> batch = new Batch<>(TENSORS, ByteBuf::release);

    private void query(Blackhole somebody) {
      for (int i = 0; i < TENSORS; i++) {
        somebody.consume(batch.add(Netty.POOLED.directBuffer(BYTES)));
      }
      batch.releaseAll();
    }
  }

  /**
   * A context and its tensors.
   *
   * @param somebody who sees them
   */
  @Benchmark
  @BenchmarkMode(Mode.Throughput)
  @OutputTimeUnit(TimeUnit.MICROSECONDS)
  @Threads(1)
  public void tensorsOneThread(Blackhole somebody) {
    tensors(somebody);
  }

  /**
   * As {@link #tensorsOneThread}.
   *
   * @param somebody who sees them
   */
  @Benchmark
  @BenchmarkMode(Mode.Throughput)
  @OutputTimeUnit(TimeUnit.MICROSECONDS)
  @Threads(2)
  public void tensorsTwoThreads(Blackhole somebody) {
    tensors(somebody);
  }

  /**
   * Heap arrays.
   *
   * @param somebody who sees them
   */
  @Benchmark
  @BenchmarkMode(Mode.Throughput)
  @OutputTimeUnit(TimeUnit.MICROSECONDS)
  @Threads(1)
  public void heapArraysOneThread(Blackhole somebody) {
    heapArrays(somebody);
  }

  /**
   * As {@link #heapArraysOneThread}.
   *
   * @param somebody who sees them
   */
  @Benchmark
  @BenchmarkMode(Mode.Throughput)
  @OutputTimeUnit(TimeUnit.MICROSECONDS)
  @Threads(2)
  public void heapArraysTwoThreads(Blackhole somebody) {
    heapArrays(somebody);
  }

  /**
   * Pooled Netty buffers, each thread with a cache.
   *
   * @param buffers the thread's
   * @param somebody who sees them
   */
  @Benchmark
  @BenchmarkMode(Mode.Throughput)
  @OutputTimeUnit(TimeUnit.MICROSECONDS)
  @Threads(1)
  public void nettyPooledOneThread(Buffers buffers, Blackhole somebody) {
    buffers.query(somebody);
  }

  /**
   * As {@link #nettyPooledOneThread}.
   *
   * @param buffers the thread's
   * @param somebody who sees them
   */
  @Benchmark
  @BenchmarkMode(Mode.Throughput)
  @OutputTimeUnit(TimeUnit.MICROSECONDS)
  @Threads(2)
  public void nettyPooledTwoThreads(Buffers buffers, Blackhole somebody) {
    buffers.query(somebody);
  }

  /** Work that needs no memory. */
  @Benchmark
  @BenchmarkMode(Mode.Throughput)
  @OutputTimeUnit(TimeUnit.MICROSECONDS)
  @Threads(1)
  public void arithmeticOneThread() {
    Blackhole.consumeCPU(ARITHMETIC);
  }

  /** As {@link #arithmeticOneThread}. */
  @Benchmark
  @BenchmarkMode(Mode.Throughput)
  @OutputTimeUnit(TimeUnit.MICROSECONDS)
  @Threads(2)
  public void arithmeticTwoThreads() {
    Blackhole.consumeCPU(ARITHMETIC);
  }

  /**
   * Contexts that nothing is allocated from. They are the benchmark's: of a thread's state, JMH
   * gives one to the row and others to {@link Held}.
   */
  @State(Scope.Benchmark)
  public static class IdleContexts {
    /** How many. */
    @Param({"1", "100", "10000", "100000", "1000000"})
    public int contexts;

    private ExecutionContext[] open;

    /** Makes room for them. */
    @Setup(Level.Iteration)
    public void prepare() {
      open = new ExecutionContext[contexts];
    }

    private void openAll() {
      for (int i = 0; i < contexts; i++) {
        open[i] = ExecutionContext.open();
      }
    }

    private void closeAll() {
      for (ExecutionContext context : open) {
        context.close();
      }
    }
  }

  /** What they hold. JMH adds counters up, so the row has one iteration in one JVM. */
  @AuxCounters(AuxCounters.Type.EVENTS)
  @State(Scope.Thread)
  public static class Held {
    /** Bytes of the Java heap that became reachable, in all. */
    public long heapBytes;

    /** Bytes that became resident outside the heap, in all. */
    public long nativeBytes;

    private Footprint before;

    /**
     * Remembers what is held without them.
     *
     * @param idle not open yet
     */
    @Setup(Level.Iteration)
    public void before(IdleContexts idle) {
      before = Footprint.now();
    }

    /**
     * Looks what is held with them, and closes them.
     *
     * @param idle open
     */
    @TearDown(Level.Iteration)
    public void after(IdleContexts idle) {
      Footprint after = Footprint.now();
      heapBytes = Math.max(0, after.heapBytes() - before.heapBytes());
      nativeBytes = Math.max(0, after.residentBytes() - before.residentBytes());
      idle.closeAll();
    }
  }

  /**
   * Opens so many, one after the other, on one thread.
   *
   * @param idle the contexts
   * @param held by them
   */
  @Benchmark
  @BenchmarkMode(Mode.SingleShotTime)
  @OutputTimeUnit(TimeUnit.MICROSECONDS)
  @Warmup(iterations = 0)
  @Measurement(iterations = 1)
  @Fork(1)
  public void idleContexts(IdleContexts idle, Held held) {
    idle.openAll();
  }
}
