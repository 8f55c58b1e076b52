package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import dev.tensorarena.ffm.Segments;
import java.lang.foreign.MemorySegment;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
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

  /** A new tensor of the innermost scope. */
  private Tensor seenBy(Blackhole somebody) {
    Tensor made = context.empty(DType.FLOAT32, SHAPE);
    somebody.consume(made);
    return made;
  }

  @SuppressWarnings("restricted") // the address and the size are the tensor's
  private static MemorySegment unchecked(Tensor tensor) {
    return MemorySegment.ofAddress(tensor.address()).reinterpret(tensor.byteSize());
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
      seenBy(somebody);
      seenBy(somebody);
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
      somebody.consume(Segments.of(seenBy(somebody)));
      somebody.consume(Segments.of(seenBy(somebody)));
    }
  }

  /**
   * The same with segments that nobody checks.
   *
   * @param somebody who sees the tensors and the segments
   */
  @Benchmark
  public void scopeWithUncheckedSegments(Blackhole somebody) {
    try (dev.tensorarena.Scope scope = context.scope()) {
      somebody.consume(scope);
      somebody.consume(unchecked(seenBy(somebody)));
      somebody.consume(unchecked(seenBy(somebody)));
    }
  }

  // ---- the end alone

  /**
   * Open scopes, one inside the other, with two tensors each and a segment of each. They are made
   * outside the measured time, and one invocation ends them all, since the end of one takes no
   * longer than reading a clock.
   */
  @State(Scope.Thread)
  public abstract static class OpenScopes {
    static final int SCOPES = 64;
    private static final Shape SMALL = Shape.of(10);

    private final ExecutionContext context = ExecutionContext.open();
    private final dev.tensorarena.Scope[] scopes = new dev.tensorarena.Scope[SCOPES];
    private final MemorySegment[] segments = new MemorySegment[2 * SCOPES];

    /** For the kinds of segments. */
    protected OpenScopes() {}

    abstract MemorySegment segmentOf(Tensor tensor);

    /** Opens them, and has somebody see the segments. */
    @Setup(Level.Invocation)
    public void open() {
      for (int i = 0; i < SCOPES; i++) {
        scopes[i] = context.scope();
        segments[2 * i] = segmentOf(context.empty(DType.FLOAT32, SMALL));
        segments[2 * i + 1] = segmentOf(context.empty(DType.FLOAT32, SMALL));
      }
    }

    final void end() {
      for (int i = SCOPES - 1; i >= 0; i--) {
        scopes[i].close();
      }
    }

    /** Gives all back. */
    @TearDown
    public void close() {
      context.close();
    }
  }

  /** Segments that end with their scopes. */
  @State(Scope.Thread)
  public static class CheckedSegments extends OpenScopes {
    @Override
    MemorySegment segmentOf(Tensor tensor) {
      return Segments.of(tensor);
    }
  }

  /** Segments that nobody checks. */
  @State(Scope.Thread)
  public static class UncheckedSegments extends OpenScopes {
    @Override
    MemorySegment segmentOf(Tensor tensor) {
      return unchecked(tensor);
    }
  }

  /**
   * The end of a scope that gave out two segments.
   *
   * @param open the scopes
   */
  @Benchmark
  @OperationsPerInvocation(OpenScopes.SCOPES)
  public void endWithSegments(CheckedSegments open) {
    open.end();
  }

  /**
   * The same with segments that nobody checks, so that nothing of theirs ends.
   *
   * @param open the scopes
   */
  @Benchmark
  @OperationsPerInvocation(OpenScopes.SCOPES)
  public void endWithUncheckedSegments(UncheckedSegments open) {
    open.end();
  }
}
