package dev.tensorarena;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Copying, filling and comparing of whole tensors, by the bits of their elements. Callers have
 * checked that the tensors may be used, and keep them reachable.
 */
final class Bulk {
  /** Zeros to copy from; few enough to stay in a core's cache. */
  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(32 << 10);

  /** The number of elements that a fill writes one by one before it copies what it has written. */
  private static final int FILL_BLOCK = 256;

  /** The size of the parts in which foreign memory is copied; for each part there is a window. */
  private static final long PART = 1L << 30;

  /** In bytes; foreign memory is compared by copies of blocks of this size. */
  private static final int BLOCK = 16 << 10;

  private Bulk() {}

  static void zero(Tensor tensor) {
    if (tensor.length == 0) {
      zeroPastReach(tensor);
      return;
    }
    ByteBuffer bytes = tensor.window.bytes;
    int all = tensor.length << tensor.dtype.shift;
    for (int done = 0, next; done < all; done += next) {
      next = Math.min(ZEROS.capacity(), all - done);
      bytes.put(tensor.offset + done, ZEROS, 0, next);
    }
  }

  private static void zeroPastReach(Tensor tensor) {
    long end = tensor.start() + tensor.byteCount();
    long zeros = NativeArena.bufferAddress(ZEROS);
    for (long at = tensor.start(); at < end; at += ZEROS.capacity()) {
      NativeArena.move(ZEROS, zeros, tensor, at, Math.min(ZEROS.capacity(), end - at));
    }
  }

  /** Sets every element to the lowest bits of a word. */
  static void fill(Tensor tensor, long bits) {
    int shift = tensor.dtype.shift;
    ByteBuffer bytes = tensor.window.bytes;
    if (tensor.strides != null) {
      for (int i = 0; i < tensor.length; i++) {
        put(bytes, tensor.offset + (tensor.place(i) << shift), shift, bits);
      }
      return;
    }
    int first = Math.min(tensor.length, FILL_BLOCK);
    for (int i = 0; i < first; i++) {
      put(bytes, tensor.offset + (i << shift), shift, bits);
    }
    int done = first << shift;
    int all = tensor.length << shift;
    while (done < all) {
      int next = Math.min(done, all - done);
      bytes.put(tensor.offset + done, bytes, tensor.offset, next);
      done += next;
    }
  }

  /** Copies between tensors of the same type and shape; they may overlap. */
  static void copy(Tensor from, Tensor to) {
    if (from.strides == null && to.strides == null) {
      copyGapless(from, to);
      return;
    }
    from.requireReach();
    to.requireReach();
    Shape shape = from.shape;
    int shift = from.dtype.shift;
    long[] gapless = Strides.rowMajor(shape);
    long[] source = from.strides == null ? gapless : from.strides;
    long[] target = to.strides == null ? gapless : to.strides;
    ByteBuffer sourceBytes = from.window.bytes;
    ByteBuffer targetBytes = to.window.bytes;
    if (overlap(from, to)) {
      // Whatever the order, an element could be overwritten before it is read.
      ByteBuffer aside = ByteBuffer.allocate(from.length << shift).order(sourceBytes.order());
      copyRows(shape, shift, sourceBytes, from.offset, source, aside, 0, gapless);
      copyRows(shape, shift, aside, 0, gapless, targetBytes, to.offset, target);
    } else {
      copyRows(shape, shift, sourceBytes, from.offset, source, targetBytes, to.offset, target);
    }
  }

  private static void copyGapless(Tensor from, Tensor to) {
    long size = from.byteCount();
    if (from.length != 0 && to.length != 0) {
      to.window.bytes.put(to.offset, from.window.bytes, from.offset, (int) size);
    } else if (from.window.isForeign() || to.window.isForeign()) {
      copyForeign(from, to, size, PART);
    } else {
      NativeArena.move(from, from.start(), to, to.start(), size);
    }
  }

  /**
   * Copies in parts through buffers, which refuse access once foreign memory has gone away. Where
   * the target lies above the source, the last part is copied first, since they may overlap.
   */
  static void copyForeign(Tensor from, Tensor to, long size, long part) {
    boolean backwards = to.start() > from.start();
    long parts = (size + part - 1) / part;
    for (long i = 0; i < parts; i++) {
      long done = part * (backwards ? parts - 1 - i : i);
      int next = (int) Math.min(part, size - done);
      Window source = from.window.seeing(from.start() + done, next);
      Window target = to.window.seeing(to.start() + done, next);
      from.living(); // foreign memory was asked for its parts, and may have ended anything
      to.livingToWrite();
      target.bytes.put(
          (int) (to.start() + done - target.address),
          source.bytes,
          (int) (from.start() + done - source.address),
          next);
    }
  }

  private static boolean overlap(Tensor a, Tensor b) {
    return a.start() < b.start() + b.spannedBytes() && b.start() < a.start() + a.spannedBytes();
  }

  /**
   * Copies element by element, row by row along the last axis; there is one, and it is not empty.
   */
  private static void copyRows(
      Shape shape,
      int shift,
      ByteBuffer from,
      int fromOffset,
      long[] fromStrides,
      ByteBuffer to,
      int toOffset,
      long[] toStrides) {
    int last = shape.rank() - 1;
    int rowLength = (int) shape.extent(last);
    int fromStep = (int) fromStrides[last] << shift;
    int toStep = (int) toStrides[last] << shift;
    for (long first = 0; first < shape.numElements(); first += rowLength) {
      int source = fromOffset + ((int) Strides.place(shape, fromStrides, first) << shift);
      int target = toOffset + ((int) Strides.place(shape, toStrides, first) << shift);
      for (int i = 0; i < rowLength; i++) {
        put(to, target + i * toStep, shift, get(from, source + i * fromStep, shift));
      }
    }
  }

  /**
   * Returns the row-major index of the first element that differs, or -1; the tensors have the same
   * type and shape.
   */
  static long mismatch(Tensor a, Tensor b) {
    a.requireReach();
    b.requireReach();
    int first = a.strides == null && b.strides == null ? firstOtherBits(a, b) : 0;
    if (first < 0) {
      return -1;
    }
    for (int i = first; i < a.length; i++) {
      if (element(a, i) != element(b, i)) {
        return i;
      }
    }
    return -1;
  }

  /** Returns before which element all bits are the same; -1 if all are. */
  private static int firstOtherBits(Tensor a, Tensor b) {
    int shift = a.dtype.shift;
    int size = a.length << shift;
    int at =
        a.window.isForeign() || b.window.isForeign()
            ? firstOtherByteOfCopies(a, b, size)
            : a.window.bytesAt(a.offset, size).mismatch(b.window.bytesAt(b.offset, size));
    return at < 0 ? -1 : at >> shift;
  }

  /**
   * Compares copies of contiguous tensors: what compares two buffers in the JDK crashes the JVM
   * where a mapped file was cut short, and what copies from a buffer throws {@link InternalError}.
   */
  private static int firstOtherByteOfCopies(Tensor a, Tensor b, int size) {
    byte[] left = new byte[Math.min(size, BLOCK)];
    byte[] right = new byte[left.length];
    for (int done = 0, next; done < size; done += next) {
      next = Math.min(left.length, size - done);
      a.window.get(a.offset + done, left, 0, next);
      b.window.get(b.offset + done, right, 0, next);
      int at = Arrays.mismatch(left, 0, next, right, 0, next);
      if (at >= 0) {
        return done + at;
      }
    }
    return -1;
  }

  /** Returns an element's bits; of a BOOL whether it is true, which many bytes are. */
  private static long element(Tensor tensor, int i) {
    int shift = tensor.dtype.shift;
    long bits = get(tensor.window.bytes, tensor.offset + (tensor.place(i) << shift), shift);
    return tensor.dtype == DType.BOOL && bits != 0 ? 1 : bits;
  }

  private static long get(ByteBuffer bytes, int at, int shift) {
    switch (shift) {
      case 0:
        return bytes.get(at);
      case 1:
        return bytes.getShort(at);
      case 2:
        // Unsigned: where a mapped file was cut short, HotSpot cannot skip the instruction that
        // reads an int and extends its sign (movslq), and crashes.
        return bytes.getInt(at) & 0xffff_ffffL;
      default:
        return bytes.getLong(at);
    }
  }

  private static void put(ByteBuffer bytes, int at, int shift, long bits) {
    switch (shift) {
      case 0:
        bytes.put(at, (byte) bits);
        break;
      case 1:
        bytes.putShort(at, (short) bits);
        break;
      case 2:
        bytes.putInt(at, (int) bits);
        break;
      default:
        bytes.putLong(at, bits);
    }
  }
}
