package dev.tensorarena;

import java.nio.ByteBuffer;

/**
 * All native methods, as {@code jni_binding.c} registers them. Addresses are absolute; statuses are
 * those of {@code tensorarena.h}. Nothing here checks its arguments: whoever calls it does.
 *
 * <p>What works in an arena is given the {@link ArenaRecord} beside its address. An argument cannot
 * become unreachable while a native method runs, whatever the JIT finds dead in the caller; an
 * arena that has become so is taken back, by another thread. {@code ReachabilityTest} lists those
 * that need no keeper, with the reasons.
 *
 * <p>The constants are those of the header without their {@code TA_}, {@code TA_ERR_} and {@code
 * TA_OPTION_}; {@code HeaderTest} compares them.
 */
final class NativeArena {
  /** TA_ABI_VERSION of the header that {@link Arena} was written against. */
  static final int ABI_VERSION = 2;

  static final int OK = 0;
  static final int LIMIT = 2;
  static final int POOL_LIMIT = 3;
  static final int NO_MEMORY = 4;
  static final int BUDGET = 8;

  static final long UNLIMITED = -1; // UINT64_MAX
  static final int HUGE_PAGES = 1;
  static final int ZERO_ON_RELEASE = 2;

  static {
    NativeLibrary.load(NativeArena::abiVersion, ABI_VERSION);
  }

  private NativeArena() {}

  static native int abiVersion();

  /** Returns the time by the system's coarse clock, in milliseconds since 1970. */
  static native long coarseMillis();

  /**
   * Opens an arena; returns the address of its control block, or a status, negated. Also makes room
   * for a small allocation on the fast path, unless the alignment is 0.
   *
   * @param openedMillis when Java opened it, see {@link #coarseMillis}
   * @param budget which pays for its chunks, 0 for none
   */
  static native long open(
      ArenaRecord arena,
      long openedMillis,
      long capacity,
      long memoryLimit,
      int flags,
      long budget,
      long size,
      long alignment);

  /**
   * Allocates, and moves the cursor where the bytes lie in its chunk; a status, negated, if not.
   */
  static native long allocate(ArenaRecord arena, long handle, long size, long alignment);

  /** Returns {@link #LIMIT} if such an allocation would pass the arena's memory limit. */
  static native int check(ArenaRecord arena, long handle, long size, long alignment);

  static native int rewind(
      ArenaRecord arena, long handle, long newest, long cursor, long charged, long wasted);

  /**
   * Ends everything and keeps one chunk.
   *
   * @param cycles how many resets there were since the last look at what was used, this one
   *     included
   * @param recentPeak the highest charge in these cycles, -1 for C's own
   */
  static native int reset(ArenaRecord arena, long handle, int cycles, long recentPeak);

  /** Charges bytes that are not the arena's, or no longer, until a rewind to a mark from before. */
  static native int charge(ArenaRecord arena, long handle, long bytes);

  /** Gives the arena all that a child has handed out; {@link #LIMIT} changes nothing. */
  static native int adopt(ArenaRecord arena, long handle, ArenaRecord child, long childHandle);

  static native int close(ArenaRecord arena, long handle);

  /** Closes an arena that nobody can reach any more. */
  static native int abandon(long handle);

  /**
   * Notes that an address leaves, so that the arena stays when this class loader goes, and what has
   * left it pinned.
   */
  static native void expose(ArenaRecord arena, long handle);

  /** Pins bytes; returns their chunk's descriptor, 0 if the arena has not handed them out. */
  static native long pin(ArenaRecord arena, long handle, long address, long size);

  /** Returns the descriptor of the arena's chunk that these bytes were handed out in, 0 if none. */
  static native long chunkOf(ArenaRecord arena, long handle, long address, long size);

  /** Returns whether a chunk is the arena's and was taken after another one of its, 0 for none. */
  static native boolean isSince(ArenaRecord arena, long handle, long chunk, long newest);

  /** Returns whether a chunk of the arena was another one's before. */
  static native boolean isAdopted(ArenaRecord arena, long chunk);

  /** Pins a chunk once more, which a scope of the arena has pinned and may be another's. */
  static native void retainChunk(ArenaRecord arena, long chunk);

  /** Gives a pin back; any thread. */
  static native void releaseChunk(long chunk);

  /**
   * Notes that an address of a chunk leaves, until the chunk is given to another arena; any thread.
   */
  static native void exposeChunk(SharedAllocation holder, long chunk);

  /** Returns whether an address has left a chunk, of which the caller has a pin; any thread. */
  static native boolean isExposed(long chunk);

  /** Fills {@code info} with the words of {@code ta_arena_info}. */
  static native int arenaStats(ArenaRecord arena, long handle, long[] info);

  /** Fills {@code info} with the words of {@code ta_pool_info}, all of one moment; any thread. */
  static native void poolStats(long[] info);

  static native long trimPool();

  /** Returns how large a chunk must be that holds so many bytes. */
  static native long chunkBytes(long bytes);

  static native void setPoolMemoryLimit(long bytes);

  /** Returns how much memory the machine has, 0 if the system does not tell. */
  static native long physicalMemory();

  static native void setPoolRetainedLimit(long bytes);

  /** Returns a status: OK if the quarantine is this one, now that it has been set once. */
  static native int setQuarantine(long bytes);

  /**
   * Makes a budget; returns its address, or a status, negated.
   *
   * @param parent 0 for none
   */
  static native long openBudget(long parent, long limit);

  /**
   * Makes a reservation; returns its address, or a status, negated. {@link #BUDGET} has above its 8
   * bits how many budgets further up the refusing one is; so it has where an arena is refused.
   */
  static native long reserve(long budget, long bytes);

  /** Closes a budget of which nothing is left, or a reservation. */
  static native int closeBudget(long budget);

  static native int setBudgetLimit(long budget, long bytes);

  /** Fills in the words of {@code ta_budget_info}; any thread. */
  static native int budgetStats(long budget, long[] info);

  /** Returns how much of a budget only pins keep; looks at all chunks. */
  static native long budgetPinned(long budget);

  /**
   * Returns how many bytes of chunks an arena has, without those that it has adopted from another
   * budget; any thread, nonsense once it is closed.
   */
  static native long ownChunkBytes(long handle);

  /** Returns the first byte of the slab that holds the address, 0 if none does. */
  static native long slabAt(long address);

  static native long slabBytes(long slab);

  /** Returns the address of a function that the library exports; 0 if none is called so. */
  static native long function(String name);

  /** Makes a buffer over native memory; null or an OutOfMemoryError if the JVM refuses. */
  static native ByteBuffer view(long address, long bytes);

  /** Returns where a direct buffer begins. */
  static native long bufferAddress(ByteBuffer direct);

  /**
   * Copies bytes as memmove does: the ranges may overlap.
   *
   * @param source what keeps the bytes at {@code from}
   * @param target what keeps the bytes at {@code to}
   */
  static native void move(Object source, long from, Object target, long to, long bytes);
}
