package dev.tensorarena.jna;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import dev.tensorarena.ChunkPool;

/**
 * The functions of {@code tensorarena.h}, word for word; {@code size_t} is 64 bits wide wherever
 * the library runs. Structs are passed as words, laid out by {@link ArenaLayout}.
 *
 * <p>They are mapped directly, and return numbers: such a call asks for no heap, neither before C
 * is reached nor after it, when what C has given would be lost. Where a call through a {@link
 * Library} returns a pointer, it makes an object of it.
 */
final class ArenaLibrary {
  /**
   * TA_ABI_VERSION of the header that this class was written after; like {@link ArenaLayout} not
   * taken from the core, so that one that has moved on is noticed.
   */
  static final int ABI_VERSION = 2;

  static {
    register();
  }

  private ArenaLibrary() {}

  static native int ta_abi_version();

  static native int ta_arena_create(int abiVersion, long[] options, long optionsSize, long[] to);

  static native int ta_arena_destroy(Pointer arena);

  static native int ta_arena_reserve(Pointer arena, long size, long align);

  static native int ta_arena_check(Pointer arena, long size, long align);

  static native long ta_arena_alloc(Pointer arena, long size, long align);

  static native int ta_arena_set_limit(Pointer arena, long bytes);

  static native int ta_arena_stats(Pointer arena, long[] info, long infoSize);

  static native void ta_mark(Pointer arena, long[] mark);

  static native int ta_rewind(Pointer arena, long[] mark);

  static native int ta_reset(Pointer arena);

  static native long ta_pin(Pointer arena, long bytes, long size);

  static native void ta_chunk_retain(long chunk);

  static native void ta_chunk_release(long chunk);

  /** Calls the copy of the library that the core has loaded: each copy has a pool of its own. */
  private static void register() {
    ChunkPool.stats(); // has the core load it
    // The dynamic linker knows what is loaded by its SONAME, whatever the file was called.
    String name = Platform.isLinux() ? "libtensorarena.so." + ABI_VERSION : "tensorarena";
    ClassLoader loader = ArenaLibrary.class.getClassLoader();
    Native.register(ArenaLibrary.class, NativeLibrary.getInstance(name, loader));
    int version = ta_abi_version();
    if (version != ABI_VERSION) {
      throw new UnsatisfiedLinkError(
          name + " has ABI version " + version + ", but this jar needs " + ABI_VERSION);
    }
  }
}
