package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.function.Function;

/**
 * A lifetime within that of an {@link ExecutionContext}: tensors allocated while it is the
 * innermost open scope die when it closes, and their memory can be used again.
 *
 * <pre>{@code
 * try (Scope scope = ctx.scope()) {
 *   Tensor temporary = ctx.empty(DType.FLOAT32, shape);
 *   ...
 * }
 * }</pre>
 *
 * <p>A scope belongs to the thread of its context; on another thread every method throws {@link
 * IllegalStateException}. The time to close it does not depend on how many tensors were allocated,
 * but only on how many of them were shared and how many resources are tracked.
 */
public final class Scope implements AutoCloseable {
  private static final VarHandle OWNER;

  static {
    try {
      OWNER = MethodHandles.lookup().findVarHandle(Scope.class, "owner", Thread.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /**
   * The context's thread while the scope is open, null once it has ended. So one comparison tells
   * whether a tensor is alive and on its own thread.
   */
  Thread owner;

  /** Why it has ended or is ending, in words that follow "is dead:"; null while open. */
  private String ended;

  final ExecutionContext context;

  /** The enclosing scope; null for the context's root scope. */
  final Scope parent;

  /** The resources and guards that are closed with the scope; null until there is one. */
  private Resources resources;

  /** The allocations in which this scope has a hold: a linked list, the newest first. */
  SharedAllocation shared;

  /** What scopes inside this one have left, and where the bytes end that this one left. */
  Scope leftovers;

  long leftoversEnd;

  final long markNewest;
  final long markCursor;
  private final long markCharged;
  private final long markWasted;

  /** Opens a scope inside another one, which begins at the arena's cursor. */
  Scope(ExecutionContext context, Scope parent) {
    Arena arena = context.arena();
    this.context = context;
    this.parent = parent;
    this.owner = parent.owner;
    this.markNewest = arena.newest();
    this.markCursor = arena.cursor();
    this.markCharged = arena.charged();
    this.markWasted = arena.wasted();
  }

  /** Opens the root scope of a context, which begins before the first chunk. */
  Scope(ExecutionContext context, Thread owner) {
    this.context = context;
    this.parent = null;
    this.owner = owner;
    this.markNewest = 0;
    this.markCursor = 0;
    this.markCharged = 0;
    this.markWasted = 0;
  }

  /**
   * Registers a resource that is closed when this scope ends, before its tensors die. The resource
   * registered last is closed first, and each is closed even when another one throws.
   *
   * @param <T> the type of the resource
   * @param resource what to close
   * @return the resource
   * @throws IllegalStateException if the scope has ended or belongs to another thread
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
   * Returns the guard of the given class for this scope, and makes it if there is none yet.
   *
   * @param <T> the class of the guard
   * @param type the class of the guard, exactly
   * @param maker makes a new guard for this scope; it may keep the scope, but must not use it yet
   * @return the one guard of this class until the scope ends
   * @throws IllegalArgumentException if the maker returns a guard of another class, or one that
   *     already guards something
   * @throws IllegalStateException if the scope has ended or belongs to another thread
   */
  public <T extends Guard> T guard(Class<T> type, Function<? super Scope, ? extends T> maker) {
    return guard(type, maker, this);
  }

  /** Does the same, with a maker that is given this scope or a tensor of it. */
  <A, T extends Guard> T guard(Class<T> type, Function<? super A, ? extends T> maker, A guarded) {
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(maker, "maker");
    checkOpen();
    return resources().guard(type, maker, guarded, isClosing());
  }

  /**
   * Allocates uninitialised bytes that live until this scope ends; after that they are unspecified
   * and may be another tensor's. This scope need not be the innermost one. If it is not, the bytes
   * pin their chunk, so that the end of a scope inside this one leaves them alone.
   *
   * @param bytes the number of bytes
   * @param alignment a power of two from 1 to 4096
   * @return an absolute address, not 0
   * @throws IllegalArgumentException if a number is out of range
   * @throws MemoryLimitExceededException if a memory limit would be exceeded
   * @throws OutOfMemoryError if the system refuses memory
   * @throws IllegalStateException if the scope has ended or belongs to another thread
   */
  public long allocateAddress(long bytes, int alignment) {
    checkOpen();
    if (bytes < 0) {
      throw new IllegalArgumentException("negative size: " + bytes + " bytes");
    }
    ExecutionContext.checkAlignment(alignment);
    Arena arena = context.arena();
    arena.expose(this);
    long start = arena.allocate(bytes, alignment);
    if (context.current != this && bytes > 0) {
      add(SharedAllocation.heldFor(context, start, bytes));
    }
    return start;
  }

  /**
   * Ends the scope but keeps one result, which becomes a contiguous and writable tensor of the
   * enclosing scope. Its bytes are moved to where the scope began, unless something else holds them
   * there; its old handle dies with the scope. If a tracked resource shares the result while the
   * scope ends, it is frozen. A tensor that does not end with this scope (one of an enclosing
   * scope, of another context, or a shared handle) is returned as it is.
   *
   * @param result the tensor to keep
   * @return the tensor of the enclosing scope with the same contents
   * @throws IllegalStateException if the scope or the tensor has ended or belongs to another thread
   * @throws MemoryLimitExceededException if the result was shared or is a strided view, so that it
   *     must be copied first, and the memory limit leaves no room for the copy; the scope is still
   *     open then
   */
  public Tensor closeKeeping(Tensor result) {
    checkOpen();
    checkNoneClosing();
    result.use();
    Tensor kept = result.endsWith(this) ? movable(result) : null;
    Tensor moved = result;
    // Held before this scope lets go, which may be the last one to hold wrapped memory.
    SharedAllocation wrapped =
        kept == null || !kept.window.isForeign() ? null : kept.origin().shared;
    Throwable failure = wrapped == null ? endAll("its scope was closed") : endHolding(wrapped);
    if (kept == null) {
      rewind();
    } else if (wrapped != null) {
      moved = keptInPlace(kept, wrapped);
    } else {
      moved = moveDown(kept);
    }
    context.tellReleased();
    Resources.rethrow(failure);
    return moved;
  }

  private Throwable endHolding(SharedAllocation wrapped) {
    wrapped.tryRetain();
    try {
      return endAll("its scope was closed");
    } catch (Throwable refusal) {
      wrapped.release();
      throw refusal;
    }
  }

  /** Hands the hold of wrapped memory to the enclosing scope; frozen, if others hold it too. */
  private Tensor keptInPlace(Tensor kept, SharedAllocation wrapped) {
    rewind();
    parent.add(wrapped);
    Tensor moved = kept.movedTo(kept.window, kept.offset, parent, wrapped);
    if (wrapped.isSoleHolder()) {
      wrapped.thaw(moved);
    }
    return moved;
  }

  /**
   * Returns the tensor whose bytes will be moved; called before anything has ended. Bytes that were
   * shared may still be read by others, and those of a strided view have gaps, so both are copied
   * first.
   */
  private Tensor movable(Tensor result) {
    return result.wasShared() || !result.isContiguous() ? result.copy(context) : result;
  }

  /**
   * Rewinds this scope, which has ended, and moves the bytes of a tensor that ended with it to
   * where the scope began.
   *
   * <p>This needs no memory that the scope did not have: the tensor's own chunk stays with the
   * arena, and the mark is not above the tensor. Some bytes stay where they are and are pinned for
   * the enclosing scope: those in a chunk that leaves the arena because others pin it, and those
   * that the rewind would overwrite.
   */
  private Tensor moveDown(Tensor kept) {
    Arena arena = context.arena();
    SharedAllocation others = kept.origin().shared;
    if (others != null && others.tryRetain()) {
      // A tracked resource shared it while it was closed: it is frozen, and stays where others read
      // it.
      rewind();
      parent.add(others);
      return kept.movedTo(kept.window, kept.offset, parent, others);
    }
    long from = kept.start();
    long size = kept.byteCount();
    long chunk = size == 0 ? 0 : arena.chunkOf(from, size);
    if (chunk == 0) { // no bytes at all
      rewind();
      return kept.movedTo(kept.window, kept.offset, parent, null);
    }
    boolean leaves = !arena.isMarkIn(chunk, markCursor, from) && arena.isPinned(chunk);
    if (leaves || arena.overwritesEnded()) {
      SharedAllocation held = SharedAllocation.heldFor(context, from, size);
      parent.add(held); // before anything that may run out of heap
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
    NativeArena.move(kept, from, parent, to, size);
    return kept.movedTo(window, (int) (to - window.address), parent, null);
  }

  /**
   * Ends the scope and the scopes inside it: closes their guards and the resources that they track,
   * and lets their tensors die. Shared handles keep their bytes until they are closed. Closing
   * twice does nothing. What a tracked resource throws is thrown once all is closed, and the scope
   * has ended then; what a guard throws keeps its scope open.
   *
   * @throws IllegalStateException if the scope belongs to another thread, or if the caller is a
   *     tracked resource of a scope inside it that is being closed
   */
  @Override
  public void close() {
    if (owner == null || ended != null) {
      return;
    }
    checkOpen();
    Throwable failure = endAll("its scope was closed");
    rewind();
    context.tellReleased();
    Resources.rethrow(failure);
  }

  private void rewind() {
    long end = context.arena().rewind(markNewest, markCursor, markCharged, markWasted);
    if (end != markCursor) {
      Leftovers.add(parent, this, end);
    }
  }

  /**
   * Makes the calling thread the owner of this root scope and of those inside it, if their owner
   * has ended; of several threads that try, one succeeds. It sees all that the owner did.
   *
   * @return the owner that has ended, for {@link #disown}; null if it has not, or another thread
   *     was first
   */
  Thread adopt() {
    Thread mine = Thread.currentThread();
    Thread before = (Thread) OWNER.getAcquire(this);
    // It is the caller's already if an error came in between here.
    if (before != mine
        && (before == null || before.isAlive() || !OWNER.compareAndSet(this, before, mine))) {
      return null;
    }
    own(mine);
    return before;
  }

  /**
   * Gives adopted scopes back, as far as they are still open, so that any thread may adopt them.
   */
  void disown(Thread before) {
    if (owner != null) {
      own(before);
      OWNER.setRelease(this, before);
    }
  }

  private void own(Thread thread) {
    for (Scope inner = context.current; inner != this; inner = inner.parent) {
      inner.owner = thread;
    }
  }

  // ---- the chain of open scopes, from the context's innermost one to its root

  /**
   * Ends this scope and those inside it, innermost first: closes what is tracked, lets the tensors
   * die and releases the holds. The caller rewinds the memory.
   *
   * @return the first failure of a tracked resource, or null
   * @throws RuntimeException if a guard refuses; its scope and those around it stay open then
   */
  Throwable endAll(String reason) {
    checkNoneClosing();
    return end(reason, endInside(reason, null));
  }

  /**
   * Throws if this scope or one inside it is just being ended: then the caller is a resource that
   * the end is closing.
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

  /** Ends this scope alone; returns the earlier failure if there was one, else its own first. */
  private Throwable end(String reason, Throwable earlier) {
    ended = reason;
    closeGuards(earlier);
    Throwable failure = earlier;
    do { // a resource may track another one, or open a scope and leave it open
      failure = resources == null ? failure : resources.close(failure);
      failure = endInside(reason, failure);
    } while (resources != null && !resources.isEmpty());
    owner = null;
    context.current = parent == null ? this : parent;
    for (SharedAllocation last = shared; last != null; ) {
      SharedAllocation next = last.next;
      last.next = null;
      last.end(context);
      last = next;
    }
    shared = null;
    return failure;
  }

  /**
   * Asks the guards; when one refuses, it and those made before it stay, and the scope stays open.
   */
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

  /** Adds an allocation in which this scope has a hold, to be released when the scope ends. */
  void add(SharedAllocation allocation) {
    allocation.next = shared;
    shared = allocation;
  }

  /**
   * Returns whether this scope is just being ended: it closes what it tracks, and its tensors are
   * still alive.
   */
  private boolean isClosing() {
    return ended != null && owner != null;
  }

  private void checkOpen() {
    if (owner != Thread.currentThread()) {
      throw refusal("this scope");
    }
  }

  /**
   * Returns the exception that says why something of this scope cannot be used by the calling
   * thread.
   */
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
              + (belongsTo.isAlive()
                  ? "\"; share() is how a tensor leaves its thread"
                  : "\"; its thread has ended, so that close() of the context is all that is"
                      + " left"));
    }
    String reason = ended; // another thread may not see it yet
    return new IllegalStateException(
        what + " of " + context + " is dead: " + (reason == null ? "its scope ended" : reason));
  }
}
