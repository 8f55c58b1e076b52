package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import dev.tensorarena.ffm.Segments;
import java.lang.foreign.MemorySegment;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.Blackhole;

/** What do checked segments of tensors cost, and what do they add to the end of a scope? */
@State(Scope.Thread)
public class SegmentsOn22 extends AverageTime {
  private static final Shape SHAPE = Shape.of(1000);

  private ExecutionContext context;
  private Tensor tensor;

  /** Makes a tensor. */
  @Setup
  public void open() {
    context = ExecutionContext.open();
    tensor = context.zeros(DType.FLOAT32, SHAPE);
  }

  /** Gives it back. */
  @TearDown
  public void close() {
    context.close();
  }

  /**
   * A segment of a tensor; not the first of its scope.
   *
   * @return the segment
   */
  @Benchmark
  public MemorySegment of() {
    return Segments.of(tensor);
  }

  /**
   * A scope with two tensors, opened and closed.
   *
   * @param somebody who sees the tensors
   */
  @Benchmark
  public void scope(Blackhole somebody) {
    try (dev.tensorarena.Scope scope = context.scope()) {
      somebody.consume(scope);
      somebody.consume(context.empty(DType.FLOAT32, SHAPE));
      somebody.consume(context.empty(DType.FLOAT32, SHAPE));
    }
  }

  /**
   * The same with a segment of each: the first one's, the second one's, and the end of both.
   *
   * @param somebody who sees the tensors and the segments
   */
  @Benchmark
  public void scopeWithSegments(Blackhole somebody) {
    try (dev.tensorarena.Scope scope = context.scope()) {
      somebody.consume(scope);
      Tensor first = context.empty(DType.FLOAT32, SHAPE);
      Tensor second = context.empty(DType.FLOAT32, SHAPE);
      somebody.consume(first);
      somebody.consume(second);
      somebody.consume(Segments.of(first));
      somebody.consume(Segments.of(second));
    }
  }

  /**
   * The same with segments that nobody checks.
   *
   * @param somebody who sees the tensors and the segments
   */
  @Benchmark
  @SuppressWarnings("restricted") // addresses and sizes are the tensors'
  public void scopeWithUncheckedSegments(Blackhole somebody) {
    try (dev.tensorarena.Scope scope = context.scope()) {
      somebody.consume(scope);
      Tensor first = context.empty(DType.FLOAT32, SHAPE);
      Tensor second = context.empty(DType.FLOAT32, SHAPE);
      somebody.consume(first);
      somebody.consume(second);
      somebody.consume(MemorySegment.ofAddress(first.address()).reinterpret(first.byteSize()));
      somebody.consume(MemorySegment.ofAddress(second.address()).reinterpret(second.byteSize()));
    }
  }
}
