package dev.tensorarena.jna;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import dev.tensorarena.ArenaStats;
import dev.tensorarena.ExecutionContext;

/**
 * The C API of an arena, called through JNA: for programs that are at home in JNA, and as a second
 * reader of the ABI beside the core, with which it agrees on every address, statistic and error.
 * {@link ExecutionContext} does the same at a hundredth of the price and with more checks.
 *
 * <p>As in C: failure is a {@link Status} or null, memory is uninitialised, and a pointer may be
 * used until what it points to has ended, by a rewind, a reset or a close; later use reads or
 * corrupts what lives there then, but does not crash.
 *
 * <p>Belongs to one thread at a time; an arena of a context to the context's thread, until the
 * context closes.
 */
public final class JnaArena implements AutoCloseable {
  private static final ArenaLibrary LIBRARY = ArenaLibrary.load();

  /** {@code TA_UNLIMITED}: no memory limit. */
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
   * @param capacity bytes that the first chunk holds at least; 0 for the smallest chunk
   * @param memoryLimit most bytes charged at once, or {@link #UNLIMITED}
   * @return the arena; to be closed
   * @throws IllegalArgumentException if C refuses the numbers
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
   * The arena of a context.
   *
   * @param context an open context of the calling thread
   * @return its arena, until the context closes
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
   * Allocates.
   *
   * @param bytes how many; 0 gives an aligned address that must not be used
   * @param alignment a power of two up to 4096, or 0 for 64
   * @return where they begin, or null if refused; {@link #reserve} says why
   */
  public Pointer allocate(long bytes, long alignment) {
    return LIBRARY.ta_arena_alloc(arena, bytes, alignment);
  }

  /**
   * Makes room for an allocation, or says why there is none.
   *
   * @param bytes how many
   * @param alignment as for {@link #allocate}
   * @return OK, ARGUMENT, LIMIT, POOL_LIMIT, NO_MEMORY or CLOSED
   */
  public Status reserve(long bytes, long alignment) {
    return Status.of(LIBRARY.ta_arena_reserve(arena, bytes, alignment));
  }

  /**
   * Whether an allocation would pass the memory limit; changes nothing.
   *
   * @param bytes how many
   * @param alignment as for {@link #allocate}
   * @return OK, ARGUMENT, LIMIT or CLOSED
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
   * Remembers where the arena stands.
   *
   * @return the mark, for {@link #rewind}
   */
  public Pointer mark() {
    Memory mark = new Memory(ArenaLayout.POSITION_BYTES);
    LIBRARY.ta_mark(arena, mark);
    return mark;
  }

  /**
   * Ends all that was allocated since a mark. In the arena of a context these must be allocations
   * of this class alone.
   *
   * @param mark from {@link #mark}
   * @return OK, MARK or CLOSED
   */
  public Status rewind(Pointer mark) {
    return Status.of(LIBRARY.ta_rewind(arena, mark));
  }

  /**
   * Ends all that was allocated and keeps the memory for what comes.
   *
   * @return OK or CLOSED
   * @throws IllegalStateException for the arena of a context
   */
  public Status reset() {
    checkOwned("be reset");
    return Status.of(LIBRARY.ta_reset(arena));
  }

  /**
   * Keeps bytes of this arena past its end, until {@link #release}.
   *
   * @param start where they begin
   * @param bytes how many
   * @return their chunk; null if the arena has not handed them out
   */
  public Pointer pin(Pointer start, long bytes) {
    return LIBRARY.ta_pin(arena, start, bytes);
  }

  /**
   * One pin more, for who holds one; any thread.
   *
   * @param chunk from {@link #pin}
   */
  public static void retain(Pointer chunk) {
    LIBRARY.ta_chunk_retain(chunk);
  }

  /**
   * One pin less; any thread.
   *
   * @param chunk from {@link #pin}
   */
  public static void release(Pointer chunk) {
    LIBRARY.ta_chunk_release(chunk);
  }

  /**
   * How the arena's memory stands, as C says.
   *
   * @return a snapshot
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
   * What the memory limit counts now, read from the control block.
   *
   * @return bytes
   */
  public long charged() {
    return arena.getLong(ArenaLayout.CHARGED_BEFORE)
        + arena.getLong(ArenaLayout.CURSOR)
        - arena.getLong(ArenaLayout.BASE);
  }

  /**
   * Where the next allocation of alignment 1 begins if the chunk has room, read from the control
   * block.
   *
   * @return an address
   */
  public long cursor() {
    return arena.getLong(ArenaLayout.CURSOR);
  }

  /**
   * The control block.
   *
   * @return a {@code ta_arena *}
   */
  public Pointer handle() {
    return arena;
  }

  /** Ends an arena that {@link #create} made; does nothing to a context's, and nothing twice. */
  @Override
  public void close() {
    if (!borrowed && !closed) {
      closed = true;
      LIBRARY.ta_arena_destroy(arena);
    }
  }

  /** From the current chunk's first byte. */
  long offset(long address) {
    return address - arena.getLong(ArenaLayout.BASE);
  }

  private void checkOwned(String what) {
    if (borrowed) {
      throw new IllegalStateException("an arena that a context owns cannot " + what + " here");
    }
  }
}
