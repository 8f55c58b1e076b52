package dev.tensorarena;

import java.lang.ref.Reference;
import java.util.Arrays;

/**
 * The fields of a tensor's handle, the check that every use of a tensor begins with, and the
 * arithmetic from indices to bytes. A handle has no native object of its own: it is an offset in a
 * window, a shape, and a reference to what ends it.
 */
abstract sealed class TensorState permits Tensor {
  /** Changed once only, with the offset, for a handle that nobody has yet: {@link #place}. */
  Window window;

  /** Where element 0 is, in bytes from the window's start. */
  int offset;

  /**
   * How many elements can be reached through the window: all of them, or 0 if they span 2 GiB or
   * more.
   */
  final int length;

  final DType dtype;
  final Shape shape;

  /** In elements; null when row-major without gaps. */
  final long[] strides;

  /** The handle that this one is a view of and lives as long as; null if this is no view. */
  private final Tensor origin;

  /** The scope that ends this tensor; null for shared handles and their views. */
  final Scope scope;

  /** The state shared by all holders of the bytes; null until the first share, and in views. */
  SharedAllocation shared;

  TensorState(
      Window window,
      int offset,
      int length,
      DType dtype,
      Shape shape,
      long[] strides,
      Tensor origin,
      Scope scope) {
    this.window = window;
    this.offset = offset;
    this.length = length;
    this.dtype = dtype;
    this.shape = shape;
    this.strides = strides;
    this.origin = origin;
    this.scope = scope;
  }

  /**
   * Has a handle that nobody was given yet, and that was made while there was heap, be elsewhere.
   */
  final void place(Window window, int offset) {
    this.window = window;
    this.offset = offset;
  }

  /**
   * Returns the handle that this is a view of, which may be a shared one; this itself if it is no
   * view.
   */
  final Tensor origin() {
    return origin == null ? (Tensor) this : origin;
  }

  // ---- the checks before each use

  /**
   * Checks that the tensor is alive and on its own thread; every public method that touches it
   * calls this first. Returns what must stay reachable until the access is done, so that the leak
   * detector does not reclaim the memory meanwhile: the scope, or null for a shared handle, whose
   * memory is never reclaimed.
   *
   * @throws IllegalStateException if the tensor is dead or another thread's
   */
  final Object use() {
    Object living = living();
    if (window.isForeign()) {
      askForeign();
    }
    return living;
  }

  /** Asks the wrapped memory, and then whether that has ended this tensor. */
  private void askForeign() {
    if (window.isGone()) {
      throw gone();
    }
    living();
  }

  /**
   * Checks as {@link #use()} does, but asks no wrapped memory. To be called last where another
   * tensor's memory was asked since: the user's code may have ended anything.
   */
  final Object living() {
    Scope living = scope;
    if (living != null
        ? living.owner != Thread.currentThread()
        : ((SharedTensor) origin()).isClosed()) {
      throw refusal();
    }
    return living;
  }

  /**
   * Checks, as {@link #use()} does, and also that the tensor may be written.
   *
   * @throws IllegalStateException also if the tensor is frozen, or parts of it are open
   */
  final Object useToWrite() {
    Object living = use();
    requireWritable();
    return living;
  }

  private void requireWritable() {
    if (isFrozen()) {
      throw frozen();
    }
  }

  private IllegalStateException frozen() {
    Tensor own = origin();
    String open = scope == null ? "" : own.shared.openParts(own);
    return new IllegalStateException(
        this
            + (!open.isEmpty()
                ? " is frozen while parts of it are open: " + open
                : " is frozen: it was shared, or wraps read-only memory; mutable(ctx) gives a tensor"
                    + " that can be written"));
  }

  /** Does {@link #living()}, and checks that the tensor may be written. */
  final void livingToWrite() {
    living();
    requireWritable();
  }

  /**
   * Returns whether the elements cannot be written: from the first share on, but for the handle
   * that {@code mutable} returned last, and while parts of it are open. Reads plain fields, so that
   * asking costs nothing.
   */
  final boolean isFrozen() {
    if (scope == null) {
      return true; // of a shared handle; its other fields may have been published by a data race
    }
    Tensor own = origin();
    SharedAllocation state = own.shared;
    return state != null && !state.isWriter(own);
  }

  private IllegalStateException refusal() {
    return scope != null
        ? scope.refusal(describe())
        : new IllegalStateException(describe() + " is dead: its shared handle was released");
  }

  /** Returns the exception for a shared handle that was alive at the gate. */
  final IllegalStateException releasedMeanwhile() {
    return new IllegalStateException(
        describe() + " is dead: its shared handle was released by another thread meanwhile");
  }

  private IllegalStateException gone() {
    return new IllegalStateException(
        describe() + " is dead: the memory that it wraps has gone away: " + window.foreign.memory);
  }

  /** Returns the type and the shape, for messages. */
  final String describe() {
    return describe(dtype, shape);
  }

  static String describe(DType dtype, Shape shape) {
    return dtype + " tensor of shape " + shape;
  }

  // ---- bytes

  final long start() {
    return window.address + offset;
  }

  final long byteCount() {
    return dtype.byteSize(shape);
  }

  /** Bytes from the first element to the last, gaps included. */
  final long spannedBytes() {
    return strides == null ? byteCount() : Strides.extent(shape, strides) << dtype.shift;
  }

  // ---- from indices to elements, counted from the offset

  final int place(long flat) {
    if (flat < 0 || flat >= length) {
      throw outside(flat);
    }
    return strides == null ? (int) flat : (int) Strides.place(shape, strides, flat);
  }

  private RuntimeException outside(long flat) {
    return flat >= 0 && flat < shape.numElements()
        ? pastReach()
        : new IndexOutOfBoundsException("index " + flat + " of a " + describe());
  }

  /** Returns the exception for elements that a ByteBuffer cannot reach. */
  final IllegalStateException pastReach() {
    return new IllegalStateException(
        describe()
            + " spans "
            + spannedBytes()
            + " bytes, more than a ByteBuffer reaches;"
            + " Segments.of in the module dev.tensorarena.ffm (JDK 22+) gives access to them");
  }

  final int place1(long i) {
    if (shape.rank() != 1) {
      throw wrongRank(i);
    }
    checkAxis(0, i);
    return reached(strides == null ? i : i * strides[0]);
  }

  final int place2(long i, long j) {
    if (shape.rank() != 2) {
      throw wrongRank(i, j);
    }
    checkAxis(0, i);
    checkAxis(1, j);
    return reached(strides == null ? i * shape.extent(1) + j : i * strides[0] + j * strides[1]);
  }

  final int place3(long i, long j, long k) {
    if (shape.rank() != 3) {
      throw wrongRank(i, j, k);
    }
    checkAxis(0, i);
    checkAxis(1, j);
    checkAxis(2, k);
    return reached(
        strides == null
            ? (i * shape.extent(1) + j) * shape.extent(2) + k
            : i * strides[0] + j * strides[1] + k * strides[2]);
  }

  final int placeOf(long... index) {
    if (shape.rank() != index.length) {
      throw wrongRank(index);
    }
    long place = 0;
    for (int axis = 0; axis < index.length; axis++) {
      long i = index[axis]; // once: another thread may write to the caller's array
      checkAxis(axis, i);
      place = strides == null ? place * shape.extent(axis) + i : place + i * strides[axis];
    }
    return reached(place);
  }

  private int reached(long place) {
    if (length == 0) {
      throw pastReach(); // the index is valid, so the tensor is not empty
    }
    return (int) place;
  }

  private void checkAxis(int axis, long index) {
    if (index < 0 || index >= shape.extent(axis)) {
      throw new IndexOutOfBoundsException(
          "index " + index + " on axis " + axis + " of a " + describe());
    }
  }

  private IllegalArgumentException wrongRank(long... index) {
    return new IllegalArgumentException(
        index.length + " indices " + Arrays.toString(index) + " for a " + describe());
  }

  // ---- reading and writing; "living" is what use() or useToWrite() returned

  final float readFloat(Object living, int place) {
    float value;
    if (dtype == DType.FLOAT32) {
      value = window.bytes.getFloat(offset + (place << 2));
    } else {
      require(dtype.isHalf(), "float");
      value = HalfFloats.toFloat(dtype, window.bytes.getShort(offset + (place << 1)));
    }
    Reference.reachabilityFence(living);
    return value;
  }

  final void writeFloat(Object living, int place, float value) {
    if (dtype == DType.FLOAT32) {
      window.bytes.putFloat(offset + (place << 2), value);
    } else {
      require(dtype.isHalf(), "float");
      window.bytes.putShort(offset + (place << 1), HalfFloats.fromFloat(dtype, value));
    }
    Reference.reachabilityFence(living);
  }

  final double readDouble(Object living, int place) {
    require(dtype == DType.FLOAT64, "double");
    double value = window.bytes.getDouble(offset + (place << 3));
    Reference.reachabilityFence(living);
    return value;
  }

  final void writeDouble(Object living, int place, double value) {
    require(dtype == DType.FLOAT64, "double");
    window.bytes.putDouble(offset + (place << 3), value);
    Reference.reachabilityFence(living);
  }

  final long readLong(Object living, int place) {
    require(dtype == DType.INT64, "long");
    long value = window.bytes.getLong(offset + (place << 3));
    Reference.reachabilityFence(living);
    return value;
  }

  final void writeLong(Object living, int place, long value) {
    require(dtype == DType.INT64, "long");
    window.bytes.putLong(offset + (place << 3), value);
    Reference.reachabilityFence(living);
  }

  final int readInt(Object living, int place) {
    require(dtype == DType.INT32, "int");
    int value = window.bytes.getInt(offset + (place << 2));
    Reference.reachabilityFence(living);
    return value;
  }

  final void writeInt(Object living, int place, int value) {
    require(dtype == DType.INT32, "int");
    window.bytes.putInt(offset + (place << 2), value);
    Reference.reachabilityFence(living);
  }

  final short readShort(Object living, int place) {
    require(dtype == DType.INT16, "short");
    short value = window.bytes.getShort(offset + (place << 1));
    Reference.reachabilityFence(living);
    return value;
  }

  final void writeShort(Object living, int place, short value) {
    require(dtype == DType.INT16, "short");
    window.bytes.putShort(offset + (place << 1), value);
    Reference.reachabilityFence(living);
  }

  final byte readByte(Object living, int place) {
    require(dtype == DType.INT8 || dtype == DType.UINT8, "byte");
    byte value = window.bytes.get(offset + place);
    Reference.reachabilityFence(living);
    return value;
  }

  final void writeByte(Object living, int place, byte value) {
    require(dtype == DType.INT8 || dtype == DType.UINT8, "byte");
    window.bytes.put(offset + place, value);
    Reference.reachabilityFence(living);
  }

  final boolean readBoolean(Object living, int place) {
    require(dtype == DType.BOOL, "boolean");
    boolean value = window.bytes.get(offset + place) != 0;
    Reference.reachabilityFence(living);
    return value;
  }

  final void writeBoolean(Object living, int place, boolean value) {
    require(dtype == DType.BOOL, "boolean");
    window.bytes.put(offset + place, (byte) (value ? 1 : 0));
    Reference.reachabilityFence(living);
  }

  final void require(boolean matches, String asked) {
    if (!matches) {
      throw new IllegalArgumentException(describe() + " cannot be accessed as " + asked);
    }
  }
}
