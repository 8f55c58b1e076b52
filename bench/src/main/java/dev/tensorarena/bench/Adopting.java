package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.DetachedContext;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;
import java.util.function.Function;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.infra.ThreadParams;

/**
 * What does the memory of a query cost that several workers fill?
 *
 * <p>A query has what four workers make, of 50 tensors of 4000 B each, all of them written. The
 * rows count queries in a microsecond, by all threads together; arithmetic in {@link Scale} says
 * what the machine's second core is worth. So many queries are in flight, the oldest of which ends
 * when the next one begins. A worker's result is put where the last one of that worker lay, which
 * is taken: so with two threads half of what a query has is the other thread's work.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(
    value = 3,
    jvmArgsAppend = {
      "--enable-native-access=ALL-UNNAMED",
      "-Dio.netty.noUnsafe=false",
      "-XX:MaxDirectMemorySize=3g",
      "-Xms2g",
      "-Xmx2g",
      "-XX:+AlwaysPreTouch"
    })
public class Adopting extends AverageTime {
  private static final int WORKERS = 4;
  private static final int TENSORS = 50;
  private static final int BYTES = 4000;
  private static final Shape SHAPE = Shape.of(BYTES);

  /** What is written. */
  private static final byte[] VALUES = new byte[BYTES];

  /** The queries in flight, of all threads together. */
  @State(Scope.Benchmark)
  public static class Load {
    /** How many. */
    @Param("1000")
    public int inFlight;

    private final AtomicReferenceArray<Object> results = new AtomicReferenceArray<>(WORKERS);

    /** What is left in the end, for whoever ends first. */
    private void end(Consumer<Object> ending) {
      for (int worker = 0; worker < WORKERS; worker++) {
        Object left = results.getAndSet(worker, null);
        if (left != null) {
          ending.accept(left);
        }
      }
    }
  }

  /** The queries in flight of one thread. */
  @State(Scope.Thread)
  public static class Queries {
    private Load load;
    private Object[] open;
    private int next;
    private Consumer<Object> ending = query -> {};

    /**
     * Makes room for its share of them.
     *
     * @param of all threads
     * @param thread this one
     */
    @Setup
    public void prepare(Load of, ThreadParams thread) {
      load = of;
      open = new Object[of.inFlight / thread.getThreadCount()];
    }

    /** Gives what a worker has made, and gets what that worker made before, or null. */
    private Object exchange(int worker, Object made) {
      return load.results.getAndSet(worker, made);
    }

    /** Ends the oldest one, for the next to take its place; all are made before the first ends. */
    private void next(Function<Queries, Object> maker, Consumer<Object> how) {
      if (open[next] == null) {
        ending = how;
        for (int i = 0; i < open.length; i++) {
          open[i] = maker.apply(this);
        }
      }
      how.accept(open[next]);
      open[next] = maker.apply(this);
      next = next + 1 == open.length ? 0 : next + 1;
    }

    /** Writes as much as a query has over the oldest one, which is a buffer. */
    private void write() {
      if (open[next] == null) {
        for (int i = 0; i < open.length; i++) {
          open[i] = ByteBuffer.allocateDirect(WORKERS * TENSORS * BYTES);
        }
      }
      ByteBuffer oldest = (ByteBuffer) open[next];
      for (int at = 0; at < oldest.capacity(); at += BYTES) {
        oldest.put(at, VALUES);
      }
      next = next + 1 == open.length ? 0 : next + 1;
    }

    /** Ends all that are open. */
    @TearDown
    public void endAll() {
      for (Object query : open) {
        if (query != null) {
          ending.accept(query);
        }
      }
      load.end(ending);
    }
  }

  // ---- in each kind of memory

  private static void fill(ExecutionContext context) {
    for (int i = 0; i < TENSORS; i++) {
      context.empty(DType.INT8, SHAPE).copyFrom(VALUES);
    }
  }

  private static void end(Object query) {
    if (query instanceof DetachedContext left) {
      left.close();
    } else {
      ((ExecutionContext) query).close();
    }
  }

  private static Object children(Queries queries) {
    ExecutionContext query = ExecutionContext.open();
    for (int worker = 0; worker < WORKERS; worker++) {
      ExecutionContext child = ExecutionContext.open();
      fill(child);
      if (queries.exchange(worker, child.detach()) instanceof DetachedContext made) {
        query.adopt(made);
      }
    }
    return query;
  }

  private static Object oneContext(Queries queries) {
    ExecutionContext query = ExecutionContext.open();
    for (int worker = 0; worker < WORKERS; worker++) {
      fill(query);
    }
    return query;
  }

  private static void release(Object buffers) {
    for (Object each : (Object[]) buffers) {
      if (each instanceof ByteBuf buffer) {
        buffer.release();
      } else if (each != null) {
        release(each);
      }
    }
  }

  /** Leaves heap arrays to the collector. */
  private static void forget(Object arrays) {}

  private static Object nettyPooled(Queries queries) {
    Object[] query = new Object[WORKERS];
    for (int worker = 0; worker < WORKERS; worker++) {
      ByteBuf[] made = new ByteBuf[TENSORS];
      for (int i = 0; i < TENSORS; i++) {
        made[i] = Netty.POOLED.directBuffer(BYTES).writeBytes(VALUES);
      }
      query[worker] = queries.exchange(worker, made);
    }
    return query;
  }

  private static Object heapArrays(Queries queries) {
    Object[] query = new Object[WORKERS];
    for (int worker = 0; worker < WORKERS; worker++) {
      byte[][] made = new byte[TENSORS][];
      for (int i = 0; i < TENSORS; i++) {
        made[i] = VALUES.clone();
      }
      query[worker] = queries.exchange(worker, made);
    }
    return query;
  }

  // ---- rows

  /**
   * A context for each worker's tensors, which the query's context adopts.
   *
   * @param queries in flight
   */
  @Benchmark
  @Threads(1)
  public void childrenOneThread(Queries queries) {
    queries.next(Adopting::children, Adopting::end);
  }

  /**
   * As {@link #childrenOneThread}.
   *
   * @param queries in flight
   */
  @Benchmark
  @Threads(2)
  public void childrenTwoThreads(Queries queries) {
    queries.next(Adopting::children, Adopting::end);
  }

  /**
   * One context for all, in which no other thread could work.
   *
   * @param queries in flight
   */
  @Benchmark
  @Threads(1)
  public void oneContextOneThread(Queries queries) {
    queries.next(Adopting::oneContext, Adopting::end);
  }

  /**
   * As {@link #oneContextOneThread}.
   *
   * @param queries in flight
   */
  @Benchmark
  @Threads(2)
  public void oneContextTwoThreads(Queries queries) {
    queries.next(Adopting::oneContext, Adopting::end);
  }

  /**
   * Pooled Netty buffers, each thread with a cache.
   *
   * @param queries in flight
   */
  @Benchmark
  @Threads(1)
  public void nettyPooledOneThread(Queries queries) {
    queries.next(Adopting::nettyPooled, Adopting::release);
  }

  /**
   * As {@link #nettyPooledOneThread}.
   *
   * @param queries in flight
   */
  @Benchmark
  @Threads(2)
  public void nettyPooledTwoThreads(Queries queries) {
    queries.next(Adopting::nettyPooled, Adopting::release);
  }

  /**
   * Heap arrays.
   *
   * @param queries in flight
   */
  @Benchmark
  @Threads(1)
  public void heapArraysOneThread(Queries queries) {
    queries.next(Adopting::heapArrays, Adopting::forget);
  }

  /**
   * As {@link #heapArraysOneThread}.
   *
   * @param queries in flight
   */
  @Benchmark
  @Threads(2)
  public void heapArraysTwoThreads(Queries queries) {
    queries.next(Adopting::heapArrays, Adopting::forget);
  }

  /**
   * The writes alone, into memory that stays: what the machine's memory lets through.
   *
   * @param queries in flight
   */
  @Benchmark
  @Threads(1)
  public void writesAloneOneThread(Queries queries) {
    queries.write();
  }

  /**
   * As {@link #writesAloneOneThread}.
   *
   * @param queries in flight
   */
  @Benchmark
  @Threads(2)
  public void writesAloneTwoThreads(Queries queries) {
    queries.write();
  }
}
