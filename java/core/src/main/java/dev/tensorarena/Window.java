package dev.tensorarena;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.Arrays;

/**
 * A stretch of native memory that is seen through one direct buffer in native byte order: a slab, a
 * part of a large one, or a part of memory that is not an arena's. Tensors are offsets in it.
 * Immutable, any thread.
 *
 * <p>A buffer reaches less than 2 GiB. Larger slabs have a window at every GiB, each of which
 * reaches nearly two, so that whatever is not larger than a GiB lies whole in one of them:
 *
 * <pre>
 *   slab      |        |        |        |   |      a stroke at every GiB
 *   windows   |----------------|
 *                      |----------------|
 *                               |------------|
 *                                        |---|
 * </pre>
 *
 * <p>Three verbs: a window {@linkplain #reaches reaches} bytes that can be seen through it; one is
 * laid {@linkplain #over over} bytes of the arenas, or of foreign memory; and of two windows on the
 * same memory the one is taken that is {@linkplain #seeing seeing} certain bytes.
 *
 * <p>A slab is never unmapped, so a window over it stays valid for ever, and the list of them only
 * grows. The typed buffers over a slab are made once, so that copying an array into a tensor makes
 * no garbage; foreign memory may be misaligned for them and has none.
 */
final class Window {
  /** The distance between the windows of a large slab. */
  private static final long STEP = 1L << 30;

  /** The JDK's segments make no larger buffers. */
  private static final int MAX_FOREIGN_PART = Integer.MAX_VALUE - 8;

  /** Over all slabs that this process has met. */
  private static volatile Window[] slabs = new Window[0];

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

  /** What the window looks at, if it is not an arena's. */
  final ForeignMemory foreign;

  /** Where the foreign memory begins. */
  private final long foreignStart;

  final FloatBuffer floats;
  final DoubleBuffer doubles;
  final LongBuffer longs;
  final IntBuffer ints;
  final ShortBuffer shorts;

  private Window(ByteBuffer bytes, long address, ForeignMemory foreign, long offset) {
    boolean typed = foreign == null;
    this.bytes = bytes;
    this.size = bytes.capacity();
    this.address = address;
    this.foreign = foreign;
    this.foreignStart = address - offset;
    this.floats = typed ? bytes.asFloatBuffer() : null;
    this.doubles = typed ? bytes.asDoubleBuffer() : null;
    this.longs = typed ? bytes.asLongBuffer() : null;
    this.ints = typed ? bytes.asIntBuffer() : null;
    this.shorts = typed ? bytes.asShortBuffer() : null;
  }

  /** The memory of a user's direct buffer, from its position to its limit when it was wrapped. */
  record DirectBuffer(ByteBuffer bytes) implements ForeignMemory {
    /** Takes a buffer of its own. */
    DirectBuffer {
      bytes = bytes.slice();
    }

    @Override
    public long byteSize() {
      return bytes.capacity();
    }

    @Override
    public ByteBuffer part(long offset, int length) {
      return bytes.slice((int) offset, length);
    }

    @Override
    public String toString() {
      return bytes.toString();
    }
  }

  // ---- which window

  /** Whether so many bytes from an address on can be seen through this window. */
  boolean reaches(long at, long size) {
    return at >= address && size <= this.size - (at - address);
  }

  /**
   * This window if it reaches so many bytes from an address on, or else another one onto the same
   * memory; past 2 GiB, where no buffer reaches, one that begins at or before the address.
   *
   * @throws OutOfMemoryError if the JVM refuses the buffer
   */
  Window seeing(long at, long size) {
    if (reaches(at, size)) {
      return this;
    }
    return foreign == null ? over(at, size) : over(foreign, at - foreignStart);
  }

  /**
   * A window over bytes of the arenas; past 2 GiB, where no buffer reaches, over the first of them:
   * such tensors are for segments.
   *
   * @throws OutOfMemoryError if the JVM refuses the buffer
   */
  static Window over(long at, long size) {
    Window window = known(at, size);
    if (window != null) {
      return window;
    }
    window = overSlab(at);
    return window.reaches(at, size) || size > Integer.MAX_VALUE ? window : justOver(at, size);
  }

  /** The same if there is one already, else null; asks the JVM for nothing. */
  static Window known(long at, long size) {
    for (Window window : slabs) {
      if (window.reaches(at, size)) {
        return window;
      }
    }
    return null;
  }

  /** The window of the slab's GiB in which an address lies. */
  private static synchronized Window overSlab(long at) {
    // An empty tensor may lie right behind the last byte of its slab.
    long slab = NativeArena.slabAt(at);
    if (slab == 0) {
      slab = NativeArena.slabAt(at - 1);
    }
    if (slab == 0) {
      throw new IllegalStateException(
          "address 0x"
              + Long.toHexString(at)
              + " lies in no slab of this library: has native code written to the control block?");
    }
    long size = NativeArena.slabBytes(slab);
    long start = size <= Integer.MAX_VALUE ? slab : slab + (at - slab) / STEP * STEP;
    for (Window window : slabs) {
      if (window.address == start) {
        return window; // another thread was first, or it does not reach as far as was asked for
      }
    }
    Window window = justOver(start, Math.min(slab + size - start, Integer.MAX_VALUE));
    Window[] grown = Arrays.copyOf(slabs, slabs.length + 1);
    grown[slabs.length] = window;
    slabs = grown;
    return window;
  }

  /** A window over these bytes and no others, which is not listed. */
  static Window justOver(long at, long size) {
    ByteBuffer view = NativeArena.view(at, size);
    if (view == null) {
      throw new OutOfMemoryError(
          "the JVM refused a direct buffer of " + size + " bytes over arena memory");
    }
    return new Window(view.order(ByteOrder.nativeOrder()), at, null, 0);
  }

  /**
   * A window over foreign memory from an offset on, as far as a buffer reaches.
   *
   * @throws IllegalArgumentException if that memory gives no such part
   */
  static Window over(ForeignMemory foreign, long offset) {
    int most = foreign instanceof DirectBuffer ? Integer.MAX_VALUE : MAX_FOREIGN_PART;
    int length = (int) Math.min(foreign.byteSize() - offset, most);
    ByteBuffer part = foreign.part(offset, length);
    if (!part.isDirect() || part.remaining() != length) {
      throw new IllegalArgumentException(
          "not a direct buffer over " + length + " bytes at " + offset + ": " + part);
    }
    ByteBuffer view = part.slice().order(ByteOrder.nativeOrder());
    return new Window(view, NativeArena.bufferAddress(view), foreign, offset);
  }

  boolean isForeign() {
    return foreign != null;
  }

  /** Whether what the window looks at has gone away. */
  boolean isGone() {
    return foreign != null && !foreign.isAlive();
  }

  // ---- parts, by their offset in bytes and their elements

  /** The index in {@link #longs} of an aligned address. */
  int wordOf(long at) {
    return (int) (at - address) >> 3;
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

  // ---- copies from and to a part of an array, without garbage where there are typed buffers

  void put(int offset, float[] from, int start, int count) {
    if (floats == null) {
      floatsAt(offset, count).put(0, from, start, count);
    } else {
      floats.put(offset >> 2, from, start, count);
    }
  }

  void get(int offset, float[] to, int start, int count) {
    if (floats == null) {
      floatsAt(offset, count).get(0, to, start, count);
    } else {
      floats.get(offset >> 2, to, start, count);
    }
  }

  void put(int offset, double[] from, int start, int count) {
    if (doubles == null) {
      doublesAt(offset, count).put(0, from, start, count);
    } else {
      doubles.put(offset >> 3, from, start, count);
    }
  }

  void get(int offset, double[] to, int start, int count) {
    if (doubles == null) {
      doublesAt(offset, count).get(0, to, start, count);
    } else {
      doubles.get(offset >> 3, to, start, count);
    }
  }

  void put(int offset, long[] from, int start, int count) {
    if (longs == null) {
      longsAt(offset, count).put(0, from, start, count);
    } else {
      longs.put(offset >> 3, from, start, count);
    }
  }

  void get(int offset, long[] to, int start, int count) {
    if (longs == null) {
      longsAt(offset, count).get(0, to, start, count);
    } else {
      longs.get(offset >> 3, to, start, count);
    }
  }

  void put(int offset, int[] from, int start, int count) {
    if (ints == null) {
      intsAt(offset, count).put(0, from, start, count);
    } else {
      ints.put(offset >> 2, from, start, count);
    }
  }

  void get(int offset, int[] to, int start, int count) {
    if (ints == null) {
      intsAt(offset, count).get(0, to, start, count);
    } else {
      ints.get(offset >> 2, to, start, count);
    }
  }

  void put(int offset, short[] from, int start, int count) {
    if (shorts == null) {
      shortsAt(offset, count).put(0, from, start, count);
    } else {
      shorts.put(offset >> 1, from, start, count);
    }
  }

  void get(int offset, short[] to, int start, int count) {
    if (shorts == null) {
      shortsAt(offset, count).get(0, to, start, count);
    } else {
      shorts.get(offset >> 1, to, start, count);
    }
  }

  void put(int offset, byte[] from, int start, int count) {
    bytes.put(offset, from, start, count);
  }

  void get(int offset, byte[] to, int start, int count) {
    bytes.get(offset, to, start, count);
  }
}
