package dev.tensorarena;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.function.Supplier;

/**
 * The memory of one query, batch, request or task: allocates tensors at the cost of a pointer bump
 * and gives all of it back at once.
 *
 * <pre>{@code
 * try (ExecutionContext ctx = ExecutionContext.open()) {
 *   Tensor a = ctx.allocSlice(1f, 2f, 3f);
 *   Tensor b = ctx.empty(DType.FLOAT32, 1000, 384);
 *   queue.put(b.share()); // the next stage closes it
 * }
 * }</pre>
 *
 * <p><b>Threads.</b> A context belongs to the thread that opened it, virtual threads included, and
 * so do its scopes and its tensors; using them from another thread throws {@link
 * IllegalStateException}. {@link Tensor#share()} is how a tensor leaves. {@link #executionId},
 * {@link #createdAt}, {@link #name}, {@link #memoryLimit} and {@code toString} may be called from
 * any thread.
 *
 * <p><b>Lifetimes.</b> Tensors die when the {@link #scope() scope} they were allocated in closes;
 * the root scope ends with {@link #reset()} and {@link #close()}. Memory handed out stays
 * accessible until the process ends, so that nothing stale can crash the JVM.
 *
 * <p><b>Errors.</b> Past the memory limit {@link MemoryLimitExceededException}, when the system
 * refuses memory {@link OutOfMemoryError}; the context is usable after both. (The limit of a
 * container is different: the kernel kills on first touch, and no allocator can catch that.)
 */
public final class ExecutionContext extends NativeFactory implements AutoCloseable {
  private static final AtomicLong IDS = new AtomicLong();
  private static final AtomicLongFieldUpdater<ExecutionContext> ID =
      AtomicLongFieldUpdater.newUpdater(ExecutionContext.class, "id");
  private static final int DEFAULT_ALIGNMENT = 64;
  private static final int MAX_ALIGNMENT = 4096;

  private final Arena arena;

  /** 0 until it is asked for: else threads that open contexts would all meet in the counter. */
  private volatile long id;

  private final long createdAtMillis;
  private final String name;
  private final int alignment;
  private final Thread owner = Thread.currentThread();

  /** The innermost open scope; the ended root once the context is closed. */
  private Scope current;

  private Scope root;
  private LeakDetector.Watch watch;
  private int tickets;

  private ExecutionContext(Builder builder) {
    name = builder.name;
    alignment = builder.alignment;
    arena = Arena.open(builder.capacity, builder.memoryLimit, builder.flags);
    createdAtMillis = arena.openedMillis();
    tickets = arena.draw();
    root = new Scope(this, owner);
    current = root;
    if (LeakDetector.watches(tickets)) {
      Arena memory = arena;
      watch = LeakDetector.watchContext(this, () -> reclaim(memory));
    }
  }

  private static String reclaim(Arena memory) {
    if (memory.isExposed()) {
      return "its memory is lost, since raw views or addresses of it were given out";
    }
    memory.close();
    return "its memory was reclaimed, but for chunks that shared tensors pin";
  }

  /**
   * Opens a context without capacity, limit or name.
   *
   * @return a context of the calling thread
   * @throws OutOfMemoryError if the system refuses memory
   */
  public static ExecutionContext open() {
    return new ExecutionContext(Builder.DEFAULTS);
  }

  /**
   * Opens a context whose first chunk holds at least so much.
   *
   * @param bytes the capacity
   * @return a context of the calling thread
   * @throws IllegalArgumentException if it is negative or above 2<sup>46</sup>
   * @throws OutOfMemoryError if the system refuses memory
   */
  public static ExecutionContext withCapacity(long bytes) {
    return builder().capacity(bytes).open();
  }

  /**
   * Opens a context that hands out at most so much at a time.
   *
   * @param bytes the limit
   * @return a context of the calling thread
   * @throws IllegalArgumentException if it is negative
   * @throws OutOfMemoryError if the system refuses memory
   */
  public static ExecutionContext withMemoryLimit(long bytes) {
    return builder().memoryLimit(bytes).open();
  }

  /**
   * All that can be chosen about a context.
   *
   * @return a builder with the defaults
   */
  public static Builder builder() {
    return new Builder();
  }

  /** Chooses how a context is opened. Not for several threads at once. */
  public static final class Builder {
    private static final Builder DEFAULTS = new Builder();
    private static final long MAX_CAPACITY = 1L << 46;

    private long capacity;
    private long memoryLimit = NativeArena.UNLIMITED;
    private int alignment = DEFAULT_ALIGNMENT;
    private int flags;
    private String name;

    private Builder() {}

    /**
     * The first chunk holds at least so much. Taken with the first allocation, not before.
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
     * The most that the context hands out at a time, to the byte: padding counts, and so does what
     * shared handles keep below them from being used again.
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
     * What the addresses of tensors are multiples of; never less than the element's size.
     *
     * @param bytes a power of two from 1 to 4096; 64 by default
     * @return this builder
     * @throws IllegalArgumentException if it is not
     */
    public Builder alignment(int bytes) {
      alignment = checkAlignment(bytes);
      return this;
    }

    /**
     * A name for messages.
     *
     * @param name the name
     * @return this builder
     */
    public Builder name(String name) {
      this.name = Objects.requireNonNull(name, "name");
      return this;
    }

    /**
     * Whether chunks lie on huge pages, where the system has them: faster for large contexts, but
     * the first byte touched costs 2 MiB.
     *
     * @param on off by default
     * @return this builder
     */
    public Builder hugePages(boolean on) {
      return flag(NativeArena.HUGE_PAGES, on);
    }

    /**
     * Whether the bytes of ended tensors are overwritten with zeros, for secrets: by the end of the
     * scope, the reset or the close that ends them, and the bytes of shared tensors by the last
     * release, on whichever thread. So no other context ever finds them in its memory.
     *
     * <p>An end then costs the time to write the bytes once more, in place of a constant. What a
     * shared tensor pins keeps the ended tensors below it in its chunk, too: they are zeroed with
     * it, or by the next end that finds it released, at the latest when the chunk leaves the
     * context. Copies elsewhere are not the context's: heap arrays, wrapped buffers, files, tensors
     * of other contexts, pages that the system swapped out. A context that is never closed, and
     * whose memory leak detection cannot reclaim, is not zeroed, but nobody else gets its memory
     * either.
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
     * @throws OutOfMemoryError if the system refuses memory
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

  @Override
  public Tensor empty(DType dtype, Shape shape) {
    Scope scope = innermost();
    long bytes = dtype.byteSize(shape);
    long start = arena.allocate(bytes, alignmentOf(dtype));
    Window window = arena.window();
    return new Tensor(window, (int) (start - window.address), bytes, dtype, shape, scope);
  }

  /**
   * A tensor over a direct buffer, position to limit, which must hold exactly its bytes in native
   * order. Nothing is copied or charged; the buffer stays reachable as long as the tensor is. Over
   * a read-only buffer the tensor is frozen.
   *
   * @param direct a direct buffer; its position is unmoved
   * @param dtype the type of the elements
   * @param shape the shape
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the buffer is not direct or its length does not match
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public Tensor wrap(ByteBuffer direct, DType dtype, Shape shape) {
    Scope scope = innermost();
    if (!direct.isDirect()) {
      throw new IllegalArgumentException("not a direct buffer: " + direct);
    }
    return wrap(scope, new DirectBuffer(direct), dtype, shape);
  }

  /**
   * A tensor over memory that is not this library's and may be larger than a buffer, which must
   * hold exactly its bytes in native order. Nothing is copied or charged. The tensor ends with its
   * scope or with the memory, whichever is first; the memory stays reachable as long as the tensor
   * and its shares are. Where the memory is read-only the tensor is frozen.
   *
   * @param memory what to wrap
   * @param dtype the type of the elements
   * @param shape the shape
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if the size of the memory does not match
   * @throws IllegalStateException if the memory has gone, or the context is closed, or on another
   *     thread
   */
  public Tensor wrap(ForeignMemory memory, DType dtype, Shape shape) {
    return wrap(innermost(), memory, dtype, shape);
  }

  private static Tensor wrap(Scope scope, ForeignMemory memory, DType dtype, Shape shape) {
    long bytes = dtype.byteSize(shape);
    if (bytes != memory.byteSize()) {
      throw new IllegalArgumentException(
          dtype
              + " of shape "
              + shape
              + " has "
              + bytes
              + " bytes, but "
              + memory
              + " has "
              + memory.byteSize()
              + " bytes");
    }
    if (!memory.isAlive()) {
      throw new IllegalStateException("the memory to wrap has gone: " + memory);
    }
    Window window = Window.onto(memory, 0);
    long reached = window.reaches(window.address, bytes) ? bytes : Long.MAX_VALUE;
    Tensor tensor = new Tensor(window, 0, reached, dtype, shape, scope);
    if (tensor.window.bytes.isReadOnly()) {
      tensor.freeze();
    }
    return tensor;
  }

  /**
   * Raw room, uninitialised, in native order. The buffer may be used until the innermost open scope
   * ends; afterwards it cannot crash the JVM, but its bytes are unspecified and may be another
   * tensor's.
   *
   * @param bytes how many, up to {@code Integer.MAX_VALUE}
   * @param alignment a power of two from 1 to 4096
   * @return a direct buffer of exactly these bytes
   * @throws IllegalArgumentException if a number is out of range
   * @throws MemoryLimitExceededException if a limit would be passed
   * @throws OutOfMemoryError if the system refuses memory
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public ByteBuffer allocate(long bytes, int alignment) {
    innermost();
    if (bytes < 0 || bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          bytes + " bytes do not fit a ByteBuffer (0 .. " + Integer.MAX_VALUE + ")");
    }
    long start = arena.allocate(bytes, checkAlignment(alignment));
    arena.expose();
    Window window = arena.window();
    return window.bytesAt((int) (start - window.address), (int) bytes);
  }

  // ---- scopes and lifetime

  /**
   * Opens a scope inside the innermost open one: what is allocated from now on dies when it closes.
   *
   * @return the scope
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public Scope scope() {
    Scope scope = new Scope(this, innermost());
    current = scope;
    return scope;
  }

  /**
   * Has a resource closed when the innermost open scope ends, see {@link Scope#track}.
   *
   * @param <T> the type of the resource
   * @param resource what to close
   * @return the resource
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public <T extends AutoCloseable> T track(T resource) {
    return innermost().track(resource);
  }

  /**
   * Ends all scopes, and with them all tensors that are not shared, and keeps the memory for the
   * next cycle. Costs the same whatever the number of tensors.
   *
   * @throws IllegalStateException if the context is closed, on another thread, or from a tracked
   *     resource that is being closed
   */
  public void reset() {
    innermost();
    Scope next = new Scope(this, owner);
    Throwable failure = endAll("its context was reset");
    root = next;
    current = next;
    arena.reset();
    Resources.rethrow(failure);
  }

  /**
   * Ends all scopes, and with them all tensors that are not shared, and gives the memory back.
   * Shared handles keep their bytes. Closing twice does nothing.
   *
   * @throws IllegalStateException on another thread, or from a tracked resource that is being
   *     closed
   */
  @Override
  public void close() {
    if (root.owner == null) {
      return;
    }
    innermost();
    Throwable failure = endAll("its context was closed");
    arena.close();
    if (watch != null) {
      watch.close();
    }
    Resources.rethrow(failure);
  }

  private Throwable endAll(String reason) {
    checkNoneClosing(root);
    return root.end(reason, endInside(root, reason, null));
  }

  /**
   * Refuses to end a scope from within the end of one inside it: a resource's close() asks that.
   */
  void checkNoneClosing(Scope outermost) {
    for (Scope scope = current; scope != null; scope = scope == outermost ? null : scope.parent) {
      if (scope.isClosing()) {
        throw new IllegalStateException(
            this + " cannot be ended by a resource that it is closing at this moment");
      }
    }
  }

  /** Ends the scopes inside this one, innermost first. */
  Throwable endInside(Scope outer, String reason, Throwable earlier) {
    Throwable failure = earlier;
    while (current != outer) {
      failure = current.end(reason, failure);
    }
    return failure;
  }

  /** Whether nothing was opened inside a scope. */
  boolean isInnermost(Scope scope) {
    return current == scope;
  }

  /** A scope has ended. */
  void leave(Scope scope) {
    current = scope.parent == null ? scope : scope.parent;
  }

  /** The innermost open scope, for its own thread. */
  @Override
  Scope innermost() {
    Scope scope = current;
    if (scope.owner != Thread.currentThread()) {
      throw root.owner == null
          ? new IllegalStateException(this + " is closed")
          : scope.refusal("this context");
    }
    return scope;
  }

  // ---- questions

  /**
   * Throws if an allocation of so many bytes, at the context's alignment, would pass the context's
   * memory limit now; changes nothing.
   *
   * @param bytes how many
   * @throws MemoryLimitExceededException if it would
   * @throws IllegalArgumentException if it is negative
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public void checkAllocation(long bytes) {
    innermost();
    if (bytes < 0) {
      throw new IllegalArgumentException("negative size: " + bytes + " bytes");
    }
    arena.check(bytes, alignment);
  }

  /**
   * How the context's memory stands.
   *
   * @return a snapshot
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public ArenaStats arenaStats() {
    innermost();
    return arena.stats();
  }

  /**
   * What the memory limit counts now.
   *
   * @return bytes, as {@link ArenaStats#allocatedBytes}
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public long memoryUsage() {
    innermost();
    return arena.charged();
  }

  /**
   * The memory limit.
   *
   * @return bytes, or empty if there is none
   */
  public OptionalLong memoryLimit() {
    long limit = arena.memoryLimit();
    return limit == NativeArena.UNLIMITED ? OptionalLong.empty() : OptionalLong.of(limit);
  }

  /**
   * A number that no other context of this process has.
   *
   * @return counted from 1, in the order in which contexts are asked for it the first time
   */
  public long executionId() {
    if (id == 0) {
      ID.compareAndSet(this, 0, IDS.incrementAndGet());
    }
    return id;
  }

  /**
   * When the context was opened.
   *
   * @return by the system's last clock tick, so some milliseconds early
   */
  public Instant createdAt() {
    return Instant.ofEpochMilli(createdAtMillis);
  }

  /**
   * The name given to the builder.
   *
   * @return the name, or empty
   */
  public Optional<String> name() {
    return Optional.ofNullable(name);
  }

  @Override
  public String toString() {
    return label().get();
  }

  /** The words of {@code toString}, without a reference to the context. */
  Supplier<String> label() {
    long number = executionId();
    String called = name;
    return () -> "ExecutionContext " + number + (called == null ? "" : " (" + called + ")");
  }

  // ---- for the rest of the package

  @Override
  Arena arena() {
    return arena;
  }

  int alignmentOf(DType dtype) {
    return Math.max(alignment, dtype.byteSize());
  }

  /** Counts first shares, for the sampling of leak detection. */
  int nextTicket() {
    return ++tickets;
  }
}
