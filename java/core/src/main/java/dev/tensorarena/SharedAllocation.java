package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The state that all handles and views of one shared allocation have in common: how many hold it,
 * and who may write. It pins the allocation's chunk once, whatever the number of holders.
 *
 * <p>Counts are biased. Until its scope ends the owner's thread counts in {@code mine}, plainly,
 * and everyone else in {@code word}, atomically; the original handle is one of the owner's. At the
 * end the scope detaches: the owner's part, less the original handle, is added to the word together
 * with the DETACHED bit. From then on only the word counts, and the step to zero unpins the chunk.
 * Before it, the word alone means nothing and may be negative.
 */
final class SharedAllocation extends LeakDetector.ShareCountdown {
  private static final long DETACHED = 1;
  private static final long ONE = 2;
  private static final VarHandle WORD;

  static {
    try {
      WORD = MethodHandles.lookup().findVarHandle(SharedAllocation.class, "word", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** The thread that counts in {@code mine}; null once detached. Others only ever compare it. */
  private Thread owner;

  /** Keeps the context, and so its Cleaner, from ending while others hold the bytes undetached. */
  private ExecutionContext context;

  /** Holders counted by the owner's thread, the original handle included. */
  private long mine = 1;

  /** Holders counted by everyone else: 2 * count + DETACHED. */
  private volatile long word;

  /** The descriptor of the pinned chunk; 0 for bytes that are not an arena's, or none. */
  private long chunk;

  /** The one tensor that may write, from {@code mutable}; null while all are frozen. */
  private Tensor writer;

  /** The next allocation that ends with the same scope. */
  SharedAllocation next;

  /** For the first share of an allocation, on its owner's thread; {@link #begin} makes it count. */
  SharedAllocation(ExecutionContext context) {
    this.owner = Thread.currentThread();
    this.context = context;
  }

  /**
   * The state of bytes that end with an enclosing scope, which it is to be added to, and not with
   * the innermost one, in which they were allocated.
   */
  static SharedAllocation heldFor(ExecutionContext context, long address, long size) {
    SharedAllocation kept = new SharedAllocation(context);
    kept.begin(address, size);
    kept.tryRetain(); // the enclosing scope's
    kept.end(context.arena()); // the innermost scope's
    return kept;
  }

  /** Pins the chunk of the bytes, if they are the context's and not a user's own. */
  void begin(long address, long size) {
    if (size != 0) {
      chunk = context.arena().pin(address, size);
    }
  }

  // ---- counting

  /** One holder more, unless the last one is gone. */
  boolean tryRetain() {
    if (owner == Thread.currentThread()) {
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

  /** Whether the caller counts plainly: the owner's thread, before the scope's end. */
  boolean isBiasedToMe() {
    return owner == Thread.currentThread();
  }

  /** One holder less, on any thread. */
  void release() {
    if (isBiasedToMe()) {
      mine--; // the original is still there, so it is not the last
    } else {
      releaseCounted();
    }
  }

  private void releaseCounted() {
    long left = (long) WORD.getAndAddRelease(this, -ONE) - ONE;
    if (left == DETACHED) {
      VarHandle.acquireFence();
      if (chunk != 0) {
        NativeArena.releaseChunk(chunk);
      }
    }
  }

  /** The scope ends, on the owner's thread: its handle lets go, and so does the bias. */
  void end(Arena arena) {
    if (owner == null) {
      releaseCounted(); // it had come to this scope by mutable(), long detached
      return;
    }
    long handedOver = (mine - 1) * ONE + DETACHED;
    owner = null;
    context = null;
    writer = null;
    long all = (long) WORD.getAndAdd(this, handedOver) + handedOver;
    if (all == DETACHED && chunk != 0) {
      arena.unpin(chunk);
    }
  }

  /**
   * Whether the caller, who is a holder, is the only one. Before the scope's end only the owner can
   * know. True orders all that other holders did before it.
   */
  boolean isSoleHolder() {
    if (owner == Thread.currentThread()) {
      // A handle that was closed plainly a moment ago must be seen as closed by a tryShare elsewhere
      // whose hold is not seen here: without it, a processor may read the word before it stores.
      VarHandle.fullFence();
      return mine + (word >> 1) == 1;
    }
    return word == (ONE | DETACHED);
  }

  // ---- freezing

  /** From now on nobody writes, until {@link #thaw}. */
  void freeze() {
    if (writer != null) {
      writer = null;
    }
  }

  /** Lets one tensor write; only while its holder is the only one. */
  void thaw(Tensor tensor) {
    writer = tensor;
  }

  boolean isWriter(Tensor tensor) {
    return writer == tensor;
  }

  /** A raw view or an address of the bytes leaves. */
  void expose() {
    ExecutionContext holding = context;
    if (holding != null) {
      holding.arena().expose();
    }
  }
}
