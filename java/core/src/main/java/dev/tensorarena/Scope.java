package dev.tensorarena;

import java.util.Objects;
import java.util.function.Function;

/**
 * A mark in an {@link ExecutionContext} that is rewound: tensors allocated while it is the
 * innermost open scope die when it closes.
 *
 * <pre>{@code
 * try (Scope scope = ctx.scope()) {
 *   Tensor temporary = ctx.empty(DType.FLOAT32, shape);
 *   ...
 * }
 * }</pre>
 *
 * <p>Belongs to the thread of its context; from another thread every method throws {@link
 * IllegalStateException}. Closing costs the same whatever the number of tensors.
 */
public final class Scope implements AutoCloseable {
  /**
   * The context's thread while the scope is open, null once it has ended: one comparison tells a
   * tensor that it is alive and on its own thread.
   */
  Thread owner;

  /** What ended it, or is about to, to go after "is dead:"; null while open. */
  private String ended;

  final ExecutionContext context;

  /** The enclosing scope; null for the context's root scope. */
  final Scope parent;

  /** What is closed with the scope; null until there is something. */
  private Resources resources;

  /** Allocations that were shared, or came shared: the last of a list. */
  private SharedAllocation shared;

  private final long markChunk;
  private final long markCursor;
  private final long markCharged;
  private final long markWasted;

  /** A scope that begins where the arena stands now. */
  Scope(ExecutionContext context, Scope parent) {
    Arena arena = context.arena();
    this.context = context;
    this.parent = parent;
    this.owner = parent.owner;
    this.markChunk = arena.chunk();
    this.markCursor = arena.cursor();
    this.markCharged = arena.charged();
    this.markWasted = arena.wasted();
  }

  /** The root scope of a context, which begins before the first chunk. */
  Scope(ExecutionContext context, Thread owner) {
    this.context = context;
    this.parent = null;
    this.owner = owner;
    this.markChunk = 0;
    this.markCursor = 0;
    this.markCharged = 0;
    this.markWasted = 0;
  }

  /**
   * Closes a resource when this scope ends, before its tensors die. The last one tracked is closed
   * first, and each is closed even when another throws.
   *
   * @param <T> the type of the resource
   * @param resource what to close
   * @return the resource
   * @throws IllegalStateException if the scope has ended, or on another thread
   */
  public <T extends AutoCloseable> T track(T resource) {
    Objects.requireNonNull(resource, "resource");
    checkOpen();
    resources().add(resource);
    return resource;
  }

  private Resources resources() {
    if (resources == null) {
      resources = new Resources();
    }
    return resources;
  }

  /**
   * Returns the guard of a class for this scope, and makes it when there is none.
   *
   * @param <T> the class of the guard
   * @param type the class of the guard, exactly
   * @param maker makes a new one for this scope, which it must not use yet
   * @return the one guard of this class until the scope ends
   * @throws IllegalArgumentException if what is made is of another class, or guards something else
   * @throws IllegalStateException if the scope has ended, or on another thread
   */
  public <T extends Guard> T guard(Class<T> type, Function<? super Scope, ? extends T> maker) {
    return guard(type, maker, this);
  }

  /** The same, made of a tensor of this scope. */
  <A, T extends Guard> T guard(Class<T> type, Function<? super A, ? extends T> maker, A guarded) {
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(maker, "maker");
    checkOpen();
    return resources().guard(type, maker, guarded, isClosing());
  }

  /**
   * Allocates uninitialised bytes that live until this scope ends. The scope need not be the
   * innermost one: scopes inside it may be open and may end before, and then keep the chunk of
   * these bytes from being used again. Afterwards its bytes are unspecified and may be another
   * tensor's.
   *
   * @param bytes how many
   * @param alignment a power of two from 1 to 4096
   * @return an absolute address, not 0
   * @throws IllegalArgumentException if a number is out of range
   * @throws MemoryLimitExceededException if a limit would be passed
   * @throws OutOfMemoryError if the system refuses memory
   * @throws IllegalStateException if the scope has ended, or on another thread
   */
  public long allocateAddress(long bytes, int alignment) {
    checkOpen();
    if (bytes < 0) {
      throw new IllegalArgumentException("negative size: " + bytes + " bytes");
    }
    ExecutionContext.checkAlignment(alignment);
    Arena arena = context.arena();
    arena.expose();
    long start = arena.allocate(bytes, alignment);
    if (context.current != this && bytes > 0) {
      add(SharedAllocation.heldFor(context, start, bytes));
    }
    return start;
  }

  /**
   * Ends the scope except for one result, which is moved down to the scope's mark and becomes a
   * tensor of the enclosing scope, contiguous and writable. Its old handle dies with the scope. A
   * tensor that does not end with this scope (one of an enclosing scope, of another context, or a
   * shared handle) is returned as it is.
   *
   * @param result the tensor to keep
   * @return the tensor of the enclosing scope with the same contents
   * @throws IllegalStateException if the scope or the tensor has ended, or on another thread
   * @throws MemoryLimitExceededException if the result is shared or a strided view, which takes a
   *     copy first, and the limit leaves no room for it; the scope is still open then
   */
  public Tensor closeKeeping(Tensor result) {
    checkOpen();
    checkNoneClosing();
    result.use();
    Tensor kept = result.endsWith(this) ? movable(result) : null;
    Tensor moved = result;
    Throwable failure = endAll("its scope was closed");
    if (kept == null) {
      rewind();
    } else {
      moved = moveDown(kept);
    }
    Resources.rethrow(failure);
    return moved;
  }

  /**
   * Before anything has ended: the tensor whose bytes can be moved. Bytes that were shared may
   * still be read by others, and strided ones would be scattered, so both are copied to the top
   * first.
   */
  private Tensor movable(Tensor result) {
    return result.wasShared() || !result.isContiguous() ? result.copy(context) : result;
  }

  /**
   * Rewinds this scope, which has ended, and moves the bytes of a tensor, which ended with it, down
   * to the mark.
   *
   * <p>This takes no memory that the scope did not have: the tensor's own chunk stays with the
   * arena, and the mark is not above the tensor. Bytes in a chunk that leaves because others pin
   * it, bytes of raw room, aligned as the user chose, and bytes that the rewind would overwrite
   * stay where they are and are pinned for the enclosing scope.
   */
  private Tensor moveDown(Tensor kept) {
    Arena arena = context.arena();
    SharedAllocation others = kept.origin().shared;
    if (others != null && others.tryRetain()) {
      // A resource of the scope shared it while it closed: frozen, it stays where others read it.
      rewind();
      parent.add(others);
      return kept.movedTo(kept.window, kept.offset, parent, others);
    }
    long from = kept.start();
    long size = kept.byteCount();
    long chunk = size == 0 ? 0 : arena.chunkOf(from, size);
    if (chunk == 0) { // a user's own buffer, or no bytes at all
      rewind();
      return kept.movedTo(kept.window, kept.offset, parent, null);
    }
    boolean leaves = chunk != markChunk && arena.isPinned(chunk);
    if (leaves || kept.window.isForeign() || arena.overwritesEnded()) {
      SharedAllocation held = SharedAllocation.heldFor(context, from, size);
      parent.add(held); // before anything that finds no heap
      rewind();
      Tensor moved = kept.movedTo(kept.window, kept.offset, parent, held);
      held.thaw(moved);
      return moved;
    }
    rewind();
    if (arena.isInCurrentChunk(from, size)) {
      // Below the floor of a pinned chunk: nothing will be allocated over it.
      return kept.movedTo(kept.window, kept.offset, parent, null);
    }
    long to = arena.allocate(size, context.alignmentOf(kept.dtype()));
    Window window = arena.window();
    NativeArena.move(from, to, size);
    return kept.movedTo(window, (int) (to - window.address), parent, null);
  }

  /**
   * Ends the scope and the scopes inside it: closes what they track, and their tensors die. Shared
   * tensors keep their bytes until they are closed. Closing twice does nothing.
   *
   * @throws IllegalStateException on another thread than the context's
   */
  @Override
  public void close() {
    if (owner == null || ended != null) {
      return;
    }
    checkOpen();
    Throwable failure = endAll("its scope was closed");
    rewind();
    Resources.rethrow(failure);
  }

  private void rewind() {
    context.arena().rewind(markChunk, markCursor, markCharged, markWasted);
  }

  // ---- the chain of open scopes, from the context's innermost one to its root

  /**
   * Ends this scope and those inside it, innermost first: closes what is tracked, lets the tensors
   * die and the holds go. The memory is rewound by the caller.
   *
   * @return the first failure of a tracked resource, or null
   * @throws RuntimeException if a guard refuses; its scope and those around it are open then
   */
  Throwable endAll(String reason) {
    checkNoneClosing();
    return end(reason, endInside(reason, null));
  }

  /**
   * Refuses to end a scope from within the end of one inside it: a resource's close() asks that.
   */
  private void checkNoneClosing() {
    for (Scope scope = context.current;
        scope != null;
        scope = scope == this ? null : scope.parent) {
      if (scope.isClosing()) {
        throw new IllegalStateException(
            context + " cannot be ended by a resource that it is closing at this moment");
      }
    }
  }

  private Throwable endInside(String reason, Throwable earlier) {
    Throwable failure = earlier;
    while (context.current != this) {
      failure = context.current.end(reason, failure);
    }
    return failure;
  }

  /** The end of this scope alone; returns the earlier failure, or else its own first. */
  private Throwable end(String reason, Throwable earlier) {
    ended = reason;
    closeGuards(earlier);
    Throwable failure = earlier;
    do { // what is closed may track more, or leave scopes of its own open
      failure = resources == null ? failure : resources.close(failure);
      failure = endInside(reason, failure);
    } while (resources != null && !resources.isEmpty());
    owner = null;
    context.current = parent == null ? this : parent;
    Arena arena = context.arena();
    for (SharedAllocation last = shared; last != null; ) {
      SharedAllocation next = last.next;
      last.next = null;
      last.end(arena);
      last = next;
    }
    shared = null;
    return failure;
  }

  /** Asks the guards; one that refuses, and those after it, stay, and so does the scope. */
  private void closeGuards(Throwable earlier) {
    if (resources == null) {
      return;
    }
    try {
      resources.closeGuards();
    } catch (Throwable refusal) {
      ended = null;
      if (earlier != null) {
        refusal.addSuppressed(earlier);
      }
      throw refusal;
    }
  }

  /** An allocation that was shared, or came shared: its holder goes when this scope ends. */
  void add(SharedAllocation allocation) {
    allocation.next = shared;
    shared = allocation;
  }

  /** Whether it is ending at this moment: closing what it tracks, with its tensors still alive. */
  private boolean isClosing() {
    return ended != null && owner != null;
  }

  private void checkOpen() {
    if (owner != Thread.currentThread()) {
      throw refusal("this scope");
    }
  }

  /** Why something of this scope cannot be used by the calling thread. */
  IllegalStateException refusal(String what) {
    Thread belongsTo = owner;
    if (belongsTo != null) {
      return new IllegalStateException(
          what
              + " belongs to thread \""
              + belongsTo.getName()
              + "\" with "
              + context
              + " and was used by thread \""
              + Thread.currentThread().getName()
              + "\"; share() is how a tensor leaves its thread");
    }
    String reason = ended; // of another thread's scope perhaps not seen yet
    return new IllegalStateException(
        what + " of " + context + " is dead: " + (reason == null ? "its scope ended" : reason));
  }
}
