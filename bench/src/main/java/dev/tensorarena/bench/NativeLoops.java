package dev.tensorarena.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * What C does, called from C: {@code native/src/native_loops.c}. Each method repeats an operation
 * often enough that the one JNI call does not count. Nothing here checks its arguments.
 */
final class NativeLoops {
  static {
    String file = System.mapLibraryName("tensorarena-bench");
    try (InputStream bytes = NativeLoops.class.getResourceAsStream("/natives/" + file)) {
      if (bytes == null) {
        throw new UnsatisfiedLinkError("This jar has no /natives/" + file + ": build with Maven");
      }
      Path copy = Files.createTempFile(null, file);
      try {
        Files.copy(bytes, copy, StandardCopyOption.REPLACE_EXISTING);
        System.load(copy.toString());
      } finally {
        copy.toFile().deleteOnExit();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private NativeLoops() {}

  /** The price of a JNI call. */
  static native void nothing();

  /** {@code free(malloc(size))}, count times; no byte of it is touched. */
  static native void mallocAndFree(long size, long count);

  /**
   * {@code memcpy(to + block * stride, from, size)} for each block, and that in rounds.
   *
   * @param from an address
   * @param to where the first block begins
   */
  static native void copy(long from, long to, long size, long stride, long blocks, long rounds);
}
