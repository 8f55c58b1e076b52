package dev.tensorarena;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;

/**
 * A stretch of native memory that is seen through one direct buffer in native byte order: a slab, a
 * part of a large one, or a user's buffer. Tensors are offsets in it. Immutable, any thread.
 *
 * <p>The typed buffers over a slab's window are made once, so that copying an array into a tensor
 * makes no garbage; a user's buffer may be misaligned for them and has none.
 */
final class Window {
  /** The JDK's segments make no larger buffers. */
  private static final int MAX_FOREIGN_PART = Integer.MAX_VALUE - 8;

  static {
    // The JIT inlines no method while a class in its signature is unloaded. The accessors of
    // buffers have methods below them that name a class of the JDK which nobody may have loaded:
    // then whatever is compiled calls for every element, ten times as slow, and stays so. Which
    // class depends on the JDK; to list the methods loads those that they name.
    Buffer.class.getDeclaredMethods();
  }

  final ByteBuffer bytes;
  final int size;
  final long address;

  /** Addresses up to this distance belong to this window and not to the next. */
  final long span;

  /** What the window looks at, if it is not an arena's. */
  final ForeignMemory foreign;

  /** Where the foreign memory begins. */
  private final long foreignStart;

  final FloatBuffer floats;
  final DoubleBuffer doubles;
  final LongBuffer longs;
  final IntBuffer ints;
  final ShortBuffer shorts;

  private Window(ByteBuffer bytes, long address, long span, ForeignMemory foreign, long offset) {
    boolean typed = foreign == null;
    this.bytes = bytes;
    this.size = bytes.capacity();
    this.address = address;
    this.span = span;
    this.foreign = foreign;
    this.foreignStart = address - offset;
    this.floats = typed ? bytes.asFloatBuffer() : null;
    this.doubles = typed ? bytes.asDoubleBuffer() : null;
    this.longs = typed ? bytes.asLongBuffer() : null;
    this.ints = typed ? bytes.asIntBuffer() : null;
    this.shorts = typed ? bytes.asShortBuffer() : null;
  }

  /** Over memory of the arenas. */
  static Window over(long address, long bytes, long span) {
    ByteBuffer view = NativeArena.view(address, bytes);
    if (view == null) {
      throw new OutOfMemoryError(
          "the JVM refused a direct buffer of " + bytes + " bytes over arena memory");
    }
    return new Window(view.order(ByteOrder.nativeOrder()), address, span, null, 0);
  }

  /**
   * Over foreign memory from an offset on, as far as a buffer reaches.
   *
   * @throws IllegalArgumentException if that memory gives no such part
   */
  static Window onto(ForeignMemory foreign, long offset) {
    int most = foreign instanceof DirectBuffer ? Integer.MAX_VALUE : MAX_FOREIGN_PART;
    int length = (int) Math.min(foreign.byteSize() - offset, most);
    ByteBuffer part = foreign.part(offset, length);
    if (!part.isDirect() || part.remaining() != length) {
      throw new IllegalArgumentException(
          "not a direct buffer over " + length + " bytes at " + offset + ": " + part);
    }
    ByteBuffer view = part.slice().order(ByteOrder.nativeOrder());
    return new Window(view, NativeArena.bufferAddress(view), length, foreign, offset);
  }

  /**
   * This window if so many bytes from an address on can be seen through it, or another one onto the
   * same memory; past 2 GiB, where no buffer reaches, one that begins at or before the address.
   */
  Window seeing(long at, long size) {
    if (reaches(at, size)) {
      return this;
    }
    return foreign == null ? Slabs.windowFor(at, size) : onto(foreign, at - foreignStart);
  }

  /** The index in {@link #longs} of an aligned address. */
  int wordOf(long at) {
    return (int) (at - address) >> 3;
  }

  boolean isForeign() {
    return foreign != null;
  }

  /** Whether what the window looks at has gone away. */
  boolean isGone() {
    return foreign != null && !foreign.isAlive();
  }

  /** Whether an address lies in this window; its end does, too, for empty tensors. */
  boolean owns(long at) {
    return Long.compareUnsigned(at - address, span) <= 0;
  }

  /** Whether so many bytes from the address on can be seen through this window. */
  boolean covers(long at, long size) {
    return owns(at) && size <= this.size - (at - address);
  }

  /** Whether they can be seen through this window, also where the next one owns the address. */
  boolean reaches(long at, long size) {
    return at >= address && size <= this.size - (at - address);
  }

  ByteBuffer bytesAt(int offset, int length) {
    return bytes.slice(offset, length).order(ByteOrder.nativeOrder());
  }

  FloatBuffer floatsAt(int offset, int count) {
    return floats != null
        ? floats.slice(offset >> 2, count)
        : bytesAt(offset, count << 2).asFloatBuffer();
  }

  DoubleBuffer doublesAt(int offset, int count) {
    return doubles != null
        ? doubles.slice(offset >> 3, count)
        : bytesAt(offset, count << 3).asDoubleBuffer();
  }

  LongBuffer longsAt(int offset, int count) {
    return longs != null
        ? longs.slice(offset >> 3, count)
        : bytesAt(offset, count << 3).asLongBuffer();
  }

  IntBuffer intsAt(int offset, int count) {
    return ints != null
        ? ints.slice(offset >> 2, count)
        : bytesAt(offset, count << 2).asIntBuffer();
  }

  ShortBuffer shortsAt(int offset, int count) {
    return shorts != null
        ? shorts.slice(offset >> 1, count)
        : bytesAt(offset, count << 1).asShortBuffer();
  }
}
