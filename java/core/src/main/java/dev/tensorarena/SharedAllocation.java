package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The state that all handles and views of one shared allocation have in common: the number of its
 * holders. It pins the allocation's chunk once, whatever the number of holders.
 *
 * <p>The count is biased towards the owner's thread. Until the scope ends, the owner's thread
 * counts its holders in {@code mine}, a plain field, and all other threads count in {@code word},
 * atomically. The original handle is one of the owner's holders. When the scope ends it detaches:
 * the owner's count, less the original handle, is added to the word together with the DETACHED bit.
 * From then on only the word counts, and the step to zero unpins the chunk. Before that, the word
 * alone says nothing and may be negative, since a holder may be counted in one part and released in
 * the other.
 *
 * <p>A handle that the owner's thread made is closed there with a plain store. Where another thread
 * closes it before the scope ends, it cannot know whether the owner does so, too, at that moment:
 * it counts nothing, but lists the handle, and the owner counts those that it has not closed itself
 * when it next counts here. {@link SharedTensor} has the other half of this.
 */
class SharedAllocation extends Writers {
  private static final long DETACHED = 1;
  private static final long ONE = 2;
  private static final VarHandle WORD;
  private static final VarHandle LISTED;

  /** In place of the list and the writer once the scope has ended, and all count in the word. */
  private static final Object ENDED = new Object();

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      WORD = lookup.findVarHandle(SharedAllocation.class, "word", long.class);
      LISTED = lookup.findVarHandle(SharedAllocation.class, "listed", Object.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
    // The first call of a VarHandle of each form takes heap and stack, which an end must not need.
    SharedAllocation rehearsed = new SharedAllocation(null);
    rehearsed.countListed();
    rehearsed.end(null);
    rehearsed.word = ONE | DETACHED;
    rehearsed.tryRetain();
    rehearsed.releaseCounted();
    rehearsed.cede();
    LISTED.compareAndSet(rehearsed, rehearsed.listed, (SharedTensor) null);
    LISTED.compareAndSet(rehearsed, rehearsed.listed, (HandleResources.Missed) null);
  }

  /**
   * The thread that counts in {@code mine}; null once detached, and while the context is in transit
   * its {@link DetachedContext}. Others only compare it with theirs.
   */
  private Object owner;

  /** Keeps the context reachable, so that it is not reclaimed as a leak before it has detached. */
  private ExecutionContext context;

  /** Holders counted by the owner's thread, the original handle included. */
  private long mine = 1;

  /** Holders counted by all other threads: 2 * count, plus DETACHED once detached. */
  volatile long word;

  /**
   * The handle of the owner's that another thread closed last, and so on by {@link
   * SharedTensor#attached}: those that the owner has not counted yet. Between them are those to
   * which others have attached something. Null if there is none, and ENDED in the end.
   */
  private Object listed;

  /** What was in the list and was attached to handles, to be looked at when the scope ends. */
  private HandleResources.Missed missed;

  /** The descriptor of the pinned chunk; 0 if there are no bytes, or none of an arena. */
  long chunk;

  /**
   * Whether the chunk may leave the scope's arena before the scope ends, or is another arena's: the
   * pin is given back in the count that all can use, then.
   */
  boolean outlasts;

  /** Whether {@link #expose} has noted so; a race only repeats it. */
  private boolean exposed;

  /**
   * The wrapped memory, which is kept reachable so and told when the last holder has gone; null for
   * bytes of an arena, and until it is held.
   */
  ForeignBlock foreign;

  /** The next one in the list of allocations in which a scope has a hold. */
  SharedAllocation next;

  /**
   * Makes the state for the first share of an allocation, on its owner's thread; {@link #begin}
   * pins the chunk.
   */
  SharedAllocation(ExecutionContext context) {
    this.owner = Thread.currentThread();
    this.context = context;
  }

  /**
   * Has another thread count in {@code mine}, or nobody for now: what is not detached moves with
   * its context.
   */
  void moveTo(Object owner) {
    if (this.owner != null) {
      this.owner = owner;
    }
  }

  /** Goes to another context, which has its scope from now on. */
  void joinTo(ExecutionContext adopting) {
    if (context != null) {
      context = adopting;
    }
  }

  /** Pins the chunk of the bytes if they lie in the context's arena. */
  void begin(long address, long size) {
    if (size != 0) {
      StackRoom.require(); // where it ended in the middle, the pin would be nobody's
      chunk = context.arena().hold(address, size);
    }
  }

  /** Pins a chunk that is not the arena's, and that an open scope of the context holds already. */
  void beginBeside(long held) {
    StackRoom.require(); // as in begin()
    context.arena().holdBeside(held);
    chunk = held;
    outlasts = true;
  }

  // ---- counting

  /** Counts one holder more, unless the last one is gone already. */
  boolean tryRetain() {
    if (owner == Thread.currentThread()) {
      if (listed != null) {
        countListed();
      }
      mine++;
      return true;
    }
    long seen = word;
    while ((seen & DETACHED) == 0 || seen >= ONE) {
      long found = (long) WORD.compareAndExchange(this, seen, seen + ONE);
      if (found == seen) {
        return true;
      }
      seen = found;
    }
    return false;
  }

  /**
   * Returns whether the caller counts in {@code mine}: the owner's thread, before the scope has
   * ended.
   */
  boolean isBiasedToMe() {
    return owner == Thread.currentThread();
  }

  /** Returns whether the bytes are wrapped memory, whose owner is told when nobody holds them. */
  boolean isTold() {
    return foreign != null && foreign.isTold();
  }

  /**
   * Tries the stack for {@link #giveBack}.
   *
   * @throws StackOverflowError if there is none
   */
  void requireRoomToGiveBack() {
    if (isTold()) {
      StackRoom.requireForUsers();
    } else {
      StackRoom.require();
    }
  }

  /**
   * Tries the stack for whoever becomes a holder, and calls {@link #letGo} from about as deep: for
   * more than that tries.
   *
   * @throws StackOverflowError if there is none
   */
  void requireRoomToHold() {
    if (isTold()) {
      StackRoom.requireForHolders();
    } else {
      StackRoom.require();
    }
  }

  /**
   * Counts one holder less, on any thread, and tells wrapped memory if that was the last one. The
   * caller has tried the stack before it became the holder, since nobody could do this later.
   */
  void giveBack() {
    if (isBiasedToMe()) {
      mine--;
    } else if (releaseCounted() && isTold()) {
      foreign.tell();
    }
  }

  /**
   * Counts one holder less, on any thread.
   *
   * @return whether that was the last one of wrapped memory, which is to be told so
   * @throws StackOverflowError if there is no stack for it; nothing has changed then
   */
  boolean letGo() {
    if (isBiasedToMe()) {
      mine--; // the original handle still counts, so this is not the last one
      return false;
    }
    boolean told = isTold();
    if (told) {
      StackRoom.requireForUsers(); // also for telling it, which comes when there is no way back
    }
    return releaseCounted() && told;
  }

  /** Returns whether the last holder has gone, and its pin with it. */
  private boolean releaseCounted() {
    long left = (long) WORD.getAndAddRelease(this, -ONE) - ONE;
    if (left != DETACHED) {
      return false;
    }
    try {
      VarHandle.acquireFence();
      if (chunk != 0) {
        NativeArena.releaseChunk(chunk);
      }
    } catch (StackOverflowError e) {
      word = ONE | DETACHED; // nobody else can have changed it: from zero there is no way back
      throw e;
    }
    return true;
  }

  /**
   * Lists a handle that the owner's thread made and another one has taken, for the owner to count.
   *
   * @return false if the scope has ended: then the caller counts
   */
  boolean list(SharedTensor handle) {
    Object first = LISTED.getVolatile(this);
    while (first != ENDED) {
      handle.attached = first;
      if (LISTED.compareAndSet(this, first, handle)) {
        return true;
      }
      first = LISTED.getVolatile(this);
    }
    handle.attached = null;
    return false;
  }

  /**
   * Lists what another thread has attached to a handle that the owner's thread made. Once the scope
   * has ended there is no need: all that the owner did is seen then.
   */
  void list(HandleResources.Missed resources) {
    Object first = LISTED.getVolatile(this);
    while (first != ENDED) {
      resources.rest = first;
      if (LISTED.compareAndSet(this, first, resources)) {
        return;
      }
      first = LISTED.getVolatile(this);
    }
  }

  /**
   * Counts the handles down that other threads have listed, on the owner's thread. It is a loop
   * without a call, since what comes after the exchange must not meet the end of the stack. That is
   * why no exchange here returns an object, which the JDK would cast when it has happened.
   */
  private void countListed() {
    Object first = LISTED.getVolatile(this);
    while (!LISTED.compareAndSet(this, first, null)) {
      first = LISTED.getVolatile(this);
    }
    for (; ; ) {
      if (first instanceof SharedTensor handle) {
        first = handle.attached;
        handle.attached = null;
        if (!handle.closed) {
          handle.closed = true; // or the owner's own close would count it once more
          mine--;
        }
      } else if (first instanceof HandleResources.Missed resources) {
        first = resources.rest;
        resources.next = missed;
        missed = resources;
      } else {
        return;
      }
    }
  }

  /** Ends the list, when the scope does. */
  private void endList(ExecutionContext ending) {
    openAgain(ending);
    while (!LISTED.compareAndSet(this, null, ENDED) && LISTED.getVolatile(this) != ENDED) {
      countListed();
      openAgain(ending);
    }
  }

  /**
   * Takes a close of the owner's back if it has not seen what another thread had attached to the
   * handle. It is closed again once the end is complete; until then nobody else can have taken it
   * without being listed.
   */
  private void openAgain(ExecutionContext ending) {
    while (missed != null) {
      HandleResources.Missed resources = missed;
      missed = (HandleResources.Missed) resources.next;
      SharedTensor handle = resources.handle;
      if (handle.closed && handle.taken == SharedTensor.OPEN && !resources.resources.isSealed()) {
        handle.closed = false;
        mine++;
        ending.add(resources);
      }
    }
  }

  /**
   * Releases the hold of a scope that ends, on the owner's thread, and detaches.
   *
   * @param ending the scope's context, which tells wrapped memory of its end once it is whole
   */
  void end(ExecutionContext ending) {
    endList(ending);
    boolean told = isTold();
    long handedOver = (mine - 1) * ONE + DETACHED;
    Object before = owner;
    Object wrote = writer;
    // Before it is detached, since from then on another thread may be the last holder.
    owner = null;
    context = null;
    writer = ENDED;
    long all;
    try {
      all = (long) WORD.getAndAdd(this, handedOver) + handedOver;
    } catch (Throwable e) { // the stack has ended, and nothing has changed
      owner = before;
      context = ending;
      writer = wrote;
      throw e;
    }
    if (chunk != 0) {
      ending.arena().letGo(chunk);
    }
    if (all != DETACHED) {
      return;
    }
    if (chunk != 0 && outlasts) {
      NativeArena.releaseChunk(chunk);
    } else if (chunk != 0) {
      ending.arena().unpin(chunk);
    }
    if (told) {
      ending.add(foreign);
    }
  }

  /**
   * Ends this state if the caller, whose scope has ended, is the only holder: the bytes are the
   * caller's then, who has the pin and the hold of wrapped memory, and nobody can retain here.
   */
  boolean cede() {
    return isSoleHolder() && WORD.compareAndSet(this, ONE | DETACHED, DETACHED);
  }

  /**
   * Returns whether the caller, who is a holder, is the only one, native code included; before the
   * scope's end only the owner's thread can know. If true, all that other holders did happened
   * before.
   */
  boolean isSoleHolder() {
    // Native code pins chunks. Nobody can pin for the first time what the caller alone holds.
    return isCountedAlone() && (chunk == 0 || !ChunkPins.areNative(chunk));
  }

  private boolean isCountedAlone() {
    if (owner == Thread.currentThread()) {
      // Before it, the store of a plain close may be late: a tryShare elsewhere, whose hold is not
      // seen here, would not see its handle closed there.
      VarHandle.fullFence();
      if (listed != null) {
        countListed();
      }
      return mine + (word >> 1) == 1;
    }
    return word == (ONE | DETACHED);
  }

  /** Returns whether these bytes of it lie in a chunk that is not the arena's, or no longer. */
  boolean isBeside(Arena arena, long address, long size) {
    return chunk != 0 && arena.chunkOf(address, size) == 0;
  }

  // ---- freezing

  /**
   * Counts one holder more for a share of a tensor that is no shared handle, on its thread, and
   * lets nobody write it until {@link #thaw}.
   *
   * @throws IllegalStateException if parts of it are open
   */
  boolean retainFrozen(Tensor source) {
    return writer == null ? tryRetain() : retainFirst(source.origin());
  }

  /** Does that where somebody may write: this share freezes, or is refused. */
  private boolean retainFirst(Tensor own) {
    if (writer != own) {
      requireWhole(own);
    }
    PartScope part = own.scope.isPart() ? (PartScope) own.scope : null;
    boolean retained = tryRetain();
    if (retained && part != null) {
      part.split = null; // or it would be writable again when those parts are done
      own.shared = this;
    } else if (retained) {
      writer = null;
    }
    return retained;
  }

  /**
   * Notes that a raw view or an address of the bytes is given out, in the chunk and on any thread:
   * by a shared handle, whose arena is another thread's and may end meanwhile, or by a tensor whose
   * chunk {@linkplain #outlasts may not be its arena's}. What leaves an arena takes the arena's own
   * note along.
   */
  void expose() {
    if (!exposed && chunk != 0) {
      NativeArena.exposeChunk(this, chunk);
      exposed = true;
    }
  }
}
