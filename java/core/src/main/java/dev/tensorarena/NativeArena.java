package dev.tensorarena;

import java.nio.ByteBuffer;

/**
 * All native methods, as {@code jni_binding.c} registers them. Addresses are absolute; statuses are
 * those of {@code tensorarena.h}. Nothing here checks its arguments: {@link Arena}, {@link Window}
 * and {@link ChunkPool} do.
 */
final class NativeArena {
  /** TA_ABI_VERSION of the header that {@link Arena} was written against. */
  static final int ABI_VERSION = 1;

  static final int OK = 0;
  static final int LIMIT = 2;
  static final int POOL_LIMIT = 3;
  static final int NO_MEMORY = 4;

  static final long UNLIMITED = -1; // UINT64_MAX
  static final int HUGE_PAGES = 1;
  static final int ZERO_ON_RELEASE = 2;

  // Words of ta_arena_info.
  static final int RESERVED = 1;
  static final int PEAK = 2;
  static final int CHUNKS = 4;
  static final int REFILLS = 5;

  static {
    NativeLibrary.load(NativeArena::abiVersion, ABI_VERSION);
  }

  private NativeArena() {}

  static native int abiVersion();

  /** The address of a new arena's control block, or a status, negated. */
  static native long open(long capacity, long memoryLimit, int flags);

  /** Makes room so that the next allocation of this size succeeds on the fast path. */
  static native int reserve(long arena, long size, long alignment);

  /** Whether such an allocation would pass the arena's memory limit. */
  static native int check(long arena, long size, long alignment);

  static native int rewind(long arena, long chunk, long cursor, long charged, long wasted);

  static native int reset(long arena);

  static native int close(long arena);

  /** Pins bytes of the arena; the address of their chunk's descriptor, 0 if they are not in it. */
  static native long pin(long arena, long address, long size);

  /** The descriptor of the arena's chunk in which these bytes were handed out, 0 if in none. */
  static native long chunkOf(long arena, long address, long size);

  /** One pin less; any thread. */
  static native void releaseChunk(long chunk);

  static native long arenaStat(long arena, int word);

  /** Keeps the pool's statistics for {@link #poolStat}; one thread at a time. */
  static native void snapshotPool();

  static native long poolStat(int word);

  static native long trimPool();

  static native void setPoolMemoryLimit(long bytes);

  static native void setPoolRetainedLimit(long bytes);

  static native void setQuarantine(long bytes);

  /** The first byte of the slab that holds the address, 0 if none does. */
  static native long slabAt(long address);

  static native long slabBytes(long slab);

  /** A buffer over native memory; null or an OutOfMemoryError if the JVM refuses. */
  static native ByteBuffer view(long address, long bytes);

  /** Where a user's direct buffer begins. */
  static native long bufferAddress(ByteBuffer direct);

  /** memmove. */
  static native void move(long from, long to, long bytes);
}
