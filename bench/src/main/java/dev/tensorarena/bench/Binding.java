package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does it cost to get from Java to C and back: for nothing, and for an allocation of 4000 B
 * from an arena in C? {@link #tensor} allocates the same without a call.
 */
public class Binding extends AverageTime {
  static final int BYTES = 4000;

  /** A static native method without arguments that does nothing. */
  @Benchmark
  public void jni() {
    Bindings.nothing();
  }

  /** JNA, with the function mapped to a method of an interface. */
  @Benchmark
  public void jnaInterface() {
    Bindings.Mapped.INSTANCE.bench_nothing();
  }

  /** JNA, with the function mapped to a native method. */
  @Benchmark
  public void jnaDirect() {
    Bindings.Direct.bench_nothing();
  }

  /**
   * As {@link #jni}.
   *
   * @return the address
   */
  @Benchmark
  public long jniAllocate() {
    return Bindings.allocate(BYTES);
  }

  /**
   * As {@link #jnaInterface}.
   *
   * @return the address
   */
  @Benchmark
  public long jnaInterfaceAllocate() {
    return Bindings.Mapped.INSTANCE.bench_allocate(BYTES);
  }

  /**
   * As {@link #jnaDirect}.
   *
   * @return the address
   */
  @Benchmark
  public long jnaDirectAllocate() {
    return Bindings.Direct.bench_allocate(BYTES);
  }

  /** An arena of Java's. */
  @State(Scope.Thread)
  public static class Cycle {
    private static final int TENSORS = 16;

    private final ArenaCycle cycle = new ArenaCycle(TENSORS);
    private final Shape shape = Shape.of(BYTES);

    /** Gives the memory back. */
    @TearDown
    public void close() {
      cycle.close();
    }
  }

  /**
   * An allocation from Java, with a reset as often; the handle escapes.
   *
   * @param arena its own
   * @return the tensor
   */
  @Benchmark
  public Tensor tensor(Cycle arena) {
    return arena.cycle.next().empty(DType.INT8, arena.shape);
  }
}
