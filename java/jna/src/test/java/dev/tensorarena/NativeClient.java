package dev.tensorarena;

import java.nio.file.Path;

/** The part that these tests need of {@code native/tests/jni/native_client.c}, over JNI. */
public final class NativeClient {
  /** The library, for JNA to find the same. */
  public static final String FILE =
      Path.of(
              System.getProperty("tensorarena.test.natives"),
              System.mapLibraryName("native_client"))
          .toAbsolutePath()
          .toString();

  static {
    ChunkPool.stats(); // the core's library first
    System.load(FILE);
  }

  private NativeClient() {}

  /** Allocates {@code first, first + 1, ...} as int32; the address, 0 if refused. */
  public static native long counting(long arena, int first, long length);
}
