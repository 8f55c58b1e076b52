package dev.tensorarena;

import java.util.Arrays;

/**
 * The windows over all slabs that this process has met. A slab is never unmapped, so a window stays
 * valid for ever and the list only grows. Slabs past 2 GiB are seen through windows that begin
 * every GiB and reach nearly two, so that whatever is not larger than a GiB lies whole in one of
 * them.
 */
final class Slabs {
  private static final long STEP = 1L << 30;

  private static volatile Window[] windows = new Window[0];

  private Slabs() {}

  /**
   * The window that owns an address of arena memory.
   *
   * @throws OutOfMemoryError if the JVM refuses the buffer
   */
  static Window windowOf(long address) {
    Window window = find(address);
    return window == null ? map(address) : window;
  }

  /** The window that owns the address, or null if there is none yet; asks the JVM for nothing. */
  static Window find(long address) {
    for (Window window : windows) {
      if (window.owns(address)) {
        return window;
      }
    }
    return null;
  }

  /**
   * A window through which so many bytes from an address on can be seen; past 2 GiB, where no
   * buffer reaches, the one that owns the address: such tensors are for segments.
   *
   * @throws OutOfMemoryError if the JVM refuses the buffer
   */
  static Window windowFor(long address, long bytes) {
    Window window = windowOf(address);
    return window.covers(address, bytes) || bytes > Integer.MAX_VALUE
        ? window
        : Window.over(address, bytes, bytes);
  }

  private static synchronized Window map(long address) {
    Window earlier = find(address);
    if (earlier != null) {
      return earlier; // another thread was first
    }
    // An empty tensor may lie right behind the last byte of its slab.
    long slab = NativeArena.slabAt(address);
    if (slab == 0) {
      slab = NativeArena.slabAt(address - 1);
    }
    if (slab == 0) {
      throw new IllegalStateException(
          "address 0x"
              + Long.toHexString(address)
              + " lies in no slab of this library: has native code written to the control block?");
    }
    long size = NativeArena.slabBytes(slab);
    Window window;
    if (size <= Integer.MAX_VALUE) {
      window = Window.over(slab, size, size);
    } else {
      long start = slab + (address - slab) / STEP * STEP;
      long rest = slab + size - start;
      window = Window.over(start, Math.min(rest, Integer.MAX_VALUE), Math.min(rest, STEP - 1));
    }
    Window[] grown = Arrays.copyOf(windows, windows.length + 1);
    grown[windows.length] = window;
    windows = grown;
    return window;
  }
}
