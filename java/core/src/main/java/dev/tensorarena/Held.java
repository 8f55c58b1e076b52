package dev.tensorarena;

/**
 * The state of bytes that a scope holds although they do not lie among its own: it knows where they
 * are. They were allocated while a scope inside it was the innermost one, kept when such a one
 * ended, or taken over from a shared handle.
 *
 * <p>They are charged until the scope ends. Where their chunk is not the arena's, or leaves it,
 * they are {@linkplain Arena#charge charged} by themselves.
 */
final class Held extends SharedAllocation {
  private long address;
  private final long size;

  /** Holds nothing yet. */
  private Held(ExecutionContext context, long address, long size) {
    super(context);
    this.address = address;
    this.size = size;
    this.outlasts = true;
  }

  /**
   * Allocates bytes for an open scope, which need not be the innermost one, but is nobody's part.
   */
  static long allocate(Scope scope, long bytes, long alignment) {
    Arena arena = scope.context.arena();
    arena.expose(scope);
    while (true) {
      try {
        long start = arena.allocate(bytes, alignment);
        if (scope.context.current.home() != scope && bytes > 0) {
          hold(scope, start, bytes);
        }
        return start;
      } catch (MemoryLimitExceededException refusal) {
        Pressure.relieve(arena, refusal);
        scope.checkOpen(); // once more: a listener may have closed it
      }
    }
  }

  /** Has a scope hold bytes that were allocated in the innermost one, which is inside it. */
  private static void hold(Scope scope, long address, long size) {
    Held held = new Held(scope.context, address, size);
    held.begin(address, size);
    scope.add(held);
    held.chargePastScopesInside(scope);
  }

  /**
   * Has the bytes stay charged at the ends of the scopes inside theirs. Where their chunk was taken
   * since such a scope began, it leaves the arena when that ends, since it is pinned.
   */
  private void chargePastScopesInside(Scope scope) {
    Arena arena = scope.context.arena();
    for (Scope inner = scope.context.current; inner != scope; inner = inner.parent) {
      if (!inner.isAdopted() && arena.isSince(chunk, inner.markNewest)) {
        inner.markCharged += size;
        arena.chargedBeside = true;
      }
    }
  }

  /**
   * Makes ready to {@linkplain #keep hold} bytes in a chunk, which may be another arena's, or to
   * {@linkplain #drop not} do so after all; neither asks the heap for anything.
   *
   * @param chunk 0 for bytes that are in none
   */
  static Held ready(ExecutionContext context, long chunk, long address, long size) {
    Held held = new Held(context, address, size);
    if (chunk != 0) {
      context.arena().countHold(chunk); // last: what fails before has counted nothing
    }
    return held;
  }

  /** Holds the bytes where they are now, in the chunk for which this was made ready. */
  void keep(Arena arena, long at) {
    address = at;
    chunk = arena.pin(at, size);
  }

  static void drop(Arena arena, long chunk) {
    if (chunk != 0) {
      arena.letGo(chunk);
    }
  }

  /**
   * Has the scope of a new tensor take the bytes of a shared handle over, which is closed so, if
   * that alone holds them.
   *
   * @param sealed what the handle tracks, as for {@link SharedTensor#claim}
   * @param taken the same elements, which may be written then
   * @return false if others hold them; the handle is open then
   * @throws MemoryLimitExceededException if the memory limit would be exceeded
   * @throws IllegalStateException if another thread has released the handle
   */
  static boolean takeOver(SharedTensor handle, HandleResources sealed, Tensor taken) {
    StackRoom.requireForUsers(); // also for what the handle tracks, which is closed at last
    SharedAllocation ceding = handle.shared;
    Scope scope = taken.scope;
    Arena arena = scope.context.arena();
    long start = taken.start();
    long bytes = taken.spannedBytes();
    boolean beside = ceding.isBeside(arena, start, bytes);
    if (beside) {
      arena.check(bytes, 1);
    }
    Held held = ready(scope.context, ceding.chunk, start, bytes);
    boolean claimed = false;
    try {
      claimed = handle.claim(sealed);
    } finally {
      if (!claimed) {
        drop(arena, ceding.chunk);
      }
    }
    if (claimed) {
      held.chunk = ceding.chunk;
      held.foreign = ceding.foreign;
      scope.add(held);
      taken.thawed(held);
      if (beside) {
        arena.charge(bytes);
      }
    }
    return claimed;
  }

  /** Returns the chunk of bytes that an open scope holds so; 0 if none does. */
  static long chunkOf(Scope innermost, long address, long size) {
    for (Scope open = innermost; open != null; open = open.parent) {
      for (SharedAllocation each = open.shared; each != null; each = each.next) {
        if (each instanceof Held held && held.contains(address, size)) {
          return held.chunk;
        }
      }
    }
    return 0;
  }

  private boolean contains(long at, long bytes) {
    return at >= address && bytes <= size - (at - address);
  }
}
