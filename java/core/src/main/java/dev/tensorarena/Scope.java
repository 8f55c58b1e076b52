package dev.tensorarena;

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
 * <p>A scope belongs to the thread of its context; on another thread every method but {@link
 * #isOpen} throws {@link IllegalStateException} while it is open. The time to close it does not
 * depend on how many tensors were allocated, but only on how many of them were shared and how many
 * resources are tracked.
 *
 * <p>Nothing breaks an end off for good: whatever a guard or a resource throws, and also when the
 * stack or the heap ends in the middle, the next {@code close()}, {@link ExecutionContext#reset()}
 * or {@link ExecutionContext#close()} goes on where it stopped, and until then the context can be
 * used.
 *
 * <p>The scopes of a context that was {@linkplain ExecutionContext#adopt adopted} are one with the
 * scope that adopted it: they end with that, and closing them does nothing.
 */
public sealed class Scope implements OpenResource permits PartScope {
  static {
    StackRoom.prepare();
  }

  /**
   * The context's thread while the scope is open, null once it has ended, and a {@link
   * DetachedContext} in transit. So one comparison tells whether a tensor is alive and on its own
   * thread.
   */
  Object owner;

  /**
   * What has ended it; null while it is open, and {@link End#UNDER_WAY} or {@link End#DETACHING}
   * while a call runs that closes what it tracks.
   */
  End ended;

  /** The context that it is of; another one's once adopted; null in a PartScope. */
  ExecutionContext context;

  /** The enclosing scope; null for the context's root scope, and for a part's. */
  Scope parent;

  /** The resources and guards that are closed with the scope; null until there is one. */
  Resources resources;

  /** The allocations in which this scope has a hold: a linked list, the newest first. */
  SharedAllocation shared;

  /** What scopes inside this one have left, and where the bytes end that this one left. */
  Scope leftovers;

  long leftoversEnd;

  final long markNewest;
  long markCursor;

  /** More than there was where inner scopes will leave bytes of outer ones, see {@link Held}. */
  long markCharged;

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
    (context == null ? this : Resources.latest(this)).resources().add(resource);
    return resource;
  }

  Resources resources() {
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
    return guard(type, maker, home());
  }

  /** Does the same, with a maker that is given this scope or a tensor of it. */
  <A, T extends Guard> T guard(Class<T> type, Function<? super A, ? extends T> maker, A guarded) {
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(maker, "maker");
    checkOpen();
    if (isAdopted()) {
      return home().guard(type, maker, guarded);
    }
    T known = resources == null ? null : resources.guard(type);
    if (known != null) {
      return known;
    }
    Resources all = resources(); // first: nobody would close the guard if there were no heap
    T made = Guard.make(type, maker, guarded);
    if (!isOpen()) {
      made.close(); // the maker has ended or detached this scope, and nobody else would
      checkOpen();
    }
    T guard = all.put(type, made);
    if (guard != made) {
      made.close();
    }
    return guard;
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
    return Held.allocate(home(), bytes, alignment);
  }

  /**
   * Ends the scope but keeps one result, which becomes a contiguous and writable tensor of the
   * enclosing scope. Its bytes are moved to where the scope began, unless something else holds
   * them, they were adopted, or the memory limit leaves no room to; its old handle dies with the
   * scope. If a tracked resource shares the result while the scope ends, it is frozen. A tensor
   * that does not end with this scope (of an enclosing scope or another context, or a shared
   * handle) is returned as it is.
   *
   * <p>No result is lost: what a guard or a tracked resource throws leaves the scope open with its
   * tensors alive, as does a limit or a full heap. The resources are closed then, each once, so
   * that this can be called again. For a tensor that does not end with this scope, which nothing
   * can lose, what a resource throws is thrown as by {@link #close()}: the scope has ended then.
   *
   * @param result the tensor to keep
   * @return the tensor of the enclosing scope with the same contents
   * @throws IllegalStateException if the scope or the tensor has ended or belongs to another thread
   * @throws MemoryLimitExceededException if the result was shared, lies over read-only memory or is
   *     a strided view, so that it must be copied first, and a limit leaves no room for the copy
   * @throws OutOfMemoryError if the system, or the heap, leaves none for the copy or its handles
   */
  public Tensor closeKeeping(Tensor result) {
    return KeptResults.close(this, result);
  }

  /**
   * Does the same with several results: keeps all, or none if it throws. Results of one tensor that
   * lie in one another still do, unless they are copied; one that is given twice comes back twice.
   *
   * @param results the tensors to keep
   * @return the tensors of the enclosing scope with the same contents, at the same indices
   * @throws IllegalStateException and others as {@link #closeKeeping(Tensor)}
   */
  public Tensor[] closeKeeping(Tensor... results) {
    return KeptResults.close(this, null, results);
  }

  /**
   * Does the same, and has the results be tensors of a scope further out. The scopes between stay
   * open, and their ends leave the results alone; a tensor of one of them is returned as it is.
   *
   * @param into the scope that gets the results
   * @param results the tensors to keep
   * @return the tensors of that scope with the same contents, at the same indices
   * @throws IllegalArgumentException if that is no open scope around this one, of the same context
   * @throws IllegalStateException and others as {@link #closeKeeping(Tensor)}
   */
  public Tensor[] closeKeeping(Scope into, Tensor... results) {
    return KeptResults.close(this, Objects.requireNonNull(into, "into"), results);
  }

  /**
   * Ends the scope and the scopes inside it: closes their guards and the resources that they track,
   * and lets their tensors die. Shared handles keep their bytes until they are closed. Closing
   * twice does nothing. What a tracked resource throws is thrown once all is closed, and the scope
   * has ended then; what a guard throws keeps them all open.
   *
   * @throws IllegalStateException if the scope belongs to another thread, or if the caller is a
   *     tracked resource of a scope inside it that is being closed
   */
  @Override
  public void close() {
    if (owner == null) {
      context.goOn();
      return;
    }
    checkOpen();
    if (ended == End.UNDER_WAY) {
      return;
    }
    if (isPlain()) {
      ended = End.SCOPE;
      owner = null;
      rewind();
      context.current = parent;
      context.tellReleased(); // what an error has left
    } else if (!isAdopted()) { // which is never plain
      end(End.SCOPE, null);
    }
  }

  /**
   * Returns whether the calling thread can use this scope.
   *
   * @return false once the scope has ended, and always on another thread than its context's
   */
  @Override
  public boolean isOpen() {
    return owner == Thread.currentThread();
  }

  private void rewind() {
    Arena arena = context.arena();
    long end =
        arena.chargedBeside
            ? arena.rewindInC(markNewest, markCursor, markCharged, markWasted)
            : arena.rewind(markNewest, markCursor, markCharged, markWasted);
    if (end != markCursor) {
      Leftovers.add(parent, this, markCursor, end);
    }
  }

  // ---- the phases of an end, of this scope and of the open ones inside it

  /**
   * Ends this scope and those inside it, in phases:
   *
   * <ol>
   *   <li>the guards of all are asked, and
   *   <li>the tracked resources of all are closed, the innermost scope's first. Whatever these do,
   *       all scopes are open and their tensors alive. What is closed is off its list, so that the
   *       next call goes on where a refusal or an error has stopped this one;
   *   <li>all scopes die at once;
   *   <li>their holds of shared allocations go, and
   *   <li>the memory is rewound. In these three nothing is called but the library, which allocates
   *       nothing, and the stack they take was tried before, unless there is nothing to ask and to
   *       let go. If an error comes here all the same, the context's next call completes them;
   *   <li>whatever lost its last holder is told so.
   * </ol>
   *
   * @param next the next root scope, for a reset; else null
   * @throws RuntimeException what a guard throws to refuse, or what a resource has thrown
   */
  void end(End how, Scope next) {
    Throwable failure = null;
    if (!isPlain()) {
      StackRoom.require();
      enter(End.UNDER_WAY);
      try {
        failure = closeTracked();
      } finally {
        mark(null);
      }
    }
    die(how);
    finish(next);
    context.tellReleased(failure);
  }

  /**
   * Returns whether there is nothing to ask, to close or to let go, and no enclosing scope is just
   * being closed, which would not have this one end before. Then each step of the end can be done
   * again, so that an error which comes in between leaves no more than goOn() completes.
   */
  private boolean isPlain() {
    return resources == null && shared == null && context.current == this && ended == null;
  }

  /** Begins a call that ends these scopes, or detaches their context; not inside of another. */
  void enter(End how) {
    for (Scope each = context.current; each != parent; each = each.parent) {
      if (each.ended != null) {
        throw new IllegalStateException(
            context
                + (how == End.DETACHING
                    ? " cannot be detached by what it is closing at this moment"
                    : " cannot be ended by a resource that it is closing at this moment"));
      }
    }
    mark(how);
  }

  /** Marks these scopes as entered, or with null as open again. */
  void mark(End how) {
    for (Scope each = context.current; each != parent; each = each.parent) {
      each.ended = how;
    }
  }

  /**
   * Closes guards and resources until there are none: one may make others, or open a scope and
   * leave it open.
   *
   * @return the first failure of a resource, with the later ones suppressed, or null; also of one
   *     that was closed before an error broke an end off
   * @throws RuntimeException if a guard refuses
   */
  Throwable closeTracked() {
    while (isTracking()) {
      mark(End.UNDER_WAY); // what was left open, too
      closeGuards();
      for (Scope each = context.current; each != parent; each = each.parent) {
        if (each.resources != null) {
          each.resources.close();
        }
      }
    }
    Throwable failure = null;
    for (Scope each = context.current; each != parent; each = each.parent) {
      if (each.resources != null) {
        failure = Resources.join(failure, each.resources.takeFailure());
      }
    }
    return failure;
  }

  private boolean isTracking() {
    for (Scope each = context.current; each != parent; each = each.parent) {
      if (each.resources != null && !each.resources.isEmpty()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Closes the guards, the outermost scope's first: what is opened while something is in use, as in
   * a callback, lies inside of it, and must not end before that refuses.
   */
  void closeGuards() {
    for (Scope first = outermostGuarded(); first != null; first = outermostGuarded()) {
      first.resources.closeGuards();
    }
  }

  /** Walks for each scope that has guards, since a list of them would take heap. */
  private Scope outermostGuarded() {
    Scope found = null;
    for (Scope each = context.current; each != parent; each = each.parent) {
      if (each.resources != null && each.resources.hasGuards()) {
        found = each;
      }
    }
    return found;
  }

  /** Lets the tensors die. The context's current scope is a dead one until the end is complete. */
  void die(End how) {
    for (Scope each = context.current; each != parent; each = each.parent) {
      each.ended = how;
      each.owner = null;
    }
  }

  /**
   * Completes the end of this scope, the outermost dead one, again if an error has broken it off.
   *
   * @param next the next root scope, for a reset
   */
  void finish(Scope next) {
    letAllGo();
    giveBack(next);
  }

  void giveBack(Scope next) {
    if (ended == End.SCOPE) {
      rewind();
      context.current = parent;
    } else if (ended == End.RESET) {
      context.arena().reset();
      context.current = next;
    } else {
      context.closeArena();
      context.current = this;
      ended = End.CLOSED;
    }
  }

  void letAllGo() {
    for (Scope each = context.current; each != parent; each = each.parent) {
      while (each.shared != null) {
        SharedAllocation last = each.shared;
        SharedAllocation rest = last.next;
        last.next = null;
        try {
          last.end(context); // from here on it may be in the list of another thread's scope
        } catch (Throwable e) { // the stack has ended, and nothing has changed
          last.next = rest;
          throw e;
        }
        each.shared = rest;
      }
    }
  }

  /**
   * Tells whether this is the lifetime of a part, a {@link PartScope}. (It is not returned as one:
   * no call with a class in its signature that is not loaded is inlined.)
   */
  final boolean isPart() {
    return context == null;
  }

  /** Adds an allocation in which this scope has a hold, to be released when the scope ends. */
  void add(SharedAllocation allocation) {
    allocation.next = shared;
    shared = allocation;
  }

  void checkOpen() {
    if (!isOpen()) {
      throw refusal("this scope");
    }
  }

  /** Has another thread own this scope and count in what it shares, or nobody for now. */
  void moveTo(Object next) {
    for (SharedAllocation each = shared; each != null; each = each.next) {
      each.moveTo(next);
    }
    if (owner != null) {
      owner = next;
    }
  }

  /** Returns whether this is one with another scope, which alone ends it, see {@link Adoption}. */
  boolean isAdopted() {
    return resources != null && resources.home != null;
  }

  /** Returns the outermost of the scopes that are one: this scope, unless it was adopted. */
  Scope home() {
    return isAdopted() ? resources.home : this;
  }

  /** Returns the exception that says why the calling thread cannot use something of this scope. */
  IllegalStateException refusal(String what) {
    return Refusal.of(what, this, owner, ended);
  }
}
