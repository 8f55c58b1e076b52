package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.Blackhole;

/** What does a context cost that serves one short query? */
@State(Scope.Thread)
public class OpenAndClose extends AverageTime {
  /** Elements of f32 in each tensor. */
  @Param("1000")
  public int elements;

  private Shape shape;

  /** Makes the shape. */
  @Setup
  public void prepare() {
    shape = Shape.of(elements);
  }

  /**
   * A context with three tensors, opened and closed. Its chunk comes from the pool and goes back.
   *
   * @param somebody who sees the tensors, and so the context
   */
  @Benchmark
  public void threeTensors(Blackhole somebody) {
    try (ExecutionContext context = ExecutionContext.open()) {
      somebody.consume(context.empty(DType.FLOAT32, shape));
      somebody.consume(context.empty(DType.FLOAT32, shape));
      somebody.consume(context.empty(DType.FLOAT32, shape));
    }
  }

  /** The chunks that idle contexts hold. */
  @AuxCounters(AuxCounters.Type.EVENTS)
  @State(Scope.Thread)
  public static class Chunks {
    /** Of one context. */
    public long chunks;

    /** Asks one. */
    @TearDown(Level.Iteration)
    public void ask() {
      try (ExecutionContext context = ExecutionContext.open()) {
        chunks = context.arenaStats().chunks();
      }
    }
  }

  /**
   * A context that nothing is allocated from. Its garbage per operation is what an idle open
   * context holds of the heap, and whatever opening makes besides.
   *
   * @param somebody who sees the context
   * @param chunks that it holds
   */
  @Benchmark
  public void idle(Blackhole somebody, Chunks chunks) {
    try (ExecutionContext context = ExecutionContext.open()) {
      somebody.consume(context);
    }
  }

  /** A context that stays open, as a server's does between queries. */
  @State(Scope.Thread)
  public static class Open {
    private final ExecutionContext context = ExecutionContext.open();

    /** Ends it. */
    @TearDown
    public void close() {
      context.close();
    }
  }

  /**
   * A scope with one tensor, in a context that stays open. Its memory is the same each time.
   *
   * @param open the context
   * @param somebody who sees the tensor
   */
  @Benchmark
  public void scopeWithOneTensor(Open open, Blackhole somebody) {
    dev.tensorarena.Scope scope = open.context.scope();
    somebody.consume(open.context.empty(DType.FLOAT32, shape));
    scope.close();
  }

  /** A context with an open scope and a tensor in it. */
  @State(Scope.Thread)
  public static class Moving {
    private final ExecutionContext context = ExecutionContext.open();

    /** Opens the scope. */
    @Setup
    public void open() {
      context.scope();
      context.empty(DType.FLOAT32, 1000);
    }

    /** Ends it. */
    @TearDown
    public void close() {
      context.close();
    }
  }

  /**
   * Such a context detached, and attached again by the same thread.
   *
   * @param moving the context
   * @return the same
   */
  @Benchmark
  public ExecutionContext detachAndAttach(Moving moving) {
    return moving.context.detach().attach();
  }

  /** A direct buffer of the caller's, as large as the tensors. */
  @State(Scope.Thread)
  public static class Lent {
    private ByteBuffer buffer;

    /**
     * Allocates it.
     *
     * @param rows whose number of elements it has
     */
    @Setup
    public void allocate(OpenAndClose rows) {
      buffer =
          ByteBuffer.allocateDirect(rows.elements * Float.BYTES).order(ByteOrder.nativeOrder());
    }
  }

  /**
   * A scope with one tensor over a direct buffer of the caller's, in a context that stays open.
   *
   * @param open the context
   * @param lent the buffer
   * @param somebody who sees the tensor
   */
  @Benchmark
  public void scopeWithWrappedBuffer(Open open, Lent lent, Blackhole somebody) {
    dev.tensorarena.Scope scope = open.context.scope();
    somebody.consume(open.context.wrap(lent.buffer, DType.FLOAT32, shape));
    scope.close();
  }

  /**
   * The same by Netty: a buffer of its own over the caller's, released.
   *
   * @param lent the buffer
   * @param somebody who sees Netty's
   */
  @Benchmark
  public void nettyWrappedBuffer(Lent lent, Blackhole somebody) {
    ByteBuf wrapped = Unpooled.wrappedBuffer(lent.buffer);
    somebody.consume(wrapped);
    wrapped.release();
  }
}
