package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What does a C program pay for 4000 B that it does not touch? Measured in C. */
@State(Scope.Thread)
public class AllocateInC extends AverageTime {
  private static final int COUNT = 1024;
  private static final int BYTES = 4000;
  private static final long ROOM = 8 << 20;

  private ExecutionContext context;
  private long room;

  /** Room for all of an invocation, of which only the addresses are used. */
  @Setup
  public void open() {
    context = ExecutionContext.open();
    room = context.empty(DType.INT8, ROOM).address();
  }

  /** Gives the memory back. */
  @TearDown
  public void close() {
    context.close();
  }

  /** {@code ta_alloc}, with its part of a rewind every 1024 allocations. */
  @Benchmark
  @OperationsPerInvocation(COUNT)
  public void arena() {
    NativeLoops.arenaAllocate(BYTES, COUNT);
  }

  /** A pointer that is increased and compared with a limit, and no more. */
  @Benchmark
  @OperationsPerInvocation(COUNT)
  public void bump() {
    NativeLoops.bump(room, ROOM, BYTES, COUNT);
  }

  /** glibc's {@code malloc} and {@code free}. */
  @Benchmark
  @OperationsPerInvocation(COUNT)
  public void mallocAndFree() {
    NativeLoops.mallocAndFree(BYTES, COUNT);
  }
}
