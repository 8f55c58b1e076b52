package dev.tensorarena.bench;

import com.sun.jna.Memory;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import org.apache.arrow.memory.ArrowBuf;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.jemalloc.JEmalloc;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What does it cost to give many tensors back?
 *
 * <p>Timed is the end alone, not the allocations before it: of a context at once, and with each
 * rival one by one, in the order of allocation. Every tensor is one byte, so that millions fit.
 * (Heap arrays and {@code allocateDirect} are missing: nobody can give them back.)
 */
@Fork(
    value = 3,
    jvmArgsAppend = {
      "--enable-native-access=ALL-UNNAMED",
      "--add-opens=java.base/java.nio=ALL-UNNAMED",
      "-Dio.netty.noUnsafe=false",
      "-Xms2g",
      "-Xmx2g",
      "-XX:+AlwaysPreTouch"
    })
public class Free extends AverageTime {

  /**
   * All tensors of a context at once.
   *
   * @param filled the contexts
   */
  @Benchmark
  @BenchmarkMode(Mode.SingleShotTime)
  @Warmup(iterations = 2)
  @Measurement(iterations = 8)
  @OperationsPerInvocation(FilledContexts.CONTEXTS)
  public void reset(FilledContexts filled) {
    filled.reset();
  }

  /** How many there are. */
  @State(Scope.Thread)
  public abstract static class Many {
    /** Tensors, or allocations of a rival. */
    @Param({"10", "1000", "100000", "1000000"})
    public int tensors;

    /** For the rows. */
    protected Many() {}
  }

  /**
   * Allocations of a rival, made before each invocation, which frees them.
   *
   * @param <T> an allocation
   */
  @State(Scope.Thread)
  public abstract static class Live<T> extends Many {
    private Batch<T> batch;

    /** For the rivals. */
    protected Live() {}

    abstract T allocate();

    abstract void release(T allocation);

    /** Makes room for the handles. */
    @Setup
    public void prepare() {
      batch = new Batch<>(tensors, this::release);
    }

    /** Allocates. */
    @Setup(Level.Invocation)
    public void fill() {
      for (int i = 0; i < tensors; i++) {
        batch.add(allocate());
      }
    }

    final void free() {
      batch.releaseAll();
    }
  }

  /** Netty's pool. */
  @State(Scope.Thread)
  public static class NettyPooled extends Live<ByteBuf> {
    @Override
    ByteBuf allocate() {
      return Netty.POOLED.directBuffer(1);
    }

    @Override
    void release(ByteBuf buffer) {
      buffer.release();
    }
  }

  /**
   * Netty's pool, {@code release} by {@code release}.
   *
   * @param live the buffers
   */
  @Benchmark
  public void nettyPooled(NettyPooled live) {
    live.free();
  }

  /** Netty's adaptive allocator. */
  @State(Scope.Thread)
  public static class NettyAdaptive extends NettyPooled {
    @Override
    ByteBuf allocate() {
      return Netty.ADAPTIVE.directBuffer(1);
    }
  }

  /**
   * Netty's adaptive allocator, {@code release} by {@code release}.
   *
   * @param live the buffers
   */
  @Benchmark
  public void nettyAdaptive(NettyAdaptive live) {
    live.free();
  }

  /** Arrow's root allocator. */
  @State(Scope.Thread)
  public static class ArrowBuffers extends Live<ArrowBuf> {
    @Override
    ArrowBuf allocate() {
      return Arrow.ROOT.buffer(1);
    }

    @Override
    void release(ArrowBuf buffer) {
      buffer.close();
    }
  }

  /**
   * Arrow's root allocator, {@code close} by {@code close}.
   *
   * @param live the buffers
   */
  @Benchmark
  public void arrow(ArrowBuffers live) {
    live.free();
  }

  /** jemalloc through LWJGL. */
  @State(Scope.Thread)
  public static class Jemalloc extends Live<ByteBuffer> {
    @Override
    ByteBuffer allocate() {
      return JEmalloc.je_malloc(1);
    }

    @Override
    void release(ByteBuffer buffer) {
      JEmalloc.je_free(buffer);
    }
  }

  /**
   * jemalloc through LWJGL, {@code je_free} by {@code je_free}.
   *
   * @param live the buffers
   */
  @Benchmark
  public void lwjglJemalloc(Jemalloc live) {
    live.free();
  }

  /** LWJGL's stack: one frame. */
  @State(Scope.Thread)
  public static class Frame extends Live<ByteBuffer> {
    private MemoryStack stack;

    @Override
    public void fill() {
      if (stack == null) {
        stack = MemoryStack.create(tensors + Long.BYTES);
      }
      stack.push();
      super.fill();
    }

    @Override
    ByteBuffer allocate() {
      return stack.malloc(1, 1);
    }

    @Override
    void release(ByteBuffer buffer) {
      // with the frame
    }

    void pop() {
      stack.pop();
    }

    /** Forgets the buffers. */
    @TearDown(Level.Invocation)
    public void forget() {
      free();
    }
  }

  /**
   * LWJGL's stack, which like ours ends a frame at once.
   *
   * @param live the frame
   */
  @Benchmark
  public void lwjglStack(Frame live) {
    live.pop();
  }

  /** JNA's memory. */
  @State(Scope.Thread)
  public static class JnaMemory extends Live<Memory> {
    @Override
    Memory allocate() {
      return new Memory(1);
    }

    @Override
    void release(Memory memory) {
      memory.close();
    }
  }

  /**
   * JNA's memory, {@code close} by {@code close}.
   *
   * @param live the memory
   */
  @Benchmark
  public void jna(JnaMemory live) {
    live.free();
  }

  /** The binding of JNI tutorials. */
  @State(Scope.Thread)
  public static class Textbook extends Live<ByteBuffer> {
    @Override
    ByteBuffer allocate() {
      return TextbookJni.allocate(1);
    }

    @Override
    void release(ByteBuffer buffer) {
      TextbookJni.free(buffer);
    }
  }

  /**
   * The binding of JNI tutorials, a call of C's {@code free} for each.
   *
   * @param live the buffers
   */
  @Benchmark
  public void textbookJni(Textbook live) {
    live.free();
  }

  /** Bare addresses. */
  @State(Scope.Thread)
  public static class Addresses extends Many {
    private AddressBatch batch;

    /** Makes room for the addresses. */
    @Setup
    public void prepare() {
      batch = new AddressBatch(tensors, SunUnsafe::freeMemory);
    }

    /** Allocates. */
    @Setup(Level.Invocation)
    public void fill() {
      for (int i = 0; i < tensors; i++) {
        batch.add(SunUnsafe.allocateMemory(1));
      }
    }
  }

  /**
   * {@code sun.misc.Unsafe}, {@code freeMemory} by {@code freeMemory}.
   *
   * @param live the addresses
   */
  @Benchmark
  public void unsafe(Addresses live) {
    live.batch.releaseAll();
  }
}
