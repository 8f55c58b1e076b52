package dev.tensorarena.bench;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.ReferenceManager;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.Blackhole;

/** What does it cost to hand a tensor on, by a copy of its own or by a share? */
@State(Scope.Thread)
public class Share extends AverageTime {
  private static final int IN_C = 1024;

  /** Elements of f32. */
  @Param("10000")
  public int elements;

  /**
   * Copies between two resets: with 10,000 elements the copies walk 160 kB, and their source lies
   * beside them, so that both fit the second-level cache of most machines.
   */
  @Param("4")
  public int copiesPerReset;

  private float[] array;
  private ExecutionContext context;
  private Tensor tensor;
  private ArenaCycle cycle;
  private OtherThread otherThread;
  private ByteBuf netty;
  private ArrowBuf arrow;
  private ByteBuffer direct;

  /** Fills the array and the tensor. */
  @Setup
  public void fill() {
    array = new float[elements];
    for (int i = 0; i < elements; i++) {
      array[i] = i;
    }
    context = ExecutionContext.open();
    tensor = context.copyOf(Shape.of(elements), array);
    tensor.share().close(); // the first share, which also pins and freezes, is not the subject
    cycle = new ArenaCycle(copiesPerReset);
    otherThread = new OtherThread(array);
    netty = Netty.POOLED.directBuffer(Float.BYTES * elements);
    arrow = Arrow.ROOT.buffer((long) Float.BYTES * elements);
    direct = ByteBuffer.allocateDirect(Float.BYTES * elements);
  }

  /** Gives the memory back. */
  @TearDown
  public void close() {
    cycle.close();
    context.close();
    otherThread.close();
    netty.release();
    arrow.close();
  }

  /**
   * A deep copy on the heap: new memory each time, so it pays for zeroing (unless the JIT proves it
   * unneeded), for caches that do not hold it, and its part of the collections.
   *
   * @return the copy
   */
  @Benchmark
  public float[] heapClone() {
    return array.clone();
  }

  /**
   * A deep copy into warm arena memory, with its part of the resets.
   *
   * @return the copy
   */
  @Benchmark
  public Tensor copy() {
    return tensor.copy(cycle.next());
  }

  /**
   * On the owner's thread; the handle does not escape, so that it should not exist at all. It is
   * read once, as otherwise the JIT may cancel the two counts against each other.
   *
   * @return an element
   */
  @Benchmark
  public float shareAndClose() {
    try (SharedTensor shared = tensor.share()) {
      return shared.getFloatAt(0);
    }
  }

  /**
   * On the owner's thread; somebody else sees the handle, so that it is a real object, and the
   * counts are real stores.
   *
   * @param somebody who sees it
   */
  @Benchmark
  public void shareAndCloseEscaping(Blackhole somebody) {
    try (SharedTensor shared = tensor.share()) {
      somebody.consume(shared);
    }
  }

  /**
   * On a thread that is not the owner's, of a handle that it was given.
   *
   * @return an element
   */
  @Benchmark
  public float shareAndCloseElsewhere() {
    try (SharedTensor shared = otherThread.tensor().share()) {
      return shared.getFloatAt(0);
    }
  }

  /**
   * Netty's count of a pooled buffer, one more and one less: no handle.
   *
   * @return an element
   */
  @Benchmark
  public float nettyRetainRelease() {
    netty.retain();
    float element = netty.getFloat(0);
    netty.release();
    return element;
  }

  /**
   * A Netty handle that may be handed on.
   *
   * @return an element
   */
  @Benchmark
  public float nettyRetainedDuplicate() {
    ByteBuf duplicate = netty.retainedDuplicate();
    float element = duplicate.getFloat(0);
    duplicate.release();
    return element;
  }

  /**
   * Arrow's count of a buffer, one more and one less: no handle.
   *
   * @return an element
   */
  @Benchmark
  public float arrowRetainRelease() {
    ReferenceManager count = arrow.getReferenceManager();
    count.retain();
    float element = arrow.getFloat(0);
    count.release();
    return element;
  }

  /**
   * A second view of a JDK buffer, which nobody counts; it escapes.
   *
   * @return the view
   */
  @Benchmark
  public ByteBuffer duplicate() {
    return direct.duplicate();
  }

  /**
   * The two atomic operations of every count that any thread may change, in C11, with a read of an
   * element in between as in the other rows.
   */
  @Benchmark
  @OperationsPerInvocation(IN_C)
  public void atomicPair() {
    NativeLoops.incrementReadDecrement(netty.memoryAddress(), IN_C);
  }
}
