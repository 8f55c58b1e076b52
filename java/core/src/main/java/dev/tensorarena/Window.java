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
 * A range of native memory that is accessed through one direct buffer in native byte order: a slab,
 * a part of a large slab, or a part of memory that is not an arena's. A tensor is an offset in a
 * window. Windows are immutable and may be used by any thread.
 *
 * <p>A buffer reaches less than 2 GiB. Larger slabs have a window that begins at every GiB and
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
 * <p>Three verbs are used here. A window {@linkplain #reaches reaches} the bytes that can be
 * accessed through it. A window is found or made {@linkplain #over over} bytes of an arena or of
 * foreign memory. And {@linkplain #seeing seeing} bytes is this window if it reaches them, or else
 * another one on the same memory.
 *
 * <p>A slab is never unmapped, so a window over it stays valid for ever, and the list of windows
 * only grows. The typed buffers over a slab are made once, so that copying an array into a tensor
 * makes no garbage. A window on foreign memory has none of them, because such memory may not be
 * aligned for them.
 */
final class Window {
  /** The distance between the windows of a large slab. */
  private static final long STEP = 1L << 30;

  /** The windows over all slabs that were needed so far. */
  private static volatile Window[] slabs = new Window[0];

  static {
    // The JIT does not inline a method while a class in its signature is not loaded. The accessors
    // of buffers call internal methods that name a class of the JDK which may not be loaded yet.
    // Loops compiled before it is loaded make a call for every element, which is ten times as
    // slow, and stay like that. Which class it is depends on the JDK; listing the methods loads
    // all classes that they name.
    Buffer.class.getDeclaredMethods();
  }

  final ByteBuffer bytes;
  final int size;
  final long address;

  /** The block that the window is on, if it is not an arena's memory; else null. */
  final ForeignBlock foreign;

  /** What would remain of the arenas whose control blocks lie here; null on foreign memory. */
  final Remains.Table remains;

  final FloatBuffer floats;
  final DoubleBuffer doubles;
  final LongBuffer longs;
  final IntBuffer ints;
  final ShortBuffer shorts;

  /** What holds the memory for raw views; null where nobody needs to, or can. */
  private final CountedMemory.RawViews views;

  /**
   * Makes a window over all of a buffer in native order.
   *
   * @param address where the buffer begins
   */
  Window(ByteBuffer bytes, long address, ForeignBlock foreign, CountedMemory.RawViews views) {
    boolean typed = foreign == null;
    this.bytes = bytes;
    this.size = bytes.capacity();
    this.address = address;
    this.foreign = foreign;
    this.views = views;
    this.remains = typed ? new Remains.Table() : null;
    this.floats = typed ? bytes.asFloatBuffer() : null;
    this.doubles = typed ? bytes.asDoubleBuffer() : null;
    this.longs = typed ? bytes.asLongBuffer() : null;
    this.ints = typed ? bytes.asIntBuffer() : null;
    this.shorts = typed ? bytes.asShortBuffer() : null;
  }

  // ---- which window

  /** Returns whether all bytes of this range can be accessed through this window. */
  boolean reaches(long at, long size) {
    return at >= address && size <= this.size - (at - address);
  }

  /**
   * Returns this window if it reaches all bytes of a range, or else another one on the same memory.
   * If the range is too large for a buffer, the result reaches its first bytes.
   *
   * @throws OutOfMemoryError if the JVM refuses the buffer
   */
  Window seeing(long at, long size) {
    if (reaches(at, size)) {
      return this;
    }
    return foreign == null ? over(at, size) : foreign.windowAt(at);
  }

  /**
   * Returns a window over bytes of an arena. If the range is too large for a buffer, the result
   * reaches its first bytes; the elements of such tensors are read through segments.
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

  /** Returns such a window if there is one already, else null; makes nothing. */
  static Window known(long at, long size) {
    for (Window window : slabs) {
      if (window.reaches(at, size)) {
        return window;
      }
    }
    return null;
  }

  /** Returns the listed window that begins at the slab's GiB in which an address lies. */
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
        return window; // another thread made it meanwhile, or it does not reach the whole range
      }
    }
    Window window = justOver(start, Math.min(slab + size - start, Integer.MAX_VALUE));
    Window[] grown = Arrays.copyOf(slabs, slabs.length + 1);
    grown[slabs.length] = window;
    slabs = grown;
    return window;
  }

  /** Returns a new window over exactly these bytes, which is not listed. */
  static Window justOver(long at, long size) {
    ByteBuffer view = NativeArena.view(at, size);
    if (view == null) {
      throw new OutOfMemoryError(
          "the JVM refused a direct buffer of " + size + " bytes over arena memory");
    }
    return new Window(view.order(ByteOrder.nativeOrder()), at, null, null);
  }

  /** Takes back the memory of all arenas that are known to be unreachable; any thread. */
  static void takeBackForgotten() {
    for (Window window : slabs) {
      window.remains.takeBackAll();
    }
  }

  boolean isForeign() {
    return foreign != null;
  }

  /** Returns whether the foreign memory that the window is on has gone away. */
  boolean isGone() {
    return foreign != null && foreign.isGone();
  }

  /** Returns whether the memory stays as long as it is held. */
  boolean isPinnable() {
    return foreign == null || foreign.isPinnable();
  }

  /** Notes that a raw view of the bytes is about to be given out. */
  void expose() {
    if (views != null) {
      views.hold();
    }
  }

  // ---- parts, by their offset in bytes and their number of elements

  /** Returns the index in {@link #longs} of an aligned address. */
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
