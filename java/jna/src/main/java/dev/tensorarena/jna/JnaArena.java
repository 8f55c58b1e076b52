package dev.tensorarena.jna;

import static dev.tensorarena.DType.INT8;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import dev.tensorarena.ArenaStats;
import dev.tensorarena.ChunkPool;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.OpenResource;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.lang.ref.Reference;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;

/**
 * The C API of an arena, called through JNA: for programs that use JNA already, and as a second
 * reader of the ABI beside the core, which agrees with it on every address, statistic and error.
 * {@link ExecutionContext} does the same at a hundredth of the price.
 *
 * <p>As in C, what cannot be had is a {@link Status} or null, and memory is uninitialised. The
 * pointers of {@link #allocate} refuse to be used outside of their bytes, and when a rewind, a
 * reset or a close has ended these.
 *
 * <p>An arena belongs to the thread that created it, that of a context to the context's thread.
 * Where nothing else is said, every method throws {@link IllegalStateException} on another thread
 * and when the arena, or its context, is closed.
 */
public final class JnaArena implements OpenResource {
  private static final ArenaLibrary LIBRARY = ArenaLibrary.INSTANCE;

  /** Means no memory limit: {@code TA_UNLIMITED}. */
  public static final long UNLIMITED = -1;

  /** The control block. Its memory stays readable, whoever destroys the arena. */
  private final Pointer arena;

  /** What owns the arena, so that it is not this class's to end; null for one of its own. */
  private final ExecutionContext context;

  /** Null once an arena of this class's own is closed. */
  private final AtomicReference<Thread> owner;

  /** Of the control block when the arena was opened: another one is another arena's. */
  private final long generation;

  private Epoch epoch = new Epoch(null);
  private long nextMark;

  /** Since this mark only this class has allocated. */
  private long firstMark;

  /** Where this class last left the cursor, and which chunk was the newest then. */
  private long left;

  private long leftNewest;

  private JnaArena(Pointer arena, ExecutionContext context) {
    this.arena = arena;
    this.context = context;
    this.owner = new AtomicReference<>(Thread.currentThread());
    this.generation = arena.getLong(ArenaLayout.GENERATION);
    leaveHere();
  }

  /**
   * Creates an arena, which the calling thread owns.
   *
   * @param capacity the least size of the first chunk in bytes, up to 2<sup>46</sup>; 0 for any
   * @param memoryLimit the most bytes charged at once, or {@link #UNLIMITED}
   * @return the arena, which the caller closes
   * @throws IllegalArgumentException if the capacity or the limit is out of range
   * @throws OutOfMemoryError if the system refuses memory
   */
  public static JnaArena create(long capacity, long memoryLimit) {
    checkLimit(memoryLimit);
    Memory options = new Memory(ArenaLayout.OPTIONS_BYTES);
    options.clear();
    options.setLong(ArenaLayout.CAPACITY, capacity);
    options.setLong(ArenaLayout.OPTIONS_MEMORY_LIMIT, memoryLimit);
    PointerByReference made = new PointerByReference();
    Status status =
        Status.of(LIBRARY.ta_arena_create(ArenaLibrary.ABI_VERSION, options, options.size(), made));
    if (status == Status.NO_MEMORY) {
      throw new OutOfMemoryError(
          "the system refused memory for an arena of capacity "
              + capacity
              + " and memory limit "
              + memoryLimit);
    } else if (status != Status.OK) {
      throw new IllegalArgumentException(
          status + " for capacity " + capacity + " and memory limit " + memoryLimit);
    }
    return new JnaArena(made.getValue(), null);
  }

  private static void checkLimit(long bytes) {
    if (bytes < UNLIMITED) {
      throw new IllegalArgumentException("a memory limit of " + bytes + " bytes");
    }
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
    JnaArena arena = new JnaArena(new Pointer(context.nativeHandle()), context);
    if (arena.check(0, 0) == Status.CLOSED) {
      throw new IllegalStateException(
          "JNA has found another copy of libtensorarena than the one that the core has loaded;"
              + " name one folder for both with -Dtensorarena.library.path and"
              + " -Djna.library.path");
    }
    return arena;
  }

  // ---- the gate

  void requireUsable() {
    if (context != null) {
      context.nativeHandle(); // passes the context's gate
      return;
    }
    requireOwner(owner.get());
    if (arena.getLong(ArenaLayout.GENERATION) != generation) {
      throw new IllegalStateException(this + " was destroyed by native code");
    }
  }

  private void requireOwner(Thread mine) {
    if (mine != Thread.currentThread()) {
      throw new IllegalStateException(
          mine == null
              ? this + " is closed"
              : this
                  + " belongs to the thread \""
                  + mine.getName()
                  + "\" and was used on \""
                  + Thread.currentThread().getName()
                  + "\"");
    }
  }

  /** The one way to C's functions on the arena: through the gate, with what owns it reachable. */
  private <T> T call(Function<Pointer, T> function) {
    requireUsable();
    try {
      return function.apply(arena);
    } finally {
      Reference.reachabilityFence(context);
    }
  }

  private Status status(Function<Pointer, Integer> function) {
    return Status.of(call(function));
  }

  private void checkOwned(String what) {
    requireUsable();
    if (context != null) {
      throw new IllegalStateException(this + " cannot " + what + " here: the context owns it");
    }
  }

  // ---- allocation

  /**
   * Allocates bytes, uninitialised. In the arena of a context they live until the innermost open
   * scope ends. Before the limit of all contexts or the system refuses, the memory of forgotten
   * contexts is taken back.
   *
   * @param bytes how many; 0 gives an aligned address that must not be used
   * @param alignment a power of two up to 4096, or 0 for 64
   * @return a pointer to the first byte, or null if refused; {@link #reserve} says why
   */
  public Pointer allocate(long bytes, long alignment) {
    noticeOthers();
    Pointer start = call(a -> LIBRARY.ta_arena_alloc(a, bytes, alignment));
    if (start == null && check(bytes, alignment) == Status.OK) { // it was not the arena's own limit
      ChunkPool.trim();
      start = call(a -> LIBRARY.ta_arena_alloc(a, bytes, alignment));
    }
    leaveHere();
    if (start == null) {
      return null;
    }
    long address = Pointer.nativeValue(start);
    Tensor tensor = context == null ? null : context.tensorAt(address, INT8, Shape.of(bytes));
    return new ArenaMemory(this, epoch, tensor, address, bytes);
  }

  /**
   * Makes room for the next allocation, or says why there is none.
   *
   * @param bytes how many
   * @param alignment as for {@link #allocate}
   * @return OK, ARGUMENT, LIMIT, POOL_LIMIT or NO_MEMORY
   */
  public Status reserve(long bytes, long alignment) {
    noticeOthers();
    Status status = status(a -> LIBRARY.ta_arena_reserve(a, bytes, alignment));
    if (status == Status.POOL_LIMIT || status == Status.NO_MEMORY) {
      ChunkPool.trim();
      status = status(a -> LIBRARY.ta_arena_reserve(a, bytes, alignment));
    }
    leaveHere();
    return status;
  }

  /**
   * Tells whether an allocation would pass the memory limit; changes nothing.
   *
   * @param bytes how many
   * @param alignment as for {@link #allocate}
   * @return LIMIT if it would, OK if not; ARGUMENT
   */
  public Status check(long bytes, long alignment) {
    return status(a -> LIBRARY.ta_arena_check(a, bytes, alignment));
  }

  /**
   * Sets the memory limit of an arena that {@link #create} made.
   *
   * @param bytes the limit, in force from the next allocation, or {@link #UNLIMITED}
   * @return OK
   * @throws IllegalArgumentException if the limit is negative and not {@link #UNLIMITED}
   * @throws IllegalStateException also for the arena of a context
   */
  public Status setLimit(long bytes) {
    checkOwned("be given another limit");
    checkLimit(bytes);
    return status(a -> LIBRARY.ta_arena_set_limit(a, bytes));
  }

  // ---- marks

  /**
   * Notes how far the arena has been used. In the arena of a context a mark begins a scope, as
   * {@link ExecutionContext#scope} does, which the rewind closes.
   *
   * @return the mark, for {@link #rewind}
   */
  public Mark mark() {
    noticeOthers();
    Epoch next = new Epoch(epoch);
    Mark mark;
    if (context == null) {
      Memory position = new Memory(ArenaLayout.POSITION_BYTES);
      call(
          a -> {
            LIBRARY.ta_mark(a, position);
            return null;
          });
      mark = new Mark(this, nextMark, next, position);
    } else {
      mark = new Mark(this, nextMark, next, context.scope());
    }
    epoch = next;
    nextMark++;
    return mark;
  }

  /**
   * Ends everything that was allocated since a mark. That can be done once; marks that were taken
   * after it have then ended, too.
   *
   * <p>In the arena of a context this ends only what was allocated here: once Java or other native
   * code has allocated since the mark, or ended the scope that was open then, it is refused; so is
   * a tracked resource that calls it while the scope is being closed.
   *
   * @param mark from {@link #mark} of this arena
   * @return OK, or MARK if it is refused; then nothing has changed
   * @throws IllegalArgumentException if the mark is another arena's
   */
  public Status rewind(Mark mark) {
    noticeOthers();
    if (mark.arena != this) {
      throw new IllegalArgumentException(mark + " is no mark of " + this);
    }
    if (mark.hasEnded() || mark.number < firstMark) {
      return Status.MARK;
    }
    if (context == null) {
      Status status = status(a -> LIBRARY.ta_rewind(a, mark.position));
      if (status != Status.OK) {
        return status;
      }
    } else {
      mark.scope.close();
      if (mark.scope.isOpen()) {
        return Status.MARK; // a call around this one is closing it, and will end the epochs
      }
    }
    epoch.endBackTo(mark.epoch);
    epoch = mark.epoch.before;
    leaveHere();
    return Status.OK;
  }

  /** Reads two words without the gate, which the caller has passed. */
  private void leaveHere() {
    left = arena.getLong(ArenaLayout.CURSOR);
    leftNewest = arena.getLong(ArenaLayout.NEWEST); // large allocations move no cursor
  }

  /** Passes the gate. Marks from before an allocation of somebody else are no longer good. */
  private void noticeOthers() {
    requireUsable();
    if (arena.getLong(ArenaLayout.CURSOR) != left
        || arena.getLong(ArenaLayout.NEWEST) != leftNewest) {
      firstMark = nextMark;
      leaveHere();
    }
  }

  /**
   * Ends everything that was allocated and keeps memory for the next allocations.
   *
   * @return OK
   * @throws IllegalStateException also for the arena of a context
   */
  public Status reset() {
    checkOwned("be reset");
    Epoch next = new Epoch(null);
    Status status = status(a -> LIBRARY.ta_reset(a));
    epoch.endBackTo(null);
    epoch = next;
    leaveHere();
    return status;
  }

  // ---- pins

  /**
   * Pins bytes of this arena: they outlive it, until the pin and those that were {@linkplain
   * ChunkPin#retain retained} from it are closed.
   *
   * @param start the address of the first byte
   * @param bytes how many
   * @return the pin; null if the arena has not handed these bytes out
   * @throws IllegalStateException also if {@code start} is a pointer to bytes that have ended
   */
  public ChunkPin pin(Pointer start, long bytes) {
    Objects.requireNonNull(start, "start");
    requireUsable();
    if (start instanceof BoundedMemory) {
      ((BoundedMemory) start).requireReadable();
    }
    ChunkPin pin = new ChunkPin(Pointer.nativeValue(start), bytes, context == null);
    Pointer chunk = call(a -> LIBRARY.ta_pin(a, start, bytes));
    if (chunk == null) {
      return null;
    }
    pin.hold(chunk);
    return pin;
  }

  // ---- what it is used for

  /**
   * Returns what the arena's memory is used for.
   *
   * @return C's figures
   */
  public ArenaStats stats() {
    Memory info = new Memory(ArenaLayout.INFO_BYTES);
    Status status = status(a -> LIBRARY.ta_arena_stats(a, info, info.size()));
    if (status != Status.OK) {
      throw new IllegalStateException("no statistics of " + this + ": " + status);
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
    return word(ArenaLayout.CHARGED_BEFORE) + word(ArenaLayout.CURSOR) - word(ArenaLayout.BASE);
  }

  /**
   * Returns the address of the next free byte, read from the control block.
   *
   * @return an address
   */
  public long cursor() {
    return word(ArenaLayout.CURSOR);
  }

  private long word(int at) {
    return call(a -> a.getLong(at));
  }

  /**
   * Returns the address of the control block, for functions of C.
   *
   * @return a {@code ta_arena *}, which Java cannot look into
   */
  public Pointer handle() {
    requireUsable();
    return Pointer.createConstant(Pointer.nativeValue(arena));
  }

  /**
   * Ends an arena that {@link #create} made. Does nothing to the arena of a context, nor when
   * called again. Once the thread that created it has ended, any thread may call it.
   *
   * @throws IllegalStateException if the arena belongs to another thread, which is alive
   */
  @Override
  public void close() {
    Thread mine = context == null ? owner.get() : null;
    if (mine == null) {
      return;
    }
    if (mine.isAlive()) {
      requireOwner(mine);
    }
    StackRoom.require();
    if (!owner.compareAndSet(mine, null)) {
      return;
    }
    try {
      if (arena.getLong(ArenaLayout.GENERATION) == generation) {
        LIBRARY.ta_arena_destroy(arena);
      }
    } catch (OutOfMemoryError e) { // JNA found no heap for the call
      owner.set(mine); // and the next one does it, if C has not: the generation tells
      throw e;
    }
  }

  /**
   * Returns whether an arena that {@link #create} made was not closed yet; on any thread. The arena
   * of a context ends with that, so that {@link #close} has nothing to do.
   *
   * @return false once it was, and always for the arena of a context
   */
  @Override
  public boolean isOpen() {
    return context == null && owner.get() != null;
  }

  @Override
  public String toString() {
    return context == null
        ? "an arena of JNA's at 0x" + Long.toHexString(Pointer.nativeValue(arena))
        : "the arena of " + context;
  }
}
