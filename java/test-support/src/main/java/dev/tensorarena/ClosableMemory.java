package dev.tensorarena;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Memory that its owner can end at any moment: a segment of a shared {@code java.lang.foreign}
 * arena. By reflection, for tests that are compiled for older JDKs; on JDK 22 and later.
 */
public final class ClosableMemory implements AutoCloseable {
  /** Whether the JDK has such arenas. */
  public static final boolean IS_SUPPORTED = Runtime.version().feature() >= 22;

  private final AutoCloseable arena;

  /**
   * Opens the arena.
   *
   * @throws ReflectiveOperationException on an older JDK
   */
  public ClosableMemory() throws ReflectiveOperationException {
    arena = (AutoCloseable) arenas().getMethod("ofShared").invoke(null);
  }

  private static Class<?> arenas() throws ReflectiveOperationException {
    return Class.forName("java.lang.foreign.Arena");
  }

  /**
   * Allocates bytes that end with the arena.
   *
   * @param bytes how many
   * @return a buffer in native order
   */
  public ByteBuffer buffer(long bytes) throws ReflectiveOperationException {
    Object segment =
        arenas().getMethod("allocate", long.class, long.class).invoke(arena, bytes, 8L);
    return ((ByteBuffer)
            Class.forName("java.lang.foreign.MemorySegment")
                .getMethod("asByteBuffer")
                .invoke(segment))
        .order(ByteOrder.nativeOrder());
  }

  @Override
  public void close() {
    try {
      arena.close();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
