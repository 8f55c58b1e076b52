package dev.tensorarena;

import java.nio.file.Path;

/**
 * An application's own native code, {@code native/tests/jni/native_client.c}: linked against {@code
 * libtensorarena}, of which it finds the copy that the core has loaded.
 */
final class NativeClient {
  static {
    ChunkPool.stats(); // the core's library first
    String folder = System.getProperty("tensorarena.test.natives");
    System.load(
        Path.of(folder, System.mapLibraryName("native_client")).toAbsolutePath().toString());
  }

  private NativeClient() {}

  /** Allocates {@code first, first + 1, ...} as int32; the address, 0 if refused. */
  static native long counting(long arena, int first, long length);

  /** Moves the cursor on to a chunk with room for so much; the status. */
  static native int reserve(long arena, long bytes);

  /**
   * Allocates float64 with element (i, j) = 100 i + j; address, DType's ordinal, extents; null if
   * refused.
   */
  static native long[] matrix(long arena, long rows, long columns);

  /** Takes bytes, overwrites them, and rewinds to before them; the status. */
  static native int markAndRewind(long arena, long bytes);

  /** What another copy of libtensorarena says to this copy's arena: a status, -1 if no copy. */
  static native int reserveInCopy(String file, long arena);

  /** Pins int32 values for a C thread that will read them; a handle, 0 if refused. */
  static native long retain(long arena, long address, long length);

  /** Retains a chunk that is pinned, for a C thread that will read int32 values in it. */
  static native long retainChunk(long chunk, long address, long length);

  /**
   * The same for a chunk of another copy of libtensorarena, given by its file: a handle, 0 if the
   * copy is not loaded. Nothing here keeps it loaded.
   */
  static native long retainChunkInCopy(String file, long chunk, long address, long length);

  /** Has the C thread read and release; the sum of the values. */
  static native long sumAndRelease(long handle);
}
