package dev.tensorarena;

/**
 * How results of {@link Scope#closeKeeping} that lie in one another outlive their scope; mostly one
 * alone. All that could be refused is had while the tensors are alive, by {@link #of}; {@link
 * #passOn} follows when they have died, {@link #decide} and {@link #settle} when the scope has let
 * go of its holds, and {@link #move} when the memory was rewound.
 *
 * <p>The bytes move down to the mark, or in its chunk to the floor above it. They stay where they
 * are, pinned for the scope that gets them,
 *
 * <ul>
 *   <li>where somebody holds them, or a part of them,
 *   <li>in a chunk that leaves the arena, because others pin it,
 *   <li>where the scope began in the midst of them, as only a tensor of {@code tensorAt} has it,
 *   <li>in memory that a user wrapped,
 *   <li>in a chunk that was adopted, which goes home with them, and
 *   <li>where the rewind would overwrite them.
 * </ul>
 *
 * <p>Of several in chunks that were taken since the mark, each could be moved onto the next. So
 * they are pinned first, and moved then if there is room; also where only native code knows why a
 * chunk was taken.
 */
final class KeptResult {
  /** What is larger and begins a chunk has that alone, nearly always. */
  private static final long LARGE = 256 << 10;

  private final Scope ending;

  /** The scope that gets the results. */
  private final Scope into;

  private final Arena arena;

  /** All bytes of the results. */
  final long from;

  final long size;

  private final int alignment;

  /** The tensor that the results are views of, or the only one. */
  private final Tensor origin;

  /**
   * All that stays alive with the results in their new scope: the origin if others hold it, the
   * bytes from the first result's to the last one's, or the result itself.
   */
  private final Tensor held;

  /** The results in their new scope, where their bytes are now. */
  final Tensor[] inPlace;

  /** What will hold bytes of the arena for the new scope, if they stay or it is further out. */
  private Held pin;

  /** The state of what others hold as well, which the new scope is to get; null if none do. */
  private final SharedAllocation others;

  /** What the new scope has a hold of; null if it needs none. */
  private SharedAllocation hold;

  /** The chunk of the arena in which the bytes are; 0 where others hold them, or for no bytes. */
  private long chunk;

  /** Whether the scope began in that chunk, before the bytes. */
  private boolean beganHere;

  /** Whether the chunk was taken since the scope began. */
  private boolean isSince;

  /** Whether the chunk was another arena's before. */
  private boolean isAdopted;

  /** Whether something else lies in these bytes. */
  private boolean crossed;

  /** Whether other results lie in chunks that were taken since, too. */
  private boolean isOneOfSeveral;

  /** Whether the bytes are pinned where they are, and whether they may move all the same. */
  private boolean stays;

  private boolean movesIfThereIsRoom;

  /**
   * Whether nobody has a share: who else holds the bytes has a TensorPin, which freezes nothing.
   */
  private final boolean writable;

  private KeptResult(Scope ending, Scope into, Tensor... results) {
    Tensor first = results[0];
    this.ending = ending;
    this.into = into;
    this.arena = ending.context.arena();
    this.origin = first.origin();
    this.others = othersHolding(first);
    long end = first.start();
    for (Tensor each : results) {
      end = Math.max(end, each.start() + each.byteCount());
    }
    this.from = first.start();
    this.size = end - from;
    this.writable = !first.isFrozen();
    this.alignment = ending.context.alignmentOf(first.dtype());
    this.held = holder(results);
    this.inPlace = new Tensor[results.length];
    for (int i = 0; i < results.length; i++) {
      boolean isHeld = others == null ? results.length == 1 : results[i] == origin;
      inPlace[i] = isHeld ? held : results[i].viewOf(held);
    }
  }

  private Tensor holder(Tensor[] results) {
    Tensor first = results[0];
    if (others != null) {
      Tensor kept = new Tensor(origin, into);
      kept.shared = others;
      return kept;
    }
    if (results.length == 1) {
      return first.movedTo(first.window, first.offset, into);
    }
    Window window = first.window.seeing(from, size);
    Shape shape = Shape.of(size >> first.dtype.shift);
    return new Tensor(window, (int) (from - window.address), size, first.dtype, shape, into);
  }

  /**
   * Returns the state of bytes that cannot move: they were wrapped, or taken over, or did not move
   * once before; or a tracked resource gave others a share while it was closed, so that the result
   * is frozen and stays where they read it. Else null.
   */
  static SharedAllocation othersHolding(Tensor result) {
    SharedAllocation state = result.origin().shared;
    return state != null && (result.window.isForeign() || state.outlasts || !state.isSoleHolder())
        ? state
        : null;
  }

  /**
   * Returns a tensor whose bytes can be moved. Bytes that were shared may still be read by others,
   * and those of a strided view have gaps, so both are copied first.
   */
  static Tensor copiedIfNeeded(Tensor result, ExecutionContext context) {
    return result.isFrozen() || !result.isContiguous() ? result.copy(context) : result;
  }

  /**
   * Makes ready to keep results; nothing of the user's runs between this and the scope's end.
   *
   * @param results of one origin, by their addresses
   * @throws OutOfMemoryError if the heap has no room for the new handles; nothing has changed then
   */
  static KeptResult of(Scope ending, Scope into, Tensor... results) {
    KeptResult kept = new KeptResult(ending, into, results);
    if (kept.others == null && kept.size != 0) {
      kept.makeReady();
    }
    return kept;
  }

  private void makeReady() {
    chunk = arena.chunkOf(from, size);
    if (chunk == 0) {
      return;
    }
    beganHere = arena.isMarkIn(chunk, ending.markCursor, from);
    isSince = !beganHere && arena.isSince(chunk, ending.markNewest);
    isAdopted = isSince && NativeArena.isAdopted(arena, chunk);
    pin = Held.ready(ending.context, chunk, from, size);
  }

  // ---- of several

  /** In which order they move: those in the chunks that stay are in nobody's way. */
  int order() {
    return beganHere ? 0 : isSince ? 2 : 1;
  }

  boolean isSince() {
    return isSince;
  }

  /** Has the bytes stay, since others that are kept lie in them, too. */
  void cross() {
    crossed = true;
  }

  /** Has the bytes be pinned before the rewind, so that no other result is moved onto them. */
  void pinFirst() {
    isOneOfSeveral = true;
  }

  /** Takes back what was made ready, since the scope does not end. */
  void giveUp() {
    Held.drop(arena, chunk);
  }

  // ---- the phases

  /**
   * Gives what others hold as well to the new scope, before the ending one lets it go: or one of
   * them could find itself alone meanwhile.
   */
  void passOn() {
    if (others == null) {
      return;
    }
    remove(others, origin.scope);
    others.outlasts = true; // its chunk may leave
    into.add(others);
    hold = others;
  }

  /** Takes an allocation out of the list of a scope, in which it is. */
  private static void remove(SharedAllocation allocation, Scope scope) {
    if (scope.shared == allocation) {
      scope.shared = allocation.next;
      return;
    }
    SharedAllocation before = scope.shared;
    while (before.next != allocation) {
      before = before.next;
    }
    before.next = allocation.next;
  }

  /** Returns whether a limit may refuse, after the rewind, the padding in front of what moves. */
  private boolean mayFindNoRoom() {
    return arena.lent && arena.memoryLimit != NativeArena.UNLIMITED;
  }

  /** Decides whether the bytes stay where they are, while no result is pinned yet. */
  void decide() {
    boolean must = chunk != 0 && mustStay();
    boolean first = isSince && (isOneOfSeveral || isFar() || mayFindNoRoom());
    stays = must || first;
    movesIfThereIsRoom = first && !must && !isFar() && !isAlone();
  }

  private boolean mustStay() {
    if (crossed
        || isAdopted
        || arena.overwritesEnded()
        || from < ending.markCursor && ending.markCursor < from + size) {
      return true;
    }
    if (!beganHere) {
      return arena.isPinned(chunk);
    }
    long floor = arena.floor(chunk);
    return floor == ChunkPins.UNKNOWN || floor > from && floor < from + size;
  }

  /** Whether the bytes have their chunk for themselves, which is as good as the arena's then. */
  private boolean isAlone() {
    return size >= LARGE
        && chunk != arena.chunk()
        && from == ChunkPins.base(arena, arena.window(), chunk);
  }

  /** Whether a scope that stays open lies between, whose end the bytes outlive too. */
  private boolean isFar() {
    return into != ending.parent;
  }

  /** Pins what stays, before the memory is rewound; allocates nothing. */
  void settle() {
    if (stays) {
      take();
    } else if (chunk != 0 && !isFar()) {
      Held.drop(arena, chunk);
    }
  }

  /** Has the new scope hold the bytes where they are now. */
  private void take() {
    pin.keep(arena, held.start());
    into.add(pin);
    pin.thaw(held);
    held.shared = pin;
    hold = pin;
  }

  /**
   * Moves the bytes, if they do, after the memory was rewound; no limit can refuse that.
   *
   * @param rewound where the cursor was then
   */
  void move(long rewound) {
    if (hold == null && chunk != 0 && arena.chunkOf(from, size) == 0) {
      if (beganHere || isAhead()) {
        moveDown(rewound);
      } else {
        moveTo(arena.allocate(size, alignment), arena.window());
      }
    } else if (movesIfThereIsRoom) {
      moveIfThereIsRoom();
    }
    if (hold == null && chunk != 0 && isFar()) {
      take();
    }
    if (hold != null) {
      charge();
      if (writable || held.window.isForeign() && hold.isSoleHolder()) {
        hold.thaw(held);
      }
    }
  }

  /**
   * Whether the bytes lie above the cursor in its chunk, though the scope did not begin there: if
   * its mark was the first byte. What is allocated then may be padded up onto the next result.
   */
  private boolean isAhead() {
    return arena.chunk() == chunk && arena.cursor() <= from;
  }

  /** Moves the bytes to the cursor, or has the arena hand them out where they are. */
  private void moveDown(long rewound) {
    long to = arena.cursor() + alignment - 1 & -alignment;
    Window window = held.window.reaches(to, size) ? held.window : Window.known(to, size);
    if (to >= from || window == null) {
      if (arena.cursor() == rewound && from > rewound) { // in front of it there are ended bytes
        Leftovers.add(ending.parent, ending, rewound, from);
      }
      arena.advanceTo(from + size);
    } else {
      arena.advanceTo(to + size);
      moveTo(to, window);
    }
  }

  /**
   * Moves the bytes to room that was allocated. Where they were in a later chunk than the mark's,
   * that is in the first chunk on which they fit, at the latest their own. They are in a later one
   * because they did not fit behind more than there is in the mark's now: so much was charged since
   * the mark that even the padding in front of them is covered. (Native code can have had a chunk
   * taken before there was need, so that this is not true of lent arenas.)
   */
  private void moveTo(long to, Window window) {
    NativeArena.move(held, from, held, to, size);
    for (Tensor each : inPlace) {
      if (each != held) {
        each.place(window, (int) (to + (each.start() - from) - window.address));
      }
    }
    held.place(window, (int) (to - window.address));
  }

  /** Moves pinned bytes of a chunk that has left the arena, which goes home then. */
  private void moveIfThereIsRoom() {
    long to;
    try {
      to = arena.allocate(size, alignment);
    } catch (MemoryLimitExceededException | OutOfMemoryError e) {
      return;
    }
    moveTo(to, arena.window());
    remove(pin, into);
    held.shared = null;
    hold = null;
    Held.drop(arena, chunk);
    NativeArena.releaseChunk(chunk);
  }

  /** Has the bytes be charged until their new scope ends, also past the ends of those between. */
  private void charge() {
    long bytes = held.spannedBytes();
    boolean beside = hold.isBeside(arena, held.start(), bytes);
    if (beside) {
      arena.charge(bytes);
    }
    for (Scope each = ending.parent; each != into; each = each.parent) {
      if (!each.isAdopted()
          && (beside || hold.chunk != 0 && arena.isSince(hold.chunk, each.markNewest))) {
        each.markCharged += bytes;
        arena.chargedBeside = true;
      }
    }
  }
}
