package dev.tensorarena;

import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.Function;

/**
 * An n-dimensional array in native memory: a type, a shape and an address. The handle is small and
 * the garbage collector's; the bytes are the arena's.
 *
 * <p><b>Lifetime.</b> A tensor made by an {@link ExecutionContext} dies when its {@link Scope}
 * ends, when the context is reset, or when it is closed. A {@link SharedTensor} lives until it is
 * closed, and views live as long as their source. Every method of a dead tensor throws {@link
 * IllegalStateException} with what ended it, but for {@code dtype}, {@code shape}, {@code isAlive},
 * {@code toString}, {@code equals} and {@code hashCode}.
 *
 * <p><b>Threads.</b> A tensor that is not shared is for its context's thread alone; {@link
 * #share()} is how it leaves.
 *
 * <p><b>Freezing.</b> From the first {@code share()} on, nobody writes: setters throw and raw views
 * come back read-only, whatever other holders do later. {@link #mutable} is the only way back.
 *
 * <p>Two handles are equal only if they are the same; {@link #contentEquals} compares contents.
 */
public sealed class Tensor extends TensorValues permits SharedTensor {

  /** A new allocation of its own, of so many bytes. */
  Tensor(Window window, int offset, long bytes, DType dtype, Shape shape, Scope scope) {
    super(
        window,
        offset,
        bytes <= Integer.MAX_VALUE ? (int) shape.numElements() : 0,
        dtype,
        shape,
        null,
        null,
        scope);
  }

  /** A view of another tensor. */
  private Tensor(
      Window window, int offset, int length, Shape shape, long[] strides, Tensor source) {
    super(window, offset, length, source.dtype, shape, strides, source.origin(), source.scope);
  }

  /** Another handle of the same elements, living in a scope. */
  private Tensor(Tensor source, Scope scope) {
    super(
        source.window,
        source.offset,
        source.length,
        source.dtype,
        source.shape,
        source.strides,
        null,
        scope);
  }

  /** Another handle of the same elements, living by itself. */
  Tensor(Tensor source) {
    this(source, null);
  }

  // ---- description

  /**
   * The type of the elements; also of a dead tensor.
   *
   * @return the type
   */
  public final DType dtype() {
    return dtype;
  }

  /**
   * The extents of the axes; also of a dead tensor.
   *
   * @return the shape
   */
  public final Shape shape() {
    return shape;
  }

  /**
   * Whether the tensor may still be used, by its own thread.
   *
   * @return false once its scope has ended, its handle was released, or the memory that it wraps
   *     has gone
   */
  public final boolean isAlive() {
    return (scope != null ? scope.owner != null : !((SharedTensor) origin()).isClosed())
        && !window.isGone();
  }

  /**
   * The number of axes.
   *
   * @return 0 for a scalar
   */
  public final int rank() {
    use();
    return shape.rank();
  }

  /**
   * The number of elements.
   *
   * @return the product of the extents
   */
  public final long size() {
    use();
    return shape.numElements();
  }

  /**
   * The size of the elements.
   *
   * @return bytes, without the gaps of a strided view
   */
  public final long byteSize() {
    use();
    return byteCount();
  }

  /**
   * Whether there are no elements.
   *
   * @return true if an extent is 0
   */
  public final boolean isEmpty() {
    use();
    return shape.numElements() == 0;
  }

  /**
   * The distance between neighbours on an axis.
   *
   * @param axis from 0 to {@code rank() - 1}
   * @return in elements
   * @throws IndexOutOfBoundsException if there is no such axis
   */
  public final long stride(int axis) {
    use();
    shape.dim(axis);
    return strides == null ? Strides.rowMajor(shape)[axis] : strides[axis];
  }

  /**
   * Whether the elements lie in row-major order without gaps.
   *
   * @return false for a strided view
   */
  public final boolean isContiguous() {
    use();
    return strides == null;
  }

  /**
   * Whether setters work.
   *
   * @return false for a frozen tensor
   */
  public final boolean isWritable() {
    use();
    return !isFrozen();
  }

  /**
   * Where element 0 lies, for native code. Valid as long as the tensor is alive.
   *
   * @return an absolute address, aligned and not 0 even if the tensor is empty
   */
  public final long address() {
    use();
    origin().expose();
    return start();
  }

  /**
   * Where and how the elements lie, in one answer: for code that hands tensors to native code, or
   * looks at their bytes by other means than a buffer. Passes the gate once and makes no garbage
   * where the answer is taken apart at once.
   *
   * @return address, size and state as they are now
   * @throws IllegalStateException also for a strided view: {@code contiguous(ctx)} first
   */
  public final TensorMemory memory() {
    use();
    requireGapless();
    origin().expose();
    return new TensorMemory(start(), byteCount(), !isFrozen(), window.foreign);
  }

  // ---- views

  /**
   * The same elements in row-major order under another shape.
   *
   * @param shape a shape with as many elements
   * @return a view; nothing is copied
   * @throws IllegalArgumentException if the number of elements differs
   * @throws IllegalStateException also for a strided view: {@code contiguous(ctx)} first
   */
  public final Tensor reshape(Shape shape) {
    use();
    if (shape.numElements() != this.shape.numElements()) {
      throw new IllegalArgumentException(
          "a "
              + describe()
              + " cannot be reshaped to "
              + shape
              + ": "
              + this.shape.numElements()
              + " elements are not "
              + shape.numElements());
    }
    requireGapless();
    return new Tensor(window, offset, length, shape, null, this);
  }

  /**
   * A range of an axis.
   *
   * @param axis from 0 to {@code rank() - 1}
   * @param from the first index, inclusive
   * @param to the last index, exclusive
   * @return a view of the same rank; nothing is copied
   * @throws IndexOutOfBoundsException if there is no such axis or range
   */
  public final Tensor slice(int axis, long from, long to) {
    use();
    long extent = shape.dim(axis);
    if (from < 0 || to < from || to > extent) {
      throw new IndexOutOfBoundsException(
          "range " + from + " to " + to + " on axis " + axis + " of a " + describe());
    }
    long[] dims = shape.toArray();
    dims[axis] = to - from;
    long[] steps = steps();
    return view(Shape.owning(dims), steps, from * steps[axis]);
  }

  /**
   * One index of an axis, which is dropped.
   *
   * @param axis from 0 to {@code rank() - 1}
   * @param index from 0 to {@code shape().dim(axis) - 1}
   * @return a view of one rank less; nothing is copied
   * @throws IndexOutOfBoundsException if there is no such axis or index
   */
  public final Tensor select(int axis, long index) {
    use();
    long extent = shape.dim(axis);
    if (index < 0 || index >= extent) {
      throw new IndexOutOfBoundsException(
          "index " + index + " on axis " + axis + " of a " + describe());
    }
    long[] steps = steps();
    return view(
        Shape.owning(without(shape.toArray(), axis)), without(steps, axis), index * steps[axis]);
  }

  /**
   * The axes in another order.
   *
   * @param axes the old axis of each new one; none reverses them all
   * @return a view; nothing is copied
   * @throws IllegalArgumentException if these are not all axes, each once
   */
  public final Tensor transpose(int... axes) {
    use();
    int rank = shape.rank();
    int[] order = axes.length == 0 ? reversed(rank) : axes;
    long[] dims = new long[rank];
    long[] reordered = new long[rank];
    long[] steps = steps();
    boolean[] seen = new boolean[rank];
    for (int i = 0; i < order.length; i++) {
      int axis = order[i];
      if (order.length != rank || axis < 0 || axis >= rank || seen[axis]) {
        throw new IllegalArgumentException(
            "axes " + Arrays.toString(axes) + " are not an order of the axes of a " + describe());
      }
      seen[axis] = true;
      dims[i] = shape.extent(axis);
      reordered[i] = steps[axis];
    }
    return view(Shape.owning(dims), reordered, 0);
  }

  private static int[] reversed(int rank) {
    int[] order = new int[rank];
    for (int i = 0; i < rank; i++) {
      order[i] = rank - 1 - i;
    }
    return order;
  }

  private static long[] without(long[] values, int axis) {
    long[] rest = new long[values.length - 1];
    System.arraycopy(values, 0, rest, 0, axis);
    System.arraycopy(values, axis + 1, rest, axis, rest.length - axis);
    return rest;
  }

  private long[] steps() {
    return strides == null ? Strides.rowMajor(shape) : strides;
  }

  private Tensor view(Shape shape, long[] steps, long first) {
    // An empty view has no element to point at; its source's start will do.
    long start = start() + (shape.numElements() == 0 ? 0 : first << dtype.shift);
    long[] strides = Strides.normalised(shape, steps);
    long extent = strides == null ? shape.numElements() : Strides.extent(shape, strides);
    long bytes = extent << dtype.shift;
    // A part of what no buffer reaches may be within reach.
    Window seen = window.seeing(start, bytes);
    int length = seen.reaches(start, bytes) ? (int) shape.numElements() : 0;
    return new Tensor(seen, (int) (start - seen.address), length, shape, strides, this);
  }

  // ---- copies

  /**
   * This tensor if it is contiguous, else a contiguous copy.
   *
   * @param ctx where a copy is allocated; a context of the calling thread
   * @return a contiguous tensor
   * @throws MemoryLimitExceededException if a limit would be passed
   * @throws OutOfMemoryError if the system refuses memory
   */
  public final Tensor contiguous(ExecutionContext ctx) {
    use();
    ctx.innermost();
    return strides == null ? this : copy(ctx);
  }

  /**
   * A contiguous, writable copy.
   *
   * @param ctx where it is allocated; a context of the calling thread
   * @return a tensor of the context's innermost open scope
   * @throws MemoryLimitExceededException if a limit would be passed
   * @throws OutOfMemoryError if the system refuses memory
   */
  public final Tensor copy(ExecutionContext ctx) {
    Object living = use();
    if (strides != null) {
      requireReach();
    }
    Tensor copy = ctx.empty(dtype, shape);
    Bulk.copy(this, copy);
    Reference.reachabilityFence(living);
    return copy;
  }

  // ---- lifetimes

  /**
   * Another holder of the same bytes, which keeps them past scope, reset and close, on any thread,
   * until it is closed. O(1): nothing is copied and nothing waits. From the first share on, the
   * bytes are frozen.
   *
   * @return the handle; to be closed
   */
  public final SharedTensor share() {
    use();
    SharedTensor handle = newHolder();
    if (handle == null) {
      throw new IllegalStateException(
          describe() + " is dead: its shared handle was released by another thread meanwhile");
    }
    return handle;
  }

  /**
   * As {@link #share()}, but for a tensor that may be dead by now, as in a cache that evicts: null
   * instead of an exception. Several threads may try on one handle while another closes it.
   *
   * @return the handle, or null if the tensor is dead
   * @throws IllegalStateException for a tensor of another thread's context
   */
  public final SharedTensor tryShare() {
    if (!isAlive()) {
      return null;
    }
    if (scope != null) {
      return share();
    }
    SharedTensor handle = newHolder();
    if (handle != null && ((SharedTensor) origin()).isClosedMeanwhile()) {
      handle.close(); // mutable() may have made the bytes writable before they were held again
      return null;
    }
    return handle;
  }

  private SharedTensor newHolder() {
    Pin shared = origin().pin;
    if (shared == null) {
      shared = origin().beginSharing();
    }
    Resources watch = shared.watchesNext() ? LeakDetector.watchShare(this) : null;
    // The handle before the count, so that running out of heap leaks no pin.
    SharedTensor handle = new SharedTensor(this, shared, watch);
    if (!shared.tryRetain()) {
      handle.unwatch();
      return null;
    }
    if (scope != null) { // what a handle holds is frozen, unless mutable() has just consumed it
      shared.freeze();
    }
    return handle;
  }

  /** Before the first share: the scope will let go of the allocation when it ends. */
  private Pin beginSharing() {
    Pin shared = new Pin(scope.context);
    shared.thaw(this);
    shared.begin(start(), byteCount());
    pin = shared;
    scope.add(shared);
    return shared;
  }

  /**
   * A writable tensor of the context with these elements: the same bytes when nobody else holds
   * them, otherwise a private copy. A shared handle is consumed by it. A tensor of the context that
   * is not frozen is returned as it is. The original handle holds its bytes until its scope ends,
   * so that before that a shared handle always gives a copy. Of several writable tensors over the
   * same bytes only the last one stays writable.
   *
   * @param ctx where the result lives; a context of the calling thread
   * @return a writable tensor of the context
   * @throws MemoryLimitExceededException if a copy would pass a limit; nothing has changed then
   * @throws OutOfMemoryError if the system refuses memory; nothing has changed then
   */
  public final Tensor mutable(ExecutionContext ctx) {
    use();
    Scope target = ctx.innermost();
    boolean ours = scope != null && scope.context == ctx;
    if (ours && !isFrozen()) {
      return this;
    }
    Pin shared = origin().pin;
    boolean alone = shared != null && shared.isSoleHolder() && !window.bytes.isReadOnly();
    if (this instanceof SharedTensor) {
      return consume(ctx, target, alone);
    }
    return ours && alone ? new Tensor(this, scope).thawed(shared) : copy(ctx);
  }

  /** Becomes the one handle that may write bytes that were shared before. */
  private Tensor thawed(Pin shared) {
    pin = shared;
    shared.thaw(this);
    return this;
  }

  private Tensor consume(ExecutionContext ctx, Scope target, boolean alone) {
    SharedTensor handle = (SharedTensor) this;
    Tensor tensor = alone ? new Tensor(this, target) : null;
    if (alone) {
      handle.closeGuards(); // one of them may take a hold
    }
    if (tensor == null || !handle.claim()) {
      Tensor copy = copy(ctx);
      handle.close();
      return copy;
    }
    target.add(pin); // the handle's hold is the scope's from now on
    tensor.thawed(pin);
    Resources.rethrow(handle.closeResources());
    return tensor;
  }

  /**
   * Has a resource closed when this tensor's scope ends, or when the shared handle that it is, or
   * is a view of, is released. The last tracked is closed first, each even when another throws.
   *
   * @param <T> the type of the resource
   * @param resource what to close
   * @return the resource
   */
  public final <T extends AutoCloseable> T track(T resource) {
    use();
    Objects.requireNonNull(resource, "resource");
    if (scope != null) {
      return scope.track(resource);
    }
    ((SharedTensor) origin()).add(resource);
    return resource;
  }

  /**
   * The guard of a class for this tensor's lifetime, its scope's; made when there is none. For a
   * shared handle and its views the lifetime is the handle's, and the guard is closed on the thread
   * that releases the handle.
   *
   * @param <T> the class of the guard
   * @param type the class of the guard, exactly
   * @param maker makes a new one for this tensor, which it must not use yet
   * @return the one guard of this class until the lifetime ends
   * @throws IllegalArgumentException if what is made is of another class, or guards something else
   */
  public final <T extends Guard> T guard(
      Class<T> type, Function<? super Tensor, ? extends T> maker) {
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(maker, "maker");
    use();
    return scope != null
        ? scope.guard(type, maker, this)
        : ((SharedTensor) origin()).guarded(type, maker, this);
  }

  // ---- for scopes

  /** Whether this tensor's life ends with the scope's. */
  final boolean endsWith(Scope ending) {
    for (Scope outer = scope; outer != null; outer = outer.parent) {
      if (outer == ending) {
        return true;
      }
    }
    return false;
  }

  final boolean wasShared() {
    return origin().pin != null;
  }

  /** A handle of the same elements at another place, in another scope. */
  final Tensor movedTo(Window window, int offset, Scope scope, Pin pin) {
    Tensor moved = new Tensor(window, offset, byteCount(), dtype, shape, scope);
    moved.pin = pin;
    return moved;
  }

  /** Nobody may write: a wrapped buffer is read-only. */
  final void freeze() {
    beginSharing().freeze();
  }

  /** A raw view or an address leaves. */
  final void expose() {
    if (scope != null) {
      scope.context.arena().expose();
    } else {
      pin.expose();
    }
  }

  // ---- objects

  @Override
  public final boolean equals(Object other) {
    return this == other;
  }

  @Override
  public final int hashCode() {
    return System.identityHashCode(this);
  }

  /** Type, shape and state, never the contents; also of a dead tensor and on any thread. */
  @Override
  public final String toString() {
    return describe()
        + (this instanceof SharedTensor ? ", shared" : "")
        + (strides == null ? "" : ", strides " + Arrays.toString(strides))
        + (isAlive() ? "" : ", dead");
  }
}
