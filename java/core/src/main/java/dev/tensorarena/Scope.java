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

  private Guard guards;
  private Resources resources;
  private Pin pins;

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
    if (resources == null) {
      resources = new Resources();
    }
    resources.add(resource);
    return resource;
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
    T guard = Guard.find(guards, type);
    return guard != null ? guard : makeGuard(type, maker, guarded);
  }

  private <A, T extends Guard> T makeGuard(
      Class<T> type, Function<? super A, ? extends T> maker, A guarded) {
    T guard = Guard.make(type, maker, guarded);
    if (isClosing()) {
      guard.linkedTo(null);
      return track(guard); // too late to refuse
    }
    guards = guard.linkedTo(guards);
    return guard;
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
    if (!context.isInnermost(this) && bytes > 0) {
      add(Keeper.pinnedFor(context, start, bytes));
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
    context.checkNoneClosing(this);
    result.use();
    Tensor kept = result.endsWith(this) ? Keeper.prepare(context, result) : null;
    Tensor moved = result;
    Throwable failure = endAll();
    if (kept == null) {
      rewind();
    } else {
      moved = Keeper.moveDown(this, kept);
    }
    Resources.rethrow(failure);
    return moved;
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
    context.checkNoneClosing(this);
    Throwable failure = endAll();
    rewind();
    Resources.rethrow(failure);
  }

  /** Ends this scope and those inside it, innermost first, all but the rewind. */
  private Throwable endAll() {
    return end("its scope was closed", context.endInside(this, "its scope was closed", null));
  }

  void rewind() {
    context.arena().rewind(markChunk, markCursor, markCharged, markWasted);
  }

  /**
   * Closes what is tracked, lets the tensors die and the pins go; memory is rewound by the caller.
   *
   * @return the first failure of a tracked resource, or the earlier one, or null
   */
  Throwable end(String reason, Throwable earlier) {
    ended = reason;
    closeGuards(earlier);
    Throwable failure = earlier;
    do { // what is closed may track more, or leave scopes of its own open
      failure = resources == null ? failure : resources.close(failure);
      failure = context.endInside(this, reason, failure);
    } while (resources != null && !resources.isEmpty());
    owner = null;
    context.leave(this);
    Arena arena = context.arena();
    for (Pin pin = pins; pin != null; ) {
      Pin next = pin.next;
      pin.next = null;
      pin.end(arena);
      pin = next;
    }
    pins = null;
    return failure;
  }

  /** Asks the guards; one that refuses, and those after it, stay, and so does the scope. */
  private void closeGuards(Throwable earlier) {
    try {
      while (guards != null) {
        guards = guards.closed();
      }
    } catch (Throwable refusal) {
      ended = null;
      if (earlier != null) {
        refusal.addSuppressed(earlier);
      }
      throw refusal;
    }
  }

  /** An allocation that was shared, or came shared: its holder goes when this scope ends. */
  void add(Pin pin) {
    pin.next = pins;
    pins = pin;
  }

  /** The chunk that the scope began in, 0 if the arena had none then. */
  long markChunk() {
    return markChunk;
  }

  /** Whether it is ending at this moment: closing what it tracks, with its tensors still alive. */
  boolean isClosing() {
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
