package dev.tensorarena.bench;

import com.sun.jna.Memory;
import dev.tensorarena.DType;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import org.apache.arrow.memory.ArrowBuf;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.jemalloc.JEmalloc;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does memory cost, from the first byte asked for to the last given back?
 *
 * <p>A row that is called {@code …Zeroed} hands out zeros; so do {@code heapArray} and {@code
 * direct}, which cannot do otherwise. The others' contents are unspecified, and nothing touches
 * them.
 */
@State(Scope.Thread)
public class Allocate extends AllocateSizes {
  private Shape shape;
  private ContextCycle contexts;
  private ArenaCycle resets;
  private Batch<byte[]> arrays;
  private Batch<ByteBuffer> direct;
  private Batch<ByteBuf> netty;
  private Batch<ArrowBuf> arrow;
  private Batch<ByteBuffer> jemalloc;
  private Batch<Memory> jna;
  private Batch<ByteBuffer> jni;
  private AddressBatch unsafe;
  private MemoryStack stack;
  private int leftOnStack;

  /** Makes what is empty so far: each row uses its own. */
  @Setup
  public void prepare() {
    shape = Shape.of(bytes);
    contexts = new ContextCycle(perContext);
    resets = new ArenaCycle(perContext);
    arrays = new Batch<>(perContext, array -> {});
    direct = new Batch<>(perContext, buffer -> {}); // the collector frees it, nobody else can
    netty = new Batch<>(perContext, ByteBuf::release);
    arrow = new Batch<>(perContext, ArrowBuf::close);
    jemalloc = new Batch<>(perContext, JEmalloc::je_free);
    jna = new Batch<>(perContext, Memory::close);
    jni = new Batch<>(perContext, TextbookJni::free);
    unsafe = new AddressBatch(perContext, SunUnsafe::freeMemory);
  }

  /** Gives everything back. */
  @TearDown
  public void close() {
    contexts.close();
    resets.close();
    netty.close();
    arrow.close();
    jemalloc.close();
    jna.close();
    jni.close();
    unsafe.close();
  }

  /**
   * In a context that is opened for the batch and closed after it.
   *
   * @return the tensor
   */
  @Benchmark
  public Tensor tensor() {
    return contexts.next().empty(DType.INT8, shape);
  }

  /**
   * As {@link #tensor}.
   *
   * @return the tensor
   */
  @Benchmark
  public Tensor tensorZeroed() {
    return contexts.next().zeros(DType.INT8, shape);
  }

  /**
   * In a context that stays open and is reset after the batch.
   *
   * @return the tensor
   */
  @Benchmark
  public Tensor tensorAndReset() {
    return resets.next().empty(DType.INT8, shape);
  }

  /**
   * Freed by the collector.
   *
   * @return the array
   */
  @Benchmark
  public byte[] heapArray() {
    arrays.makeRoom();
    return arrays.add(new byte[bytes]);
  }

  /**
   * Freed by the collector.
   *
   * @return the buffer
   */
  @Benchmark
  public ByteBuffer direct() {
    direct.makeRoom();
    return direct.add(ByteBuffer.allocateDirect(bytes));
  }

  /**
   * Netty's pool, with a cache for this thread.
   *
   * @return the buffer
   */
  @Benchmark
  public ByteBuf nettyPooled() {
    netty.makeRoom();
    return netty.add(Netty.POOLED.directBuffer(bytes));
  }

  /**
   * As {@link #nettyPooled}, and {@code setZero}.
   *
   * @return the buffer
   */
  @Benchmark
  public ByteBuf nettyPooledZeroed() {
    netty.makeRoom();
    return netty.add(Netty.POOLED.directBuffer(bytes).setZero(0, bytes));
  }

  /**
   * Netty's adaptive allocator, with a magazine for this thread.
   *
   * @return the buffer
   */
  @Benchmark
  public ByteBuf nettyAdaptive() {
    netty.makeRoom();
    return netty.add(Netty.ADAPTIVE.directBuffer(bytes));
  }

  /**
   * As {@link #nettyAdaptive}, and {@code setZero}.
   *
   * @return the buffer
   */
  @Benchmark
  public ByteBuf nettyAdaptiveZeroed() {
    netty.makeRoom();
    return netty.add(Netty.ADAPTIVE.directBuffer(bytes).setZero(0, bytes));
  }

  /**
   * From Arrow's root allocator.
   *
   * @return the buffer
   */
  @Benchmark
  public ArrowBuf arrow() {
    arrow.makeRoom();
    return arrow.add(Arrow.ROOT.buffer(bytes));
  }

  /**
   * As {@link #arrow}, and {@code setZero}.
   *
   * @return the buffer
   */
  @Benchmark
  public ArrowBuf arrowZeroed() {
    arrow.makeRoom();
    return arrow.add(Arrow.ROOT.buffer(bytes).setZero(0, bytes));
  }

  /**
   * LWJGL's stack for short-lived memory, with a frame for the batch.
   *
   * @return the buffer
   */
  @Benchmark
  public ByteBuffer lwjglStack() {
    return frame().malloc(bytes);
  }

  /**
   * As {@link #lwjglStack}, with its {@code calloc}.
   *
   * @return the buffer
   */
  @Benchmark
  public ByteBuffer lwjglStackZeroed() {
    return frame().calloc(bytes);
  }

  private MemoryStack frame() {
    if (leftOnStack == 0) {
      if (stack == null) {
        stack = MemoryStack.create((bytes + Long.BYTES) * perContext);
      } else {
        stack.pop();
      }
      stack.push();
      leftOnStack = perContext;
    }
    leftOnStack--;
    return stack;
  }

  /**
   * jemalloc through LWJGL.
   *
   * @return the buffer
   */
  @Benchmark
  public ByteBuffer lwjglJemalloc() {
    jemalloc.makeRoom();
    return jemalloc.add(JEmalloc.je_malloc(bytes));
  }

  /**
   * As {@link #lwjglJemalloc}, with its {@code calloc}.
   *
   * @return the buffer
   */
  @Benchmark
  public ByteBuffer lwjglJemallocZeroed() {
    jemalloc.makeRoom();
    return jemalloc.add(JEmalloc.je_calloc(1, bytes));
  }

  /**
   * JNA's memory, closed by hand.
   *
   * @return the memory
   */
  @Benchmark
  public Memory jna() {
    jna.makeRoom();
    return jna.add(new Memory(bytes));
  }

  /**
   * As {@link #jna}, and {@code clear}.
   *
   * @return the memory
   */
  @Benchmark
  public Memory jnaZeroed() {
    Memory memory = jna();
    memory.clear();
    return memory;
  }

  /**
   * {@code sun.misc.Unsafe}: a bare address.
   *
   * @return the address
   */
  @Benchmark
  public long unsafe() {
    unsafe.makeRoom();
    return unsafe.add(SunUnsafe.allocateMemory(bytes));
  }

  /**
   * As {@link #unsafe}, and {@code setMemory}.
   *
   * @return the address
   */
  @Benchmark
  public long unsafeZeroed() {
    long address = unsafe();
    SunUnsafe.setMemory(address, bytes, (byte) 0);
    return address;
  }

  /**
   * The binding of JNI tutorials: {@code malloc} and {@code NewDirectByteBuffer} for each block.
   *
   * @return the buffer
   */
  @Benchmark
  public ByteBuffer textbookJni() {
    jni.makeRoom();
    return jni.add(TextbookJni.allocate(bytes));
  }

  /**
   * As {@link #textbookJni}, with {@code calloc}.
   *
   * @return the buffer
   */
  @Benchmark
  public ByteBuffer textbookJniZeroed() {
    jni.makeRoom();
    return jni.add(TextbookJni.allocateZeroed(bytes));
  }
}
