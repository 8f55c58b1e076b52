package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What does the memory of a tensor cost, uninitialised and with contents? */
@State(Scope.Benchmark) // of one thread: of a thread's own state, JMH would give Refills another
public class AllocateAndFill extends AverageTime {
  private static final int IN_C = 1024;
  private static final int ALIGNMENT = 64;

  /** Elements of f32. */
  @Param("1000")
  public int elements;

  /**
   * Tensors between two resets: 16 of 1000 elements lie 4032 B apart and fill one chunk of 64 KiB.
   */
  @Param("16")
  public int tensorsPerReset;

  private Shape shape;
  private float[] values;
  private ArenaCycle cycle;

  // For C: the same bytes, and an arena's memory laid out as the tensors of a cycle are.
  private ExecutionContext memory;
  private long bytes;
  private long stride;
  private long source;
  private long destination;

  /** Warms the arena: no row pays for a first touch. */
  @Setup
  public void fill() {
    shape = Shape.of(elements);
    values = new float[elements];
    for (int i = 0; i < elements; i++) {
      values[i] = i;
    }
    cycle = new ArenaCycle(tensorsPerReset);
    for (int i = 0; i < 3 * tensorsPerReset; i++) {
      cycle.next().allocSlice(values);
    }
    bytes = Float.BYTES * (long) elements;
    stride = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    memory = ExecutionContext.open();
    destination = memory.empty(DType.INT8, stride * tensorsPerReset).fill(1).address();
    // Off a cache line's start by what a float[] is: the header of an array.
    Tensor room = memory.empty(DType.INT8, ARRAY_HEADER + bytes).fill(1);
    source = room.address() + ARRAY_HEADER;
  }

  private static final int ARRAY_HEADER = 16;

  /** Gives the memory back. */
  @TearDown
  public void close() {
    cycle.close();
    memory.close();
  }

  /**
   * How often an arena needed another chunk while a row was measured. In a steady state never: then
   * nothing but every so-manieth reset enters C.
   */
  @AuxCounters(AuxCounters.Type.EVENTS)
  @State(Scope.Thread)
  public static class Refills {
    /** In all iterations. */
    public long refills;

    /**
     * Before an iteration is measured.
     *
     * @param row whose arena
     */
    @Setup(Level.Iteration)
    public void before(AllocateAndFill row) {
      row.cycle.newRefills();
    }

    /**
     * After it was.
     *
     * @param row whose arena
     */
    @TearDown(Level.Iteration)
    public void after(AllocateAndFill row) {
      refills = row.cycle.newRefills();
    }
  }

  /**
   * A tensor, uninitialised, with its part of the resets; the handle escapes, so that it is an
   * object on the heap.
   *
   * @param refills the arena's
   * @return the tensor
   */
  @Benchmark
  public Tensor empty(Refills refills) {
    return cycle.next().empty(DType.FLOAT32, shape);
  }

  /**
   * A heap array, which is zeroed and collected.
   *
   * @return the array
   */
  @Benchmark
  public float[] heapArray() {
    return new float[elements];
  }

  /** C's allocator, called from C on this thread: one block at a time, freed at once. */
  @Benchmark
  @OperationsPerInvocation(IN_C)
  public void mallocAndFree() {
    NativeLoops.mallocAndFree(bytes, IN_C);
  }

  /**
   * A tensor with a copy of an array, on warm memory and with its part of the resets; the handle
   * escapes.
   *
   * @param refills the arena's
   * @return the tensor
   */
  @Benchmark
  public Tensor allocSlice(Refills refills) {
    return cycle.next().allocSlice(values);
  }

  /**
   * C's {@code memcpy}, called from C: the same bytes from a source that stays in the cache to the
   * same working set, as far apart as a cycle's tensors are.
   */
  @Benchmark
  @OperationsPerInvocation(IN_C)
  public void memcpy() {
    NativeLoops.copy(source, destination, bytes, stride, tensorsPerReset, IN_C / tensorsPerReset);
  }
}
