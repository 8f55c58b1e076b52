package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The memory of one query, batch, request or task. A context allocates a tensor by moving a
 * pointer, and gives the memory of all its tensors back at once.
 *
 * <pre>{@code
 * try (ExecutionContext ctx = ExecutionContext.open()) {
 *   Tensor a = ctx.allocSlice(1f, 2f, 3f);
 *   Tensor b = ctx.empty(DType.FLOAT32, 1000, 384);
 *   queue.put(b.share()); // the next stage closes it
 * }
 * }</pre>
 *
 * <p><b>Threads.</b> A context belongs to one thread at a time, which may be a virtual thread, and
 * so do its scopes and its tensors; using them from another thread throws {@link
 * IllegalStateException}. That is the thread that opened it, until it {@linkplain #detach detaches}
 * the context and another one attaches it, or {@linkplain #adopt adopts} it. To use a tensor on
 * another thread, {@link Tensor#share()} it and hand over the shared handle. Once the thread has
 * ended, any thread may {@link #close} the context. {@link #executionId}, {@link #createdAt},
 * {@link #name}, {@link #memoryLimit}, {@link #arenaStats}, {@link #memoryUsage}, {@link #isOpen}
 * and {@code toString} may be called from any thread.
 *
 * <p><b>Lifetimes.</b> Tensors die when the {@link #scope() scope} they were allocated in closes;
 * those allocated in no scope die with {@link #reset()} or {@link #close()}. Memory that was handed
 * out once stays readable and writable until the process ends, so that a stale buffer or address
 * cannot crash the JVM. The memory of a context that becomes unreachable without having been closed
 * is taken back once a collection has found it, by whoever next needs memory, unless a raw view or
 * an address of it was given out, or a shared handle was not closed: then that memory is lost. Who
 * lent it memory by {@code wrap} is not {@linkplain ForeignMemory#released told}.
 *
 * <p><b>Errors.</b> An allocation that would exceed a memory limit throws {@link
 * MemoryLimitExceededException}, and one for which the system refuses memory throws {@link
 * OutOfMemoryError}; the context is usable after both. (The memory limit of a container is
 * different: the kernel kills the process when it first touches a page too many, and no allocator
 * can catch that.)
 */
public final class ExecutionContext implements OpenResource {
  private static final int DEFAULT_ALIGNMENT = 64;
  private static final int MAX_ALIGNMENT = 4096;

  private static final VarHandle OWNER;

  static {
    try {
      OWNER = MethodHandles.lookup().findVarHandle(ExecutionContext.class, "owner", Object.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Arena arena;

  /**
   * The innermost open scope, kept by the scopes; the ended root once the context is closed. A dead
   * one while its end is not complete.
   */
  Scope current;

  /**
   * The thread that opened the context, or one that closes it when that one has ended; once it was
   * detached, the last {@link DetachedContext}, which knows who has it.
   */
  private Object owner;

  private final LeakDetector.Watch watch;

  /** What has lost its last holder in ends and is to be told so; null nearly always. */
  private Released released;

  private ExecutionContext(Builder builder) {
    Thread thread = Thread.currentThread();
    owner = thread;
    arena = new Arena(builder);
    current = new Scope(this, thread);
    watch = LeakDetector.watchNext(arena);
  }

  /**
   * Opens a context with the defaults of the {@linkplain Builder builder}: without capacity, memory
   * limit or name.
   *
   * @return a context of the calling thread
   */
  public static ExecutionContext open() {
    return new ExecutionContext(Builder.DEFAULTS);
  }

  /**
   * Opens a context whose first chunk of memory holds at least a given number of bytes, see {@link
   * Builder#capacity}.
   *
   * @param bytes the capacity
   * @return a context of the calling thread
   * @throws IllegalArgumentException if it is negative or above 2<sup>46</sup>
   */
  public static ExecutionContext withCapacity(long bytes) {
    return builder().capacity(bytes).open();
  }

  /**
   * Opens a context with a memory limit, see {@link Builder#memoryLimit}.
   *
   * @param bytes the limit
   * @return a context of the calling thread
   * @throws IllegalArgumentException if it is negative
   */
  public static ExecutionContext withMemoryLimit(long bytes) {
    return builder().memoryLimit(bytes).open();
  }

  /**
   * Returns a builder, with which the options of a context are chosen.
   *
   * @return a builder with the defaults
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * The options with which a context is opened. A builder is used by one thread at a time and may
   * open many contexts.
   */
  public static final class Builder {
    private static final Builder DEFAULTS = new Builder();
    private static final long MAX_CAPACITY = 1L << 46;

    long capacity;
    long memoryLimit = NativeArena.UNLIMITED;
    int alignment = DEFAULT_ALIGNMENT;
    int flags;
    String name;
    MemoryBudget budget;

    private Builder() {}

    /**
     * Sets how many bytes the first chunk holds at least. The context takes it from the pool of all
     * contexts at its first allocation, and further chunks when it is full.
     *
     * @param bytes the capacity; 0, the default, takes the smallest chunk of 64 KiB
     * @return this builder
     * @throws IllegalArgumentException if it is negative or above 2<sup>46</sup>
     */
    public Builder capacity(long bytes) {
      if (bytes < 0 || bytes > MAX_CAPACITY) {
        throw new IllegalArgumentException("capacity of " + bytes + " bytes is not in 0 .. 2^46");
      }
      capacity = bytes;
      return this;
    }

    /**
     * Limits how many bytes the context may have handed out at any one time; the limit is exact to
     * the byte. Alignment padding counts, and so does the memory of ended tensors that cannot be
     * used again yet, because a shared tensor lies above it in the same chunk. So do the bytes that
     * {@link Tensor#mutable} takes over from a shared handle, until their scope ends.
     *
     * @param bytes the limit; there is none by default
     * @return this builder
     * @throws IllegalArgumentException if it is negative
     */
    public Builder memoryLimit(long bytes) {
      if (bytes < 0) {
        throw new IllegalArgumentException("negative memory limit: " + bytes + " bytes");
      }
      memoryLimit = bytes;
      return this;
    }

    /**
     * Has a budget pay for the chunks of memory that the context takes: they count towards its
     * limit and those of the budgets above it, also while only shared tensors keep them, and whole,
     * as the pool lends them. The memory limit of the context counts besides, and to the byte.
     *
     * @param budget which may be that of any number of contexts, on any threads; there is none by
     *     default
     * @return this builder
     */
    public Builder budget(MemoryBudget budget) {
      this.budget = Objects.requireNonNull(budget, "budget");
      return this;
    }

    /**
     * Sets the alignment of tensors: their addresses are multiples of it, and always of the size of
     * their elements.
     *
     * @param bytes a power of two from 1 to 4096; 64 by default
     * @return this builder
     * @throws IllegalArgumentException if it is not a power of two in this range
     */
    public Builder alignment(int bytes) {
      alignment = checkAlignment(bytes);
      return this;
    }

    /**
     * Sets a name, which appears in messages about the context.
     *
     * @param name the name
     * @return this builder
     */
    public Builder name(String name) {
      this.name = Objects.requireNonNull(name, "name");
      return this;
    }

    /**
     * Chooses whether chunks lie on huge pages, where the system has them. They are faster for
     * large contexts, but take memory in steps of 2 MiB, even if only one byte of a page is used.
     *
     * @param on off by default
     * @return this builder
     */
    public Builder hugePages(boolean on) {
      return flag(NativeArena.HUGE_PAGES, on);
    }

    /**
     * Chooses whether the bytes of ended tensors are overwritten with zeros, so that no other
     * context ever finds a secret in its memory. The end of the scope, the reset or the close that
     * ends a tensor overwrites its bytes; those of a shared tensor are overwritten when the last
     * handle is released, on the thread that releases it.
     *
     * <p>Ending tensors then no longer takes constant time, but the time to write their bytes once
     * more. A shared tensor delays the zeroing of the ended tensors that lie below it in its chunk:
     * they are zeroed together with it or by the next end of a scope that finds it released, and at
     * the latest when the chunk leaves the context. Copies elsewhere are not zeroed: heap arrays,
     * wrapped buffers, files, tensors of other contexts, pages that the system swapped out. The
     * memory of a context that is never closed is zeroed when it is taken back; where it is not,
     * nobody else gets it either.
     *
     * @param on off by default
     * @return this builder
     */
    public Builder zeroOnRelease(boolean on) {
      return flag(NativeArena.ZERO_ON_RELEASE, on);
    }

    private Builder flag(int flag, boolean on) {
      flags = on ? flags | flag : flags & ~flag;
      return this;
    }

    /**
     * Opens a context for the calling thread.
     *
     * @return the context
     * @throws IllegalStateException if its budget is closed
     */
    public ExecutionContext open() {
      return new ExecutionContext(this);
    }
  }

  static int checkAlignment(int bytes) {
    if (bytes < 1 || bytes > MAX_ALIGNMENT || Integer.bitCount(bytes) != 1) {
      throw new IllegalArgumentException(
          "alignment " + bytes + " is not a power of two from 1 to " + MAX_ALIGNMENT);
    }
    return bytes;
  }

  // ---- allocation

  /**
   * Allocates a tensor whose contents are unspecified.
   *
   * @param dtype the type of its elements
   * @param shape its shape
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if its size in bytes is not below 2<sup>63</sup>
   * @throws MemoryLimitExceededException if a memory limit would be exceeded
   * @throws OutOfMemoryError if the system refuses memory
   * @throws IllegalStateException if the context is closed or belongs to another thread
   */
  public Tensor empty(DType dtype, Shape shape) {
    try {
      return emptyOnce(dtype, shape);
    } catch (MemoryLimitExceededException refusal) {
      return emptyUnderPressure(dtype, shape, refusal);
    }
  }

  private Tensor emptyOnce(DType dtype, Shape shape) {
    Scope scope = innermost();
    long bytes = dtype.byteSize(shape);
    long start = arena.allocate(bytes, alignmentOf(dtype));
    Window window = arena.window();
    return new Tensor(window, (int) (start - window.address), bytes, dtype, shape, scope);
  }

  /**
   * Tries again as long as listeners free something. (Around the usual way a loop costs a scope
   * with one tensor 0.2 ns.)
   */
  private Tensor emptyUnderPressure(
      DType dtype, Shape shape, MemoryLimitExceededException refusal) {
    while (true) {
      Pressure.relieve(arena, refusal);
      try {
        return emptyOnce(dtype, shape);
      } catch (MemoryLimitExceededException again) {
        refusal = again;
      }
    }
  }

  /**
   * Allocates a tensor whose contents are unspecified.
   *
   * @param dtype the type of its elements
   * @param dims its extents, none for rank 0
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if an extent is negative or the size in bytes is not below
   *     2<sup>63</sup>
   * @throws MemoryLimitExceededException if a memory limit would be exceeded
   * @throws OutOfMemoryError if the system refuses memory
   * @throws IllegalStateException if the context is closed or belongs to another thread
   */
  public Tensor empty(DType dtype, long... dims) {
    return empty(dtype, Shape.of(dims));
  }

  /**
   * Allocates a tensor of zeros. Throws the same exceptions as {@link #empty(DType, Shape)}.
   *
   * @param dtype the type of its elements
   * @param shape its shape
   * @return a tensor of the innermost open scope
   */
  public Tensor zeros(DType dtype, Shape shape) {
    Tensor tensor = empty(dtype, shape);
    Bulk.zero(tensor);
    return tensor;
  }

  /**
   * Allocates a tensor of zeros. Throws the same exceptions as {@link #empty(DType, long...)}.
   *
   * @param dtype the type of its elements
   * @param dims its extents, none for rank 0
   * @return a tensor of the innermost open scope
   */
  public Tensor zeros(DType dtype, long... dims) {
    return zeros(dtype, Shape.of(dims));
  }

  /**
   * Allocates a rank-1 {@link DType#FLOAT32} tensor with a copy of the values.
   *
   * @param values the elements; without any, the tensor is empty
   * @return a tensor of the innermost open scope
   * @throws MemoryLimitExceededException if a memory limit would be exceeded
   * @throws OutOfMemoryError if the system refuses memory
   * @throws IllegalStateException if the context is closed or belongs to another thread
   */
  public Tensor allocSlice(float... values) {
    return allocSlice(values, 0, values.length);
  }

  /**
   * Allocates a rank-1 {@link DType#FLOAT32} tensor with a copy of a part of an array. Throws the
   * same exceptions as {@link #allocSlice(float...)}.
   *
   * @param values the array
   * @param offset where the part begins
   * @param length how many values to copy
   * @return a tensor of the innermost open scope
   * @throws IndexOutOfBoundsException if the part is not in the array
   */
  public Tensor allocSlice(float[] values, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, values.length);
    Tensor tensor = empty(DType.FLOAT32, Shape.of(length));
    tensor.window.put(tensor.offset, values, offset, length);
    return tensor;
  }

  /**
   * Allocates a rank-1 {@link DType#FLOAT32} tensor with a copy of a buffer's values from its
   * position to its limit. The elements are in native byte order, whatever the order of the buffer.
   * The buffer's position does not move. Throws the same exceptions as {@link
   * #allocSlice(float...)}.
   *
   * @param values the buffer
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(FloatBuffer values) {
    FloatBuffer own = values.duplicate();
    Tensor tensor = empty(DType.FLOAT32, Shape.of(own.remaining()));
    tensor.window.floatsAt(tensor.offset, own.remaining()).put(own);
    return tensor;
  }

  /**
   * Allocates a {@link DType#FLOAT32} tensor with a copy of the values. Throws the same exceptions
   * as {@link #allocSlice(float...)}.
   *
   * @param shape the shape
   * @param values its elements in row-major order
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  public Tensor copyOf(Shape shape, float... values) {
    checkLength(shape, values.length);
    Tensor tensor = empty(DType.FLOAT32, shape);
    tensor.window.put(tensor.offset, values, 0, values.length);
    return tensor;
  }

  /**
   * Allocates a {@link DType#FLOAT32} tensor of rank 0. Throws the same exceptions as {@link
   * #allocSlice(float...)}.
   *
   * @param value its element
   * @return a tensor of the innermost open scope
   */
  public Tensor allocTemp(float value) {
    Tensor tensor = empty(DType.FLOAT32, Shape.scalar());
    tensor.setFloatAt(0, value);
    return tensor;
  }

  /**
   * Allocates a rank-1 {@link DType#FLOAT64} tensor with a copy of the values. Throws the same
   * exceptions as {@link #allocSlice(float...)}.
   *
   * @param values the elements; without any, the tensor is empty
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(double... values) {
    return allocSlice(values, 0, values.length);
  }

  /**
   * Allocates a rank-1 {@link DType#FLOAT64} tensor with a copy of a part of an array. Throws the
   * same exceptions as {@link #allocSlice(double...)}.
   *
   * @param values the array
   * @param offset where the part begins
   * @param length how many values to copy
   * @return a tensor of the innermost open scope
   * @throws IndexOutOfBoundsException if the part is not in the array
   */
  public Tensor allocSlice(double[] values, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, values.length);
    Tensor tensor = empty(DType.FLOAT64, Shape.of(length));
    tensor.window.put(tensor.offset, values, offset, length);
    return tensor;
  }

  /**
   * Allocates a rank-1 {@link DType#FLOAT64} tensor with a copy of a buffer's values from its
   * position to its limit. The elements are in native byte order, whatever the order of the buffer.
   * The buffer's position does not move. Throws the same exceptions as {@link
   * #allocSlice(double...)}.
   *
   * @param values the buffer
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(DoubleBuffer values) {
    DoubleBuffer own = values.duplicate();
    Tensor tensor = empty(DType.FLOAT64, Shape.of(own.remaining()));
    tensor.window.doublesAt(tensor.offset, own.remaining()).put(own);
    return tensor;
  }

  /**
   * Allocates a {@link DType#FLOAT64} tensor with a copy of the values. Throws the same exceptions
   * as {@link #allocSlice(double...)}.
   *
   * @param shape the shape
   * @param values its elements in row-major order
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  public Tensor copyOf(Shape shape, double... values) {
    checkLength(shape, values.length);
    Tensor tensor = empty(DType.FLOAT64, shape);
    tensor.window.put(tensor.offset, values, 0, values.length);
    return tensor;
  }

  /**
   * Allocates a {@link DType#FLOAT64} tensor of rank 0. Throws the same exceptions as {@link
   * #allocSlice(double...)}.
   *
   * @param value its element
   * @return a tensor of the innermost open scope
   */
  public Tensor allocTemp(double value) {
    Tensor tensor = empty(DType.FLOAT64, Shape.scalar());
    tensor.setDoubleAt(0, value);
    return tensor;
  }

  /**
   * Allocates a rank-1 {@link DType#INT64} tensor with a copy of the values. Throws the same
   * exceptions as {@link #allocSlice(float...)}.
   *
   * @param values the elements; without any, the tensor is empty
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(long... values) {
    return allocSlice(values, 0, values.length);
  }

  /**
   * Allocates a rank-1 {@link DType#INT64} tensor with a copy of a part of an array. Throws the
   * same exceptions as {@link #allocSlice(long...)}.
   *
   * @param values the array
   * @param offset where the part begins
   * @param length how many values to copy
   * @return a tensor of the innermost open scope
   * @throws IndexOutOfBoundsException if the part is not in the array
   */
  public Tensor allocSlice(long[] values, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, values.length);
    Tensor tensor = empty(DType.INT64, Shape.of(length));
    tensor.window.put(tensor.offset, values, offset, length);
    return tensor;
  }

  /**
   * Allocates a rank-1 {@link DType#INT64} tensor with a copy of a buffer's values from its
   * position to its limit. The elements are in native byte order, whatever the order of the buffer.
   * The buffer's position does not move. Throws the same exceptions as {@link
   * #allocSlice(long...)}.
   *
   * @param values the buffer
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(LongBuffer values) {
    LongBuffer own = values.duplicate();
    Tensor tensor = empty(DType.INT64, Shape.of(own.remaining()));
    tensor.window.longsAt(tensor.offset, own.remaining()).put(own);
    return tensor;
  }

  /**
   * Allocates a {@link DType#INT64} tensor with a copy of the values. Throws the same exceptions as
   * {@link #allocSlice(long...)}.
   *
   * @param shape the shape
   * @param values its elements in row-major order
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  public Tensor copyOf(Shape shape, long... values) {
    checkLength(shape, values.length);
    Tensor tensor = empty(DType.INT64, shape);
    tensor.window.put(tensor.offset, values, 0, values.length);
    return tensor;
  }

  /**
   * Allocates a {@link DType#INT64} tensor of rank 0. Throws the same exceptions as {@link
   * #allocSlice(long...)}.
   *
   * @param value its element
   * @return a tensor of the innermost open scope
   */
  public Tensor allocTemp(long value) {
    Tensor tensor = empty(DType.INT64, Shape.scalar());
    tensor.setLongAt(0, value);
    return tensor;
  }

  /**
   * Allocates a rank-1 {@link DType#INT32} tensor with a copy of the values. Throws the same
   * exceptions as {@link #allocSlice(float...)}.
   *
   * @param values the elements; without any, the tensor is empty
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(int... values) {
    return allocSlice(values, 0, values.length);
  }

  /**
   * Allocates a rank-1 {@link DType#INT32} tensor with a copy of a part of an array. Throws the
   * same exceptions as {@link #allocSlice(int...)}.
   *
   * @param values the array
   * @param offset where the part begins
   * @param length how many values to copy
   * @return a tensor of the innermost open scope
   * @throws IndexOutOfBoundsException if the part is not in the array
   */
  public Tensor allocSlice(int[] values, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, values.length);
    Tensor tensor = empty(DType.INT32, Shape.of(length));
    tensor.window.put(tensor.offset, values, offset, length);
    return tensor;
  }

  /**
   * Allocates a rank-1 {@link DType#INT32} tensor with a copy of a buffer's values from its
   * position to its limit. The elements are in native byte order, whatever the order of the buffer.
   * The buffer's position does not move. Throws the same exceptions as {@link #allocSlice(int...)}.
   *
   * @param values the buffer
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(IntBuffer values) {
    IntBuffer own = values.duplicate();
    Tensor tensor = empty(DType.INT32, Shape.of(own.remaining()));
    tensor.window.intsAt(tensor.offset, own.remaining()).put(own);
    return tensor;
  }

  /**
   * Allocates a {@link DType#INT32} tensor with a copy of the values. Throws the same exceptions as
   * {@link #allocSlice(int...)}.
   *
   * @param shape the shape
   * @param values its elements in row-major order
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  public Tensor copyOf(Shape shape, int... values) {
    checkLength(shape, values.length);
    Tensor tensor = empty(DType.INT32, shape);
    tensor.window.put(tensor.offset, values, 0, values.length);
    return tensor;
  }

  /**
   * Allocates a {@link DType#INT32} tensor of rank 0. Throws the same exceptions as {@link
   * #allocSlice(int...)}.
   *
   * @param value its element
   * @return a tensor of the innermost open scope
   */
  public Tensor allocTemp(int value) {
    Tensor tensor = empty(DType.INT32, Shape.scalar());
    tensor.setIntAt(0, value);
    return tensor;
  }

  /**
   * Allocates a rank-1 {@link DType#INT16} tensor with a copy of the values. Throws the same
   * exceptions as {@link #allocSlice(float...)}.
   *
   * @param values the elements; without any, the tensor is empty
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(short... values) {
    return allocSlice(values, 0, values.length);
  }

  /**
   * Allocates a rank-1 {@link DType#INT16} tensor with a copy of a part of an array. Throws the
   * same exceptions as {@link #allocSlice(short...)}.
   *
   * @param values the array
   * @param offset where the part begins
   * @param length how many values to copy
   * @return a tensor of the innermost open scope
   * @throws IndexOutOfBoundsException if the part is not in the array
   */
  public Tensor allocSlice(short[] values, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, values.length);
    Tensor tensor = empty(DType.INT16, Shape.of(length));
    tensor.window.put(tensor.offset, values, offset, length);
    return tensor;
  }

  /**
   * Allocates a rank-1 {@link DType#INT16} tensor with a copy of a buffer's values from its
   * position to its limit. The elements are in native byte order, whatever the order of the buffer.
   * The buffer's position does not move. Throws the same exceptions as {@link
   * #allocSlice(short...)}.
   *
   * @param values the buffer
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(ShortBuffer values) {
    ShortBuffer own = values.duplicate();
    Tensor tensor = empty(DType.INT16, Shape.of(own.remaining()));
    tensor.window.shortsAt(tensor.offset, own.remaining()).put(own);
    return tensor;
  }

  /**
   * Allocates a {@link DType#INT16} tensor with a copy of the values. Throws the same exceptions as
   * {@link #allocSlice(short...)}.
   *
   * @param shape the shape
   * @param values its elements in row-major order
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  public Tensor copyOf(Shape shape, short... values) {
    checkLength(shape, values.length);
    Tensor tensor = empty(DType.INT16, shape);
    tensor.window.put(tensor.offset, values, 0, values.length);
    return tensor;
  }

  /**
   * Allocates a rank-1 {@link DType#INT8} tensor with a copy of the values. Throws the same
   * exceptions as {@link #allocSlice(float...)}.
   *
   * @param values the elements; without any, the tensor is empty
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(byte... values) {
    return allocSlice(values, 0, values.length);
  }

  /**
   * Allocates a rank-1 {@link DType#INT8} tensor with a copy of a part of an array. Throws the same
   * exceptions as {@link #allocSlice(byte...)}.
   *
   * @param values the array
   * @param offset where the part begins
   * @param length how many values to copy
   * @return a tensor of the innermost open scope
   * @throws IndexOutOfBoundsException if the part is not in the array
   */
  public Tensor allocSlice(byte[] values, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, values.length);
    Tensor tensor = empty(DType.INT8, Shape.of(length));
    tensor.window.put(tensor.offset, values, offset, length);
    return tensor;
  }

  /**
   * Allocates a rank-1 {@link DType#INT8} tensor with a copy of a buffer's values from its position
   * to its limit. The elements are in native byte order, whatever the order of the buffer. The
   * buffer's position does not move. Throws the same exceptions as {@link #allocSlice(byte...)}.
   *
   * @param values the buffer
   * @return a tensor of the innermost open scope
   */
  public Tensor allocSlice(ByteBuffer values) {
    ByteBuffer own = values.duplicate();
    Tensor tensor = empty(DType.INT8, Shape.of(own.remaining()));
    tensor.window.bytesAt(tensor.offset, own.remaining()).put(own);
    return tensor;
  }

  /**
   * Allocates a {@link DType#INT8} tensor with a copy of the values. Throws the same exceptions as
   * {@link #allocSlice(byte...)}.
   *
   * @param shape the shape
   * @param values its elements in row-major order
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  public Tensor copyOf(Shape shape, byte... values) {
    checkLength(shape, values.length);
    Tensor tensor = empty(DType.INT8, shape);
    tensor.window.put(tensor.offset, values, 0, values.length);
    return tensor;
  }

  private static void checkLength(Shape shape, int length) {
    if (shape.numElements() != length) {
      throw new IllegalArgumentException(
          length
              + " values for shape "
              + shape
              + ", which has "
              + shape.numElements()
              + " elements");
    }
  }

  /**
   * Makes a tensor over a direct buffer. From its position to its limit the buffer must hold
   * exactly the tensor's bytes, in native order. Nothing is copied or counted towards the memory
   * limit. The buffer stays reachable as long as the tensor is. Over a read-only buffer the tensor
   * is frozen. Over a buffer of a {@code java.lang.foreign} segment the tensor dies when the
   * segment's arena is closed, if its scope has not ended before.
   *
   * @param direct a direct buffer whose {@code order} is {@link ByteOrder#nativeOrder()}, unless an
   *     element has a single byte; its position does not move
   * @param dtype the type of the elements
   * @param shape the shape
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the buffer is not direct, its length does not match, or it
   *     is in the other byte order
   * @throws IllegalStateException if the buffer's segment has ended, or if the context is closed or
   *     belongs to another thread
   */
  public Tensor wrap(ByteBuffer direct, DType dtype, Shape shape) {
    requireWrappable(direct, dtype);
    return wrap(new ForeignBlock.DirectBuffer(direct), dtype, shape);
  }

  /**
   * Makes a tensor over a direct buffer, as {@link #wrap(ByteBuffer, DType, Shape)} does, and tells
   * when nobody needs the buffer's memory any longer.
   *
   * <p>{@code released} is called once: when the tensor's scope has ended, and the last share, kept
   * result, {@link TensorPin} and checked segment of the bytes has gone. It is called on whichever
   * thread lets go last, with no lock held; where that is the end of a scope, a reset or a close,
   * it is called once that is complete. It may do anything; what it throws is logged, but an {@link
   * Error} is passed on, as {@link ForeignMemory#released} says. If the bytes are freed then, no
   * raw view and no address of them may be used any longer, nor a shared handle by one thread while
   * another one closes it.
   *
   * @param direct a direct buffer, as for the other method
   * @param dtype the type of the elements
   * @param shape the shape
   * @param released what to run once the memory is not needed; it is not run if this method throws
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException as the other method throws it
   * @throws IllegalStateException as the other method throws it
   */
  public Tensor wrap(ByteBuffer direct, DType dtype, Shape shape, Runnable released) {
    Objects.requireNonNull(released, "released");
    requireWrappable(direct, dtype);
    return wrap(new CountedMemory.Buffer(direct, released), dtype, shape);
  }

  private void requireWrappable(ByteBuffer direct, DType dtype) {
    innermost();
    if (!direct.isDirect()) {
      throw new IllegalArgumentException("not a direct buffer: " + direct);
    }
    if (dtype.byteSize() > 1 && direct.order() != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          direct
              + " is in "
              + direct.order()
              + " order, but the elements of a "
              + dtype
              + " tensor are in "
              + ByteOrder.nativeOrder()
              + " order; call order(ByteOrder.nativeOrder()) on the buffer (each new buffer, slice"
              + " and duplicate begins as BIG_ENDIAN)");
    }
  }

  /**
   * Makes a tensor over memory that is not this library's. It must hold exactly the tensor's bytes,
   * in native order, and may be larger than a buffer can be. Nothing is copied or counted towards
   * the memory limit. The tensor dies when its scope ends or when the memory goes away, whichever
   * is first. The memory object stays reachable as long as the scope is open or anybody holds the
   * bytes, and is told then that they are {@linkplain ForeignMemory#released released}. If the
   * memory is read-only, the tensor is frozen.
   *
   * @param memory what to wrap
   * @param dtype the type of the elements
   * @param shape the shape
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the size of the memory does not match, or if its first part
   *     is not a direct buffer of the length that was asked for
   * @throws IllegalStateException if the memory has gone away, or if the context is closed or
   *     belongs to another thread
   */
  public Tensor wrap(ForeignMemory memory, DType dtype, Shape shape) {
    innermost();
    return wrap(memory, dtype, shape, shape, null);
  }

  /**
   * Makes a tensor over memory that is not this library's, as {@link #wrap(ForeignMemory, DType,
   * Shape)} does, whose elements lie apart from each other: rows with padding, or an array in
   * another order.
   *
   * @param memory what to wrap: exactly the bytes from the first element to the last, gaps included
   * @param dtype the type of the elements
   * @param shape the shape
   * @param strides for each axis the distance of one index from the next, in elements; not
   *     negative, and such that the elements of no axis lie over or between those of another. Those
   *     of axes of extent 1 do not matter
   * @return a tensor of the innermost open scope; its {@link Tensor#isContiguous()} says whether
   *     there are gaps
   * @throws IllegalArgumentException as the other method throws it, and if the strides are not one
   *     for each axis, negative, too large, or have elements overlap or interleave
   * @throws IllegalStateException as the other method throws it
   */
  public Tensor wrap(ForeignMemory memory, DType dtype, Shape shape, long... strides) {
    innermost();
    long[] steps = Strides.checked(shape, strides);
    return wrap(memory, dtype, Shape.of(Strides.extent(shape, steps)), shape, steps);
  }

  /** Wraps elements without gaps as a view of them, or as themselves where there are no steps. */
  private Tensor wrap(
      ForeignMemory memory, DType dtype, Shape elements, Shape shape, long[] steps) {
    long bytes = dtype.byteSize(elements);
    long given = memory.byteSize();
    if (bytes != given) {
      throw new IllegalArgumentException(
          TensorState.describe(dtype, shape)
              + (steps == null ? "" : " with strides " + Arrays.toString(steps))
              + " has "
              + bytes
              + " bytes, but "
              + memory
              + " has "
              + given
              + " bytes");
    }
    Window window = ForeignBlock.wrap(memory, bytes);
    Scope scope = innermost(); // once more: the memory's methods may have ended scopes
    long reached = window.reaches(window.address, bytes) ? bytes : Long.MAX_VALUE;
    Tensor tensor = new Tensor(window, 0, reached, dtype, elements, scope);
    Tensor result = steps == null ? tensor : tensor.strided(shape, steps);
    tensor.hold(window.foreign); // last: what fails before has taken nothing
    return result;
  }

  /**
   * Allocates uninitialised bytes and returns them as a buffer in native order. The buffer may be
   * used until the innermost open scope ends. Using it afterwards cannot crash the JVM, but its
   * bytes are unspecified then and may be another tensor's.
   *
   * @param bytes how many, up to {@code Integer.MAX_VALUE}
   * @param alignment a power of two from 1 to 4096
   * @return a direct buffer of exactly these bytes
   * @throws IllegalArgumentException if a number is out of range
   * @throws MemoryLimitExceededException if a memory limit would be exceeded
   * @throws OutOfMemoryError if the system refuses memory
   * @throws IllegalStateException if the context is closed or belongs to another thread
   */
  public ByteBuffer allocate(long bytes, int alignment) {
    innermost();
    if (bytes < 0 || bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          bytes + " bytes do not fit a ByteBuffer (0 .. " + Integer.MAX_VALUE + ")");
    }
    checkAlignment(alignment);
    while (true) {
      try {
        long start = arena.allocate(bytes, alignment);
        arena.expose(this);
        Window window = arena.window();
        return window.bytesAt((int) (start - window.address), (int) bytes);
      } catch (MemoryLimitExceededException refusal) {
        Pressure.relieve(arena, refusal);
        innermost(); // once more: a listener may have closed the context
      }
    }
  }

  // ---- several in one

  /**
   * Allocates a tensor with a copy of the elements of others, one behind the other along an axis
   * that they have, as NumPy's {@code concatenate} does.
   *
   * @param axis from 0 to {@code rank() - 1}
   * @param tensors at least one, of any contexts of this thread, or handles; of one type, with the
   *     same extents on all other axes; any may be a strided view, or empty
   * @return a contiguous tensor of the innermost open scope, whose extent on the axis is the sum of
   *     theirs
   * @throws IllegalArgumentException if there is none, if types, ranks or other extents differ, or
   *     if the sum, or the size in bytes, is not below 2<sup>63</sup>
   * @throws IndexOutOfBoundsException if there is no such axis; tensors of rank 0 have none
   * @throws MemoryLimitExceededException if a memory limit would be exceeded
   * @throws OutOfMemoryError if the system refuses memory
   * @throws IllegalStateException if a tensor is dead, or one or the context belongs to another
   *     thread, or the context is closed
   */
  public Tensor concat(int axis, Tensor... tensors) {
    return new Joined(this, "concatenate", tensors).along(axis);
  }

  /**
   * Allocates a tensor with a copy of the elements of others of the same shape, each at an index of
   * a new axis, as NumPy's {@code stack} does.
   *
   * @param axis where the new axis is, from 0 to their {@code rank()}
   * @param tensors at least one, of any contexts of this thread, or handles; of one type and shape;
   *     any may be a strided view, or empty
   * @return a contiguous tensor of the innermost open scope, of one rank more than theirs
   * @throws IllegalArgumentException if there is none, if types or shapes differ, or if the size in
   *     bytes is not below 2<sup>63</sup>
   * @throws IndexOutOfBoundsException if there can be no such axis
   * @throws MemoryLimitExceededException if a memory limit would be exceeded
   * @throws OutOfMemoryError if the system refuses memory
   * @throws IllegalStateException if a tensor is dead, or one or the context belongs to another
   *     thread, or the context is closed
   */
  public Tensor stack(int axis, Tensor... tensors) {
    return new Joined(this, "stack", tensors).alongNew(axis);
  }

  // ---- native code that allocates in the same arena

  /**
   * Returns the context's arena for native code, a {@code ta_arena *}. It is valid until the
   * context closes. Native code may use it only on the context's thread and only while Java waits
   * for the native call to return. It may allocate (Java needs no notice of that), pin, ask for
   * statistics, and rewind to marks that it took in the same call. It must not reset or destroy the
   * arena, nor set its limit. What it allocates ends with the innermost open scope and counts
   * towards the memory limit, as if Java had allocated it. But it does not take back the memory of
   * forgotten contexts before the pool refuses: {@link ChunkPool#trim} does.
   *
   * <p>Native code that is linked against {@code libtensorarena} uses the copy of the library that
   * Java has loaded if it is itself loaded later. Any other copy of the library refuses the arena.
   *
   * @return the address of the control block
   * @throws IllegalStateException if the context is closed or belongs to another thread
   */
  public long nativeHandle() {
    innermost();
    arena.expose(this);
    return arena.lentHandle();
  }

  /**
   * Makes a tensor over bytes that were allocated in this context, usually by native code. Nothing
   * is copied, and nothing more is counted towards the memory limit. The tensor lives until the
   * innermost open scope ends; that scope must not outlive the one that the bytes were allocated
   * in.
   *
   * <p>Tensors made over the same bytes do not know of each other: sharing one of them keeps the
   * bytes alive, but does not freeze the others.
   *
   * @param address where the first element lies
   * @param dtype the type of the elements
   * @param shape the shape, row-major without gaps
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if not all of its bytes lie in memory that this context has
   *     handed out and that has not ended, or if the address is not a multiple of the element's
   *     size
   * @throws IllegalStateException if the context is closed or belongs to another thread
   */
  public Tensor tensorAt(long address, DType dtype, Shape shape) {
    Scope scope = innermost();
    long bytes = dtype.byteSize(shape);
    if (address % dtype.byteSize() != 0) {
      throw new IllegalArgumentException(
          "address 0x" + Long.toHexString(address) + " is not aligned for " + dtype);
    }
    boolean isInArena = arena.chunkOf(address, bytes) != 0;
    long beside = isInArena ? 0 : Held.chunkOf(scope, address, bytes);
    if (isInArena ? Leftovers.have(scope, address, bytes) : beside == 0) {
      throw new IllegalArgumentException(
          "the "
              + bytes
              + " bytes of a "
              + dtype
              + " tensor of shape "
              + shape
              + " at address 0x"
              + Long.toHexString(address)
              + " are not all in memory that "
              + this
              + " has handed out and not ended");
    }
    Window window = Window.over(address, bytes);
    Tensor tensor =
        new Tensor(window, (int) (address - window.address), bytes, dtype, shape, scope);
    return isInArena ? tensor : tensor.beside(beside);
  }

  // ---- scopes and lifetime

  /**
   * Opens a scope inside the innermost open one: tensors that are allocated from now on die when it
   * closes.
   *
   * @return the scope
   * @throws IllegalStateException if the context is closed or belongs to another thread
   */
  public Scope scope() {
    Scope scope = new Scope(this, innermost());
    current = scope;
    return scope;
  }

  /**
   * Registers a resource that is closed when the innermost open scope ends, see {@link
   * Scope#track}.
   *
   * @param <T> the type of the resource
   * @param resource what to close
   * @return the resource
   * @throws IllegalStateException if the context is closed or belongs to another thread
   */
  public <T extends AutoCloseable> T track(T resource) {
    return innermost().track(resource);
  }

  /**
   * Ends all scopes, and with them all tensors that are not shared, and keeps at most one chunk of
   * memory, large enough for what the last cycles used. The time it takes does not depend on the
   * number of tensors, but for those that were shared.
   *
   * @throws IllegalStateException if the context is closed or belongs to another thread, or if the
   *     caller is a tracked resource that is being closed
   */
  public void reset() {
    innermost();
    Scope next = new Scope(this, Thread.currentThread());
    root().end(End.RESET, next);
  }

  /**
   * Ends all scopes, and with them all tensors that are not shared, and gives the memory back to
   * the pool of all contexts. Shared handles keep their bytes. Closing twice does nothing.
   *
   * <p>Once the context's thread has ended, any thread may close it; of several that try at the
   * same time, one does. It runs the tracked resources, and is the context's thread until this
   * method returns.
   *
   * <p>On the thread that {@linkplain #detach detached} the context last this does nothing while
   * the context is in transit or another thread's, so that a context can be detached inside {@code
   * try} with resources.
   *
   * @throws IllegalStateException if the context belongs to another thread that has not ended or
   *     that is closing it, or if the caller is a tracked resource that is being closed
   */
  @Override
  public void close() {
    if (owner == Thread.currentThread()) {
      closeOwned();
    } else {
      closeFromElsewhere(holder());
    }
  }

  private void closeFromElsewhere(Thread holder) {
    if (holder == Thread.currentThread()) { // which has attached it
      closeOwned();
      return;
    }
    boolean orphan = holder != null && !holder.isAlive();
    if (isClosed()) {
      if (orphan && released != null) {
        closeOrphan(holder); // whom an error has kept from telling
      }
    } else if (orphan || !isDetachedByMe()) {
      closeOrphan(holder); // or refuses
    }
  }

  private boolean isDetachedByMe() {
    return !(owner instanceof Thread) && ((DetachedContext) owner).from == Thread.currentThread();
  }

  /**
   * Returns the thread that has the context; null while it is in transit. Any thread. It is looked
   * for a thread first, here and elsewhere, since the end of a context that was never detached has
   * no class to load.
   */
  private Thread holder() {
    Object now = OWNER.getAcquire(this);
    return now instanceof Thread thread ? thread : ((DetachedContext) now).holder();
  }

  private void closeOwned() {
    goOn();
    if (isClosed()) {
      tellReleased(); // whom an error of another one has kept from being told
    } else {
      own(Thread.currentThread());
      root().end(End.CLOSE, null);
    }
  }

  /**
   * Closes a context whose thread has ended, on the calling thread. Of several threads that try,
   * one succeeds, and is the context's thread meanwhile. It sees all that the other one did.
   *
   * @param ended the thread, or one that lives, or null, which are refused
   */
  private void closeOrphan(Thread ended) {
    if (ended == null || ended.isAlive() || !holdInPlaceOf(ended)) {
      throw current.refusal("this context");
    }
    try {
      closeOwned();
    } finally {
      if (!isClosed()) { // a guard refused the end: whoever tries next may adopt it
        own(ended);
        if (owner instanceof Thread) {
          OWNER.setRelease(this, ended);
        } else {
          ((DetachedContext) owner).take(Thread.currentThread(), ended);
        }
      }
    }
  }

  /**
   * Has the calling thread hold the context. The owner is asked for only here, when all that the
   * ended thread did is seen: it may have detached the context before.
   */
  private boolean holdInPlaceOf(Thread ended) {
    Object now = OWNER.getAcquire(this);
    return now instanceof Thread
        ? OWNER.compareAndSet(this, ended, Thread.currentThread())
        : ((DetachedContext) now).take(ended, Thread.currentThread());
  }

  // ---- from thread to thread

  /**
   * Gives the context up, with its open scopes, tensors and tracked resources, for another thread
   * to {@linkplain DetachedContext#attach attach}. Nothing is copied; the time it takes depends on
   * how many scopes are open and how many allocations were shared.
   *
   * <p>The guards of all open scopes are closed, as at their end: segments and other views that are
   * bound to this thread end with them. What is tracked stays so, and is closed by whichever thread
   * ends its scope. From then on this thread is a stranger to the context, whose {@link #close}
   * does nothing here.
   *
   * @return the context in transit, for any thread
   * @throws RuntimeException what a guard throws to refuse; the context has not moved then
   * @throws IllegalStateException if the context is closed or belongs to another thread, if an
   *     {@code ArenaAllocator} is open in it, or if the caller is a guard or a tracked resource
   *     that is being closed
   */
  public DetachedContext detach() {
    innermost();
    StackRoom.require();
    DetachedContext moving = new DetachedContext(this);
    closeGuardsToDetach();
    moveTo(moving);
    owner = moving;
    moving.leave();
    return moving;
  }

  /** Closes the guards of all scopes, which are all asked before. */
  private void closeGuardsToDetach() {
    Scope root = root();
    root.enter(End.DETACHING);
    try {
      for (Scope each = current; each != null; each = each.parent) {
        if (each.resources != null) {
          each.resources.askBeforeDetach();
        }
      }
      root.closeGuards();
    } finally {
      root.mark(null);
    }
  }

  /** Gives all open scopes, and what is shared of them, to a thread, or to nobody for now. */
  void moveTo(Object next) {
    for (Scope each = current; each != null; each = each.parent) {
      each.moveTo(next);
    }
  }

  /**
   * Makes all that a context in transit contains part of this one: its tensors, which stay where
   * they are, and what it tracks live in the innermost open scope of this context from now on. So a
   * query's worker fills a context of its own, on its own thread, and the query takes what is in
   * it, without copying.
   *
   * <pre>{@code
   * ExecutionContext child = ExecutionContext.open(); // on a worker's thread
   * Tensor part = child.allocSlice(1f, 2f);
   * DetachedContext moving = child.detach();
   * ...
   * ctx.adopt(moving); // on the query's thread, as the part is from now on
   * float sum = part.getFloat(0) + part.getFloat(1);
   * }</pre>
   *
   * <p>The child is closed, and its open scopes become one with that scope: closing them does
   * nothing. What it used counts towards this context's memory limit, and no longer towards its
   * own. Its chunks stay charged to its budget, and go back to the pool when the scope ends. What
   * either context was to {@linkplain Builder#zeroOnRelease zero} is zeroed. Nothing is copied; the
   * time it takes depends on how many chunks the child has, how many of its scopes are open and how
   * many of its allocations were shared.
   *
   * @param child a context in transit, which stays so if this throws
   * @throws MemoryLimitExceededException if the memory limit of this context would be exceeded
   * @throws OutOfMemoryError if the heap, or the system, has no room for what this context notes
   * @throws IllegalStateException if the child was attached, adopted or closed already, if {@link
   *     #nativeHandle} has lent its memory to native code, or if this context is closed or belongs
   *     to another thread
   */
  public void adopt(DetachedContext child) {
    Objects.requireNonNull(child, "child");
    child.joinTo(innermost());
  }

  /** Closes the context, which the calling thread has just attached; or it stays in transit. */
  void closeInTransit(DetachedContext moved) {
    try {
      closeOwned();
    } finally {
      if (!isClosed()) {
        moveTo(moved);
        moved.leave();
      }
    }
  }

  /** Gives all open scopes to a thread. */
  private void own(Thread owner) {
    for (Scope each = current; each != null && each.owner != null; each = each.parent) {
      each.owner = owner;
    }
  }

  /**
   * Returns whether the context was not closed yet, or an owner of wrapped memory was not told yet
   * that it is not needed, since an error broke that off; on any thread.
   *
   * @return false once all is done
   */
  @Override
  public boolean isOpen() {
    return !isClosed() || released != null;
  }

  boolean isClosed() {
    return current.ended == End.CLOSED;
  }

  /** Gives the memory back, as the last step of the root scope's end; does nothing twice. */
  void closeArena() {
    if (watch != null) {
      watch.close(); // first: once the arena is closed, nothing of it may be reclaimed
    }
    arena.close();
  }

  /**
   * Completes the end of a scope, a reset or a close, if an error broke it off when the tensors
   * were dead already and their memory not free yet. Nothing else may be done with the context
   * before; {@link #innermost} sees to that.
   */
  void goOn() {
    Scope outermost = current;
    if (outermost.owner != null || isClosed() || holder() != Thread.currentThread()) {
      return;
    }
    while (outermost.parent != null && outermost.parent.owner == null) {
      outermost = outermost.parent;
    }
    StackRoom.require();
    outermost.finish(outermost.ended == End.RESET ? new Scope(this, Thread.currentThread()) : null);
  }

  /** Notes what has lost its last holder in an end that is not complete yet. */
  void add(Released gone) {
    gone.next = released;
    released = gone;
  }

  /** Has another context tell what this one has not told yet. */
  void handOverReleased(ExecutionContext next) {
    while (released != null) {
      Released gone = released;
      released = gone.next;
      next.add(gone);
    }
  }

  /**
   * Tells whatever ends have noted, one at a time, since it may do anything; an error leaves the
   * rest for the next end, and so does who detaches the context.
   */
  void tellReleased() {
    while (released != null && holder() == Thread.currentThread()) {
      StackRoom.requireForUsers(); // first: it is told once, and not half
      Released gone = released;
      released = gone.next;
      gone.next = null;
      gone.tell();
    }
  }

  /** Does the same, and throws what an end has to throw. */
  void tellReleased(Throwable failure) {
    Throwable all = failure;
    try {
      tellReleased();
    } catch (Throwable e) {
      all = Resources.join(failure, e);
    }
    Resources.rethrow(all);
  }

  /**
   * Does the same for an end that has a result to return: an error, or what the log throws, is
   * logged, and leaves the rest for the next end.
   */
  void tellReleasedQuietly() {
    try {
      tellReleased();
    } catch (Throwable e) {
      Released.logIfPossible("an end that keeps a result failed to tell who lent memory", e);
    }
  }

  private Scope root() {
    Scope scope = current;
    while (scope.parent != null) {
      scope = scope.parent;
    }
    return scope;
  }

  /** Returns the innermost open scope; throws on another thread than the context's. */
  Scope innermost() {
    Scope scope = current;
    return scope.owner == Thread.currentThread() ? scope : innermostAfterError(scope);
  }

  private Scope innermostAfterError(Scope seen) {
    if (seen.owner != null) {
      throw seen.refusal("this context");
    }
    goOn();
    if (current.owner != Thread.currentThread()) {
      throw new IllegalStateException(this + " is closed");
    }
    return current;
  }

  // ---- questions

  /**
   * Checks whether an allocation of this size, at the context's alignment, would exceed the
   * context's memory limit now, and throws if so. Nothing is allocated or changed.
   *
   * @param bytes the size of the allocation
   * @throws MemoryLimitExceededException if the limit would be exceeded
   * @throws IllegalArgumentException if the size is negative
   * @throws IllegalStateException if the context is closed or belongs to another thread
   */
  public void checkAllocation(long bytes) {
    innermost();
    if (bytes < 0) {
      throw new IllegalArgumentException("negative size: " + bytes + " bytes");
    }
    arena.check(bytes, arena.alignment());
  }

  /**
   * Returns statistics of the context's memory: how much it has handed out, how much it holds, and
   * the most that it has used. Any thread may ask. On the context's own they are a snapshot; on
   * another one each is a number that it had, and what native code does in a {@linkplain
   * #nativeHandle lent} arena is seen once the context's thread has used the context again.
   *
   * @return the statistics
   * @throws IllegalStateException if the context is closed
   */
  public ArenaStats arenaStats() {
    if (holder() == Thread.currentThread()) {
      innermost();
      return arena.stats();
    }
    return statsSeenFromElsewhere();
  }

  private ArenaStats statsSeenFromElsewhere() {
    ArenaStats seen = Figures.of(arena);
    VarHandle.acquireFence();
    End how = current.ended; // last: once it has ended the numbers may be another's
    if (how == End.CLOSE || how == End.CLOSED) {
      throw new IllegalStateException(this + " is closed");
    }
    return seen;
  }

  /**
   * Returns how many bytes count towards the memory limit now. Any thread may ask, as for {@link
   * #arenaStats}.
   *
   * @return bytes, as {@link ArenaStats#allocatedBytes}
   * @throws IllegalStateException if the context is closed
   */
  public long memoryUsage() {
    if (holder() == Thread.currentThread()) {
      innermost();
      return arena.charged();
    }
    return statsSeenFromElsewhere().allocatedBytes();
  }

  /**
   * Returns the memory limit.
   *
   * @return bytes, or empty if there is none
   */
  public OptionalLong memoryLimit() {
    long limit = arena.memoryLimit();
    return limit == NativeArena.UNLIMITED ? OptionalLong.empty() : OptionalLong.of(limit);
  }

  /**
   * Returns a number that no other context of this class loader's library has.
   *
   * @return a number from 1 on; contexts get their numbers in the order in which they are first
   *     asked
   */
  public long executionId() {
    return arena.id();
  }

  /**
   * Returns when the context was opened.
   *
   * @return the time of the system's last clock tick before that, so it may be some milliseconds
   *     early
   */
  public Instant createdAt() {
    return Instant.ofEpochMilli(arena.openedMillis);
  }

  /**
   * Returns the name given to the builder.
   *
   * @return the name, or empty
   */
  public Optional<String> name() {
    return Optional.ofNullable(arena.name);
  }

  @Override
  public String toString() {
    return arena.label();
  }

  // ---- for the rest of the package

  Arena arena() {
    return arena;
  }

  int alignmentOf(DType dtype) {
    return Math.max(arena.alignment(), dtype.byteSize());
  }
}
