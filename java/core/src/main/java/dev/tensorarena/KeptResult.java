package dev.tensorarena;

/**
 * How the result of {@link Scope#closeKeeping} outlives its scope. All that could be refused is had
 * while the tensors are alive, by {@link #of}; {@link #passOn} follows when they have died, {@link
 * #settle} when the scope has let go of its holds, and {@link #moved} when the memory was rewound.
 *
 * <p>The bytes move down to the mark, or in its chunk to the floor above it. They stay where they
 * are, pinned for the enclosing scope,
 *
 * <ul>
 *   <li>where somebody holds them, or a part of them,
 *   <li>in a chunk that leaves the arena, because others pin it,
 *   <li>where the scope began in the midst of them, as only a tensor of {@code tensorAt} has it,
 *   <li>in memory that a user wrapped, and
 *   <li>where the rewind would overwrite them.
 * </ul>
 */
final class KeptResult {
  private final Scope ending;
  private final Arena arena;
  private final long from;
  private final long size;
  private final int alignment;

  /** The tensor that the result is a view of, or itself. */
  private final Tensor origin;

  /** All that stays alive with the result, in the enclosing scope: the origin if others hold it. */
  private final Tensor held;

  /** The result in the enclosing scope, where its bytes are now. */
  private final Tensor inPlace;

  /** The result moved down in its chunk, to the mark and to the floor; null if it does not move. */
  private Tensor atMark;

  private Tensor atFloor;

  /** The result moved to another chunk, where is not known before; null if it does not. */
  private Tensor elsewhere;

  /**
   * What will hold bytes of the arena for the enclosing scope if they stay, see {@link #settle}.
   */
  private Held pin;

  /**
   * The state of what others hold as well, which the enclosing scope is to get; null if none do.
   */
  private final SharedAllocation others;

  /** What the enclosing scope has a hold of; null if it needs none. */
  private SharedAllocation hold;

  /** The chunk of the arena in which the bytes are; 0 where others hold them, or for no bytes. */
  private long chunk;

  /** Whether the scope began in that chunk, before the bytes. */
  private boolean beganHere;

  /** Where the bytes move to if that is in their chunk. */
  private Tensor down;

  /**
   * Whether nobody has a share: who else holds the bytes has a TensorPin, which freezes nothing.
   */
  private final boolean writable;

  private KeptResult(Tensor result, Scope ending) {
    this.ending = ending;
    this.arena = ending.context.arena();
    this.origin = result.origin();
    this.others = othersHolding(result);
    this.from = result.start();
    this.size = result.byteCount();
    this.writable = !result.isFrozen();
    this.alignment = ending.context.alignmentOf(result.dtype());
    if (others == null) {
      this.inPlace = result.movedTo(result.window, result.offset, ending.parent);
      this.held = inPlace;
    } else {
      this.held = new Tensor(origin, ending.parent);
      this.inPlace = result == origin ? held : result.viewOf(held);
      held.shared = others;
    }
  }

  /**
   * Returns the state of bytes that cannot move: they were wrapped, or taken over, or did not move
   * once before; or a tracked resource gave others a share while it was closed, so that the result
   * is frozen and stays where they read it. Else null.
   */
  private static SharedAllocation othersHolding(Tensor result) {
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
   * Makes ready to keep a result; nothing of the user's runs between this and the scope's end.
   *
   * @throws OutOfMemoryError if the heap has no room for the new handles; nothing has changed then
   */
  static KeptResult of(Tensor result, Scope ending) {
    KeptResult kept = new KeptResult(result, ending);
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
    if (beganHere) {
      atMark = movedTo(ending.markCursor);
      long floor = arena.floor(chunk);
      atFloor = floor > ending.markCursor ? movedTo(floor) : null;
    } else {
      elsewhere = inPlace.movedTo(inPlace.window, inPlace.offset, inPlace.scope);
    }
    pin = Held.ready(ending.context, chunk, from, size);
  }

  /** Returns the result with its bytes at the first aligned place, null if that is not below. */
  private Tensor movedTo(long place) {
    long to = place + alignment - 1 & -alignment;
    if (to >= from) {
      return null;
    }
    Window window = Window.over(to, size);
    return inPlace.movedTo(window, (int) (to - window.address), inPlace.scope);
  }

  /**
   * Gives what others hold as well to the enclosing scope, before the ending one lets it go: or one
   * of them could find itself alone meanwhile.
   */
  void passOn() {
    if (others == null) {
      return;
    }
    Scope dead = origin.scope;
    if (dead.shared == others) {
      dead.shared = others.next;
    } else {
      SharedAllocation before = dead.shared;
      while (before.next != others) {
        before = before.next;
      }
      before.next = others.next;
    }
    others.outlasts = true; // its chunk may leave
    ending.parent.add(others);
    hold = others;
  }

  /** Decides where the bytes will be, before the memory is rewound; allocates nothing. */
  void settle() {
    if (chunk == 0) {
      return;
    }
    if (mustStay()) {
      pin.keep(arena);
      ending.parent.add(pin);
      pin.thaw(inPlace);
      inPlace.shared = pin;
      hold = pin;
    } else {
      Held.drop(arena, chunk);
    }
  }

  private boolean mustStay() {
    if (arena.overwritesEnded() || from < ending.markCursor && ending.markCursor < from + size) {
      return true;
    }
    if (!beganHere) {
      return arena.isPinned(chunk);
    }
    long floor = arena.floor(chunk);
    if (floor == ChunkPins.UNKNOWN || floor > from && floor < from + size) {
      return true;
    }
    down = floor <= ending.markCursor ? atMark : floor <= from ? atFloor : null;
    return false;
  }

  /** Moves the bytes, if they do, after the memory was rewound; no limit can refuse that. */
  Tensor moved() {
    if (hold != null) {
      if (hold.isBeside(arena, held.start(), held.spannedBytes())) {
        arena.charge(held.spannedBytes());
      }
      if (writable || inPlace.window.isForeign() && hold.isSoleHolder()) {
        hold.thaw(held);
      }
    } else if (down != null) {
      arena.advanceTo(down.start() + size);
      NativeArena.move(inPlace, from, down, down.start(), size);
      return down;
    } else if (chunk != 0 && arena.chunkOf(from, size) == 0) {
      if (!beganHere) {
        return movedToAnotherChunk();
      }
      Leftovers.add(ending.parent, ending, from); // in front of it there may be ended bytes
      arena.advanceTo(from + size);
    }
    return inPlace;
  }

  /**
   * Moves the bytes to the first chunk from the mark's on which they fit, at the latest their own.
   * They are in a later one because they did not fit behind more than there is in the mark's now:
   * so much was charged since the mark that even the padding in front of them is covered.
   */
  private Tensor movedToAnotherChunk() {
    long to = arena.allocate(size, alignment);
    Window window = arena.window();
    elsewhere.place(window, (int) (to - window.address));
    NativeArena.move(inPlace, from, elsewhere, to, size);
    return elsewhere;
  }
}
