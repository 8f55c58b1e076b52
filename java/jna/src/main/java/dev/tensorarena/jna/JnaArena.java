package dev.tensorarena.jna;

import static dev.tensorarena.DType.INT8;

import com.sun.jna.Pointer;
import dev.tensorarena.ArenaStats;
import dev.tensorarena.ChunkPool;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.OpenResource;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.lang.ref.Reference;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.ToLongFunction;

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
  private static final Shape NOTHING = Shape.of(0);

  /** Means no memory limit: {@code TA_UNLIMITED}. */
  public static final long UNLIMITED = -1;

  /** The control block. Its memory stays readable, whoever destroys the arena. */
  private final Pointer arena;

  /** What owns the arena, so that it is not this class's to end; null for one of its own. */
  private final ExecutionContext context;

  /** Null once an arena of this class's own is closed. */
  private final AtomicReference<Thread> owner;

  /** Of the control block when the arena was opened: another one is another arena's. */
  private long generation;

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
  }

  private JnaArena begun() {
    generation = arena.getLong(ArenaLayout.GENERATION);
    leaveHere(null);
    return this;
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
    long[] options = new long[ArenaLayout.OPTIONS_WORDS];
    options[ArenaLayout.CAPACITY] = capacity;
    options[ArenaLayout.OPTIONS_MEMORY_LIMIT] = memoryLimit;
    long[] address = new long[1];
    Pointer control = new Pointer(0);
    JnaArena arena = new JnaArena(control, null);
    StackRoom.require(); // with all objects made: nothing that C has made can be lost
    Status status =
        Status.of(
            ArenaLibrary.ta_arena_create(
                ArenaLibrary.ABI_VERSION, options, bytesOf(options), address));
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
    Pointer.nativeValue(control, address[0]);
    return arena.begun();
  }

  private static long bytesOf(long[] struct) {
    return (long) struct.length * Long.BYTES;
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
    JnaArena arena = new JnaArena(new Pointer(context.nativeHandle()), context).begun();
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
  private long call(ToLongFunction<Pointer> function) {
    requireUsable();
    try {
      return function.applyAsLong(arena);
    } finally {
      Reference.reachabilityFence(context);
    }
  }

  private Status status(ToLongFunction<Pointer> function) {
    return Status.of((int) call(function));
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
    long start = call(a -> ArenaLibrary.ta_arena_alloc(a, bytes, alignment));
    if (start == 0 && check(bytes, alignment) == Status.OK) { // it was not the arena's own limit
      ChunkPool.trim();
      start = call(a -> ArenaLibrary.ta_arena_alloc(a, bytes, alignment));
    }
    if (start == 0) {
      return null;
    }
    Tensor tensor = context == null ? null : context.tensorAt(start, INT8, Shape.of(bytes));
    leaveHere(tensor);
    return new ArenaMemory(this, epoch, tensor, start, bytes);
  }

  /**
   * Makes room for the next allocation, or says why there is none.
   *
   * @param bytes how many
   * @param alignment as for {@link #allocate}
   * @return OK, ARGUMENT, LIMIT, BUDGET, POOL_LIMIT or NO_MEMORY
   */
  public Status reserve(long bytes, long alignment) {
    noticeOthers();
    Status status = status(a -> ArenaLibrary.ta_arena_reserve(a, bytes, alignment));
    if (status == Status.BUDGET || status == Status.POOL_LIMIT || status == Status.NO_MEMORY) {
      ChunkPool.trim();
      status = status(a -> ArenaLibrary.ta_arena_reserve(a, bytes, alignment));
    }
    leaveHere(witness());
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
    return status(a -> ArenaLibrary.ta_arena_check(a, bytes, alignment));
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
    return status(a -> ArenaLibrary.ta_arena_set_limit(a, bytes));
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
    epoch.witness = witness();
    Epoch next = new Epoch(epoch);
    long[] position = context == null ? new long[ArenaLayout.POSITION_WORDS] : null;
    Mark mark = new Mark(this, nextMark, next, position); // before the scope, which it ends
    if (context == null) {
      call(
          a -> {
            ArenaLibrary.ta_mark(a, position);
            return 0;
          });
    } else {
      mark.scope = context.scope();
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
   * a tracked resource that calls it while the scope is being closed. What the scope tracks is
   * closed as by {@link Scope#close}, and what that throws is thrown.
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
      Status status = status(a -> ArenaLibrary.ta_rewind(a, mark.position));
      if (status != Status.OK) {
        return status;
      }
    } else {
      try {
        mark.scope.close();
      } finally { // it has ended also where a tracked resource throws
        if (!mark.scope.isOpen()) {
          endBackTo(mark);
        }
      }
      return mark.scope.isOpen() ? Status.MARK : Status.OK; // a call around this one is closing it
    }
    endBackTo(mark);
    return Status.OK;
  }

  private void endBackTo(Mark mark) {
    epoch.endBackTo(mark.epoch);
    epoch = mark.epoch.before;
    leaveHere(epoch.witness);
  }

  /** Reads two words without the gate, which the caller has passed. */
  private void leaveHere(Tensor witness) {
    epoch.witness = witness;
    left = arena.getLong(ArenaLayout.CURSOR);
    leftNewest = arena.getLong(ArenaLayout.NEWEST); // large allocations move no cursor
  }

  /** Returns what dies with the innermost scope; what there is if no chunk has a cursor to move. */
  private Tensor witness() {
    return context == null || arena.getLong(ArenaLayout.CHUNK) == 0
        ? epoch.witness
        : context.tensorAt(arena.getLong(ArenaLayout.CURSOR), INT8, NOTHING);
  }

  /** Passes the gate. Marks from before an allocation of somebody else are no longer good. */
  private void noticeOthers() {
    requireUsable();
    if (arena.getLong(ArenaLayout.CURSOR) != left
        || arena.getLong(ArenaLayout.NEWEST) != leftNewest
        || epoch.isOutlived()) {
      firstMark = nextMark;
      leaveHere(null);
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
    Status status = status(a -> ArenaLibrary.ta_reset(a));
    epoch.endBackTo(null);
    epoch = next;
    leaveHere(null);
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
    long address = Pointer.nativeValue(start);
    ChunkPin pin = new ChunkPin(address, bytes, context == null);
    StackRoom.require();
    return pin.hold(call(a -> ArenaLibrary.ta_pin(a, address, bytes))) ? pin : null;
  }

  // ---- what it is used for

  /**
   * Returns what the arena's memory is used for.
   *
   * @return C's figures
   */
  public ArenaStats stats() {
    long[] info = new long[ArenaLayout.INFO_WORDS];
    Status status = status(a -> ArenaLibrary.ta_arena_stats(a, info, bytesOf(info)));
    if (status != Status.OK) {
      throw new IllegalStateException("no statistics of " + this + ": " + status);
    }
    return new ArenaStats(
        info[ArenaLayout.ALLOCATED],
        info[ArenaLayout.RESERVED],
        info[ArenaLayout.PEAK],
        info[ArenaLayout.WASTED],
        info[ArenaLayout.CHUNKS],
        info[ArenaLayout.REFILLS]);
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
    if (owner.compareAndSet(mine, null) && arena.getLong(ArenaLayout.GENERATION) == generation) {
      ArenaLibrary.ta_arena_destroy(arena);
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
