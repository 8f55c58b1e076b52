package dev.tensorarena.bench;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import io.netty.buffer.ByteBuf;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does it cost to pass a tensor through stages, each of which owns what it received and hands
 * on something of its own?
 *
 * <p>An operation is the whole way of one tensor: handed to the first stage, from stage to stage,
 * and let go by the last one, which reads an element. In the rows {@code …BetweenThreads} the first
 * half of the stages runs on one thread and the second half on another; between them is a bounded
 * queue, whose cost {@code heapReferenceBetweenThreads} shows alone.
 */
@State(Scope.Thread)
public class HandOff extends AverageTime {
  private static final int IN_A_ROW = 512;

  /** Elements of f32. */
  @Param({"1000", "10000", "100000"})
  public int elements;

  /** That the tensor passes. */
  @Param({"2", "4", "8"})
  public int stages;

  /**
   * How a tensor is handed on.
   *
   * @param <T> what a stage holds
   */
  interface Carrier<T> {
    /** What the first stage receives. */
    T first();

    /** What the next stage receives; the argument is let go. */
    T next(T held);

    /** An element; the argument is let go. */
    float last(T held);
  }

  private ExecutionContext context;
  private ByteBuf netty;
  private Carrier<SharedTensor> share;
  private Carrier<float[]> heapReference;
  private Carrier<float[]> heapCopy;
  private Carrier<ByteBuf> duplicate;
  private SecondThread secondThread;

  /** Fills one tensor of each kind, and has each passed on once to see that it arrives. */
  @Setup
  public void prepare() throws InterruptedException {
    float[] values = new float[elements];
    values[0] = elements;
    context = ExecutionContext.open();
    Tensor tensor = context.copyOf(Shape.of(elements), values);
    netty = Netty.POOLED.directBuffer(Float.BYTES * elements);
    netty.setFloat(0, elements);
    share = new Share(tensor);
    heapReference = new HeapReference(values);
    heapCopy = new HeapCopy(values);
    duplicate = new NettyDuplicate(netty);
    secondThread = new SecondThread();
    for (Carrier<?> carrier : new Carrier<?>[] {share, heapReference, heapCopy, duplicate}) {
      check(pass(carrier), 1);
      check(passBetweenThreads(carrier), IN_A_ROW);
    }
  }

  private void check(float received, int times) {
    if (received != (float) elements * times) {
      throw new AssertionError("received " + received + " instead of " + elements + " x " + times);
    }
  }

  /** Gives the memory back. */
  @TearDown
  public void close() throws InterruptedException {
    secondThread.end();
    context.close();
    netty.release();
  }

  private <T> float pass(Carrier<T> carrier) {
    return carrier.last(pass(carrier, carrier.first(), stages - 1));
  }

  static <T> T pass(Carrier<T> carrier, T held, int times) {
    T passed = held;
    for (int i = 0; i < times; i++) {
      passed = carrier.next(passed);
    }
    return passed;
  }

  private <T> float passBetweenThreads(Carrier<T> carrier) throws InterruptedException {
    int here = stages / 2;
    secondThread.expect(IN_A_ROW, carrier, stages - here - 1);
    for (int i = 0; i < IN_A_ROW; i++) {
      secondThread.send(pass(carrier, carrier.first(), here - 1));
    }
    return secondThread.sum();
  }

  /**
   * A shared handle for each stage.
   *
   * @return an element
   */
  @Benchmark
  public float share() {
    return pass(share);
  }

  /**
   * The array itself, which the stages have to trust each other with.
   *
   * @return an element
   */
  @Benchmark
  public float heapReference() {
    return pass(heapReference);
  }

  /**
   * A heap array of its own for each stage.
   *
   * @return an element
   */
  @Benchmark
  public float heapCopy() {
    return pass(heapCopy);
  }

  /**
   * A retained duplicate of a pooled Netty buffer for each stage.
   *
   * @return an element
   */
  @Benchmark
  public float nettyRetainedDuplicate() {
    return pass(duplicate);
  }

  /**
   * As {@link #share}.
   *
   * @return the elements' sum
   * @throws InterruptedException if interrupted
   */
  @Benchmark
  @OperationsPerInvocation(IN_A_ROW)
  public float shareBetweenThreads() throws InterruptedException {
    return passBetweenThreads(share);
  }

  /**
   * As {@link #heapReference}: what is left is the queue.
   *
   * @return the elements' sum
   * @throws InterruptedException if interrupted
   */
  @Benchmark
  @OperationsPerInvocation(IN_A_ROW)
  public float heapReferenceBetweenThreads() throws InterruptedException {
    return passBetweenThreads(heapReference);
  }

  /**
   * As {@link #heapCopy}.
   *
   * @return the elements' sum
   * @throws InterruptedException if interrupted
   */
  @Benchmark
  @OperationsPerInvocation(IN_A_ROW)
  public float heapCopyBetweenThreads() throws InterruptedException {
    return passBetweenThreads(heapCopy);
  }

  /**
   * As {@link #nettyRetainedDuplicate}.
   *
   * @return the elements' sum
   * @throws InterruptedException if interrupted
   */
  @Benchmark
  @OperationsPerInvocation(IN_A_ROW)
  public float nettyRetainedDuplicateBetweenThreads() throws InterruptedException {
    return passBetweenThreads(duplicate);
  }

  private record Share(Tensor tensor) implements Carrier<SharedTensor> {
    @Override
    public SharedTensor first() {
      return tensor.share();
    }

    @Override
    public SharedTensor next(SharedTensor held) {
      try (held) {
        return held.share();
      }
    }

    @Override
    public float last(SharedTensor held) {
      try (held) {
        return held.getFloatAt(0);
      }
    }
  }

  private record HeapReference(float[] array) implements Carrier<float[]> {
    @Override
    public float[] first() {
      return array;
    }

    @Override
    public float[] next(float[] held) {
      return held;
    }

    @Override
    public float last(float[] held) {
      return held[0];
    }
  }

  private record HeapCopy(float[] array) implements Carrier<float[]> {
    @Override
    public float[] first() {
      return array.clone();
    }

    @Override
    public float[] next(float[] held) {
      return held.clone();
    }

    @Override
    public float last(float[] held) {
      return held[0];
    }
  }

  private record NettyDuplicate(ByteBuf buffer) implements Carrier<ByteBuf> {
    @Override
    public ByteBuf first() {
      return buffer.retainedDuplicate();
    }

    @Override
    public ByteBuf next(ByteBuf held) {
      ByteBuf next = held.retainedDuplicate();
      held.release();
      return next;
    }

    @Override
    public float last(ByteBuf held) {
      float element = held.getFloat(0);
      held.release();
      return element;
    }
  }
}
