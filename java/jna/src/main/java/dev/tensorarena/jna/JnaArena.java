package dev.tensorarena.jna;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import dev.tensorarena.ArenaStats;
import dev.tensorarena.ExecutionContext;

/**
 * The C API of an arena, called through JNA: for programs that use JNA already, and as a second
 * reader of the ABI beside the core, which agrees with it on every address, statistic and error.
 * {@link ExecutionContext} does the same at a hundredth of the price and with more checks.
 *
 * <p>As in C, failure is a {@link Status} or null, and memory is uninitialised. A pointer may be
 * used until a rewind, a reset or a close ends what it points to; later use reads or corrupts what
 * lives there then, but does not crash.
 *
 * <p>An arena belongs to one thread at a time. The arena of a context belongs to the context's
 * thread until the context closes.
 */
public final class JnaArena implements AutoCloseable {
  private static final ArenaLibrary LIBRARY = ArenaLibrary.load();

  /** Means no memory limit: {@code TA_UNLIMITED}. */
  public static final long UNLIMITED = -1;

  private final Pointer arena;

  /** Whether Java owns the arena: then native code, which this is, may not end it. */
  private final boolean borrowed;

  private boolean closed;

  private JnaArena(Pointer arena, boolean borrowed) {
    this.arena = arena;
    this.borrowed = borrowed;
  }

  /**
   * Creates an arena.
   *
   * @param capacity the least size of the first chunk in bytes, up to 2<sup>46</sup>; 0 for any
   * @param memoryLimit the most bytes charged at once, or {@link #UNLIMITED}
   * @return the arena, which the caller closes
   * @throws IllegalArgumentException if the capacity is out of range
   * @throws OutOfMemoryError if the system refuses memory
   */
  public static JnaArena create(long capacity, long memoryLimit) {
    Memory options = new Memory(ArenaLayout.OPTIONS_BYTES);
    options.clear();
    options.setLong(ArenaLayout.CAPACITY, capacity);
    options.setLong(ArenaLayout.OPTIONS_MEMORY_LIMIT, memoryLimit);
    PointerByReference made = new PointerByReference();
    Status status =
        Status.of(LIBRARY.ta_arena_create(ArenaLibrary.ABI_VERSION, options, options.size(), made));
    if (status == Status.NO_MEMORY) {
      throw new OutOfMemoryError("the system refused memory for an arena");
    } else if (status != Status.OK) {
      throw new IllegalArgumentException(
          status + " for capacity " + capacity + " and memory limit " + memoryLimit);
    }
    return new JnaArena(made.getValue(), false);
  }

  /**
   * Returns the arena of a context.
   *
   * @param context an open context of the calling thread
   * @return its arena, which may be used until the context closes
   * @throws IllegalStateException if the context is closed or another thread's, or if JNA has found
   *     another copy of the native library than the core
   */
  public static JnaArena of(ExecutionContext context) {
    JnaArena arena = new JnaArena(new Pointer(context.nativeHandle()), true);
    if (arena.check(0, 0) == Status.CLOSED) {
      throw new IllegalStateException(
          "JNA has found another copy of libtensorarena than the one that the core has loaded;"
              + " name one folder for both with -Dtensorarena.library.path and"
              + " -Djna.library.path");
    }
    return arena;
  }

  /**
   * Allocates bytes, uninitialised.
   *
   * @param bytes how many; 0 gives an aligned address that must not be used
   * @param alignment a power of two up to 4096, or 0 for 64
   * @return the address of the first byte, or null if refused; {@link #reserve} says why
   */
  public Pointer allocate(long bytes, long alignment) {
    return LIBRARY.ta_arena_alloc(arena, bytes, alignment);
  }

  /**
   * Makes room for the next allocation, or says why there is none.
   *
   * @param bytes how many
   * @param alignment as for {@link #allocate}
   * @return OK, ARGUMENT, LIMIT, POOL_LIMIT, NO_MEMORY or CLOSED
   */
  public Status reserve(long bytes, long alignment) {
    return Status.of(LIBRARY.ta_arena_reserve(arena, bytes, alignment));
  }

  /**
   * Tells whether an allocation would pass the memory limit; changes nothing.
   *
   * @param bytes how many
   * @param alignment as for {@link #allocate}
   * @return LIMIT if it would, OK if not; ARGUMENT or CLOSED
   */
  public Status check(long bytes, long alignment) {
    return Status.of(LIBRARY.ta_arena_check(arena, bytes, alignment));
  }

  /**
   * Sets the memory limit of an arena that {@link #create} made.
   *
   * @param bytes the limit, in force from the next allocation, or {@link #UNLIMITED}
   * @return OK or CLOSED
   * @throws IllegalStateException for the arena of a context
   */
  public Status setLimit(long bytes) {
    checkOwned("be given another limit");
    return Status.of(LIBRARY.ta_arena_set_limit(arena, bytes));
  }

  /**
   * Notes how far the arena has been used.
   *
   * @return the mark, for {@link #rewind}
   */
  public Pointer mark() {
    Memory mark = new Memory(ArenaLayout.POSITION_BYTES);
    LIBRARY.ta_mark(arena, mark);
    return mark;
  }

  /**
   * Ends everything that was allocated since a mark. In the arena of a context only allocations of
   * this class may have been made since.
   *
   * @param mark from {@link #mark}
   * @return OK, MARK or CLOSED
   */
  public Status rewind(Pointer mark) {
    return Status.of(LIBRARY.ta_rewind(arena, mark));
  }

  /**
   * Ends everything that was allocated and keeps memory for the next allocations.
   *
   * @return OK or CLOSED
   * @throws IllegalStateException for the arena of a context
   */
  public Status reset() {
    checkOwned("be reset");
    return Status.of(LIBRARY.ta_reset(arena));
  }

  /**
   * Pins bytes of this arena: they outlive it, until {@link #release}.
   *
   * @param start the address of the first byte
   * @param bytes how many
   * @return their chunk; null if the arena has not handed these bytes out
   */
  public Pointer pin(Pointer start, long bytes) {
    return LIBRARY.ta_pin(arena, start, bytes);
  }

  /**
   * Adds a pin; the caller holds one already. Any thread may call it.
   *
   * @param chunk from {@link #pin}
   */
  public static void retain(Pointer chunk) {
    LIBRARY.ta_chunk_retain(chunk);
  }

  /**
   * Gives a pin back. Any thread may call it.
   *
   * @param chunk from {@link #pin}
   */
  public static void release(Pointer chunk) {
    LIBRARY.ta_chunk_release(chunk);
  }

  /**
   * Returns what the arena's memory is used for.
   *
   * @return C's figures
   * @throws IllegalStateException if the arena is closed
   */
  public ArenaStats stats() {
    Memory info = new Memory(ArenaLayout.INFO_BYTES);
    Status status = Status.of(LIBRARY.ta_arena_stats(arena, info, info.size()));
    if (status != Status.OK) {
      throw new IllegalStateException("no statistics of this arena: " + status);
    }
    return new ArenaStats(
        info.getLong(ArenaLayout.ALLOCATED),
        info.getLong(ArenaLayout.RESERVED),
        info.getLong(ArenaLayout.PEAK),
        info.getLong(ArenaLayout.WASTED),
        info.getLong(ArenaLayout.CHUNKS),
        info.getLong(ArenaLayout.REFILLS));
  }

  /**
   * Returns what the memory limit counts now, read from the control block.
   *
   * @return bytes
   */
  public long charged() {
    return arena.getLong(ArenaLayout.CHARGED_BEFORE)
        + arena.getLong(ArenaLayout.CURSOR)
        - arena.getLong(ArenaLayout.BASE);
  }

  /**
   * Returns the address of the next free byte, read from the control block.
   *
   * @return an address
   */
  public long cursor() {
    return arena.getLong(ArenaLayout.CURSOR);
  }

  /**
   * Returns the address of the control block, for functions of C.
   *
   * @return a {@code ta_arena *}
   */
  public Pointer handle() {
    return arena;
  }

  /**
   * Ends an arena that {@link #create} made. Does nothing to the arena of a context, nor when
   * called again.
   */
  @Override
  public void close() {
    if (!borrowed && !closed) {
      closed = true;
      LIBRARY.ta_arena_destroy(arena);
    }
  }

  /** Returns how far an address lies behind the current chunk's first byte. */
  long offset(long address) {
    return address - arena.getLong(ArenaLayout.BASE);
  }

  private void checkOwned(String what) {
    if (borrowed) {
      throw new IllegalStateException("an arena that a context owns cannot " + what + " here");
    }
  }
}
