package dev.tensorarena.jna;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import dev.tensorarena.ChunkPool;

/**
 * The functions of {@code tensorarena.h}, word for word; {@code size_t} is 64 bits wide wherever
 * the library runs. Structs are passed as memory, laid out by {@link ArenaLayout}.
 */
interface ArenaLibrary extends Library {
  /**
   * TA_ABI_VERSION of the header that this interface was written after; like {@link ArenaLayout}
   * not taken from the core, so that one that has moved on is noticed.
   */
  int ABI_VERSION = 2;

  ArenaLibrary INSTANCE = load();

  int ta_abi_version();

  int ta_arena_create(int abiVersion, Pointer options, long optionsSize, PointerByReference arena);

  int ta_arena_destroy(Pointer arena);

  int ta_arena_reserve(Pointer arena, long size, long align);

  int ta_arena_check(Pointer arena, long size, long align);

  Pointer ta_arena_alloc(Pointer arena, long size, long align);

  int ta_arena_set_limit(Pointer arena, long bytes);

  int ta_arena_stats(Pointer arena, Pointer info, long infoSize);

  void ta_mark(Pointer arena, Pointer mark);

  int ta_rewind(Pointer arena, Pointer mark);

  int ta_reset(Pointer arena);

  Pointer ta_pin(Pointer arena, Pointer bytes, long size);

  void ta_chunk_retain(Pointer chunk);

  void ta_chunk_release(Pointer chunk);

  /** Returns the copy of the library that the core has loaded: each copy has a pool of its own. */
  static ArenaLibrary load() {
    ChunkPool.stats(); // has the core load it
    // The dynamic linker knows what is loaded by its SONAME, whatever the file was called.
    String name = Platform.isLinux() ? "libtensorarena.so." + ABI_VERSION : "tensorarena";
    ArenaLibrary library = Native.load(name, ArenaLibrary.class);
    int version = library.ta_abi_version();
    if (version != ABI_VERSION) {
      throw new UnsatisfiedLinkError(
          name + " has ABI version " + version + ", but this jar needs " + ABI_VERSION);
    }
    return library;
  }
}
