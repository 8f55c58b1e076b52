package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A context on its way from one thread to another, from {@link ExecutionContext#detach}. Meanwhile
 * it belongs to no thread: nothing of it can be used, but shares of its tensors can be as ever.
 *
 * <pre>{@code
 * DetachedContext moving = ctx.detach();
 * executor.execute(
 *     () -> {
 *       try (ExecutionContext mine = moving.attach()) { // the same context
 *         ...
 *       }
 *     });
 * }</pre>
 *
 * <p>Any thread may call any method, and no hand-over by a queue or a future is needed for what the
 * context contains: whoever attaches it sees all that was done before. Of several threads that
 * attach, {@linkplain ExecutionContext#adopt adopt} or close one detached context at the same time,
 * one does.
 *
 * <p>One that is forgotten is a forgotten context: its memory is taken back, and a sample of such
 * mistakes is logged.
 */
public final class DetachedContext implements OpenResource {
  private static final VarHandle HOLDER;

  static {
    try {
      HOLDER = MethodHandles.lookup().findVarHandle(DetachedContext.class, "holder", Thread.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
    rehearse();
  }

  /** Has the JVM link what moves a context now, and not half-way where the stack has ended. */
  private static void rehearse() {
    DetachedContext nobodys = new DetachedContext(null);
    nobodys.leave();
    nobodys.take(null, nobodys.from);
    nobodys.holder();
  }

  private final ExecutionContext context;

  /** Who detached the context. */
  final Thread from;

  /**
   * Who has attached or adopted it, and has it until it is detached anew; null while it is in
   * transit. So this one field decides who wins.
   */
  private Thread holder;

  /** Nobody has it before it is {@linkplain #leave left} to whoever comes. */
  DetachedContext(ExecutionContext context) {
    this.context = context;
    this.from = Thread.currentThread();
    this.holder = from;
  }

  // ---- for the context

  /** Leaves the context to whoever comes first, with all that was done before. */
  void leave() {
    HOLDER.setRelease(this, (Thread) null);
    VarHandle.storeStoreFence(); // before it is handed on, by a data race even
  }

  /** Returns the thread that has attached it, with all that it did before; null in transit. */
  Thread holder() {
    return (Thread) HOLDER.getAcquire(this);
  }

  /** Has one thread hold it in place of another one, or of none; of several that try, one does. */
  boolean take(Thread before, Thread after) {
    return HOLDER.compareAndSet(this, before, after);
  }

  // ---- for the user

  /**
   * Gives the context, with its open scopes and all that they contain, to the calling thread.
   *
   * @return the same context that was detached
   * @throws IllegalStateException if it was attached, adopted or closed already
   */
  public ExecutionContext attach() {
    StackRoom.require(); // from where it is taken nothing may break it off
    takeFor("attached");
    return context;
  }

  private void takeFor(String what) {
    if (!take(null, Thread.currentThread())) {
      throw new IllegalStateException(
          context
              + ", which thread \""
              + from.getName()
              + "\" has detached, was attached, adopted or closed already; it cannot be "
              + what
              + " by thread \""
              + Thread.currentThread().getName()
              + "\"");
    }
    context.moveTo(Thread.currentThread());
  }

  /** Gives all that the context has to the calling thread's innermost scope, and closes it. */
  void joinTo(Scope scope) {
    StackRoom.require();
    takeFor("adopted");
    try {
      Adoption.adopt(context, scope);
    } finally {
      if (!context.isClosed()) {
        context.moveTo(this);
        leave();
      }
    }
  }

  /**
   * Closes the context, if nobody has attached or adopted it, as {@link ExecutionContext#close}
   * does; else does nothing. The calling thread is the context's while what it tracks is closed. If
   * a guard that is made meanwhile refuses, the context is as detached as before.
   */
  @Override
  public void close() {
    StackRoom.require();
    if (take(null, Thread.currentThread())) {
      context.moveTo(Thread.currentThread());
      context.closeInTransit(this);
    }
  }

  /**
   * Returns whether the context was neither attached nor adopted nor closed yet; on any thread.
   *
   * @return false once it was
   */
  @Override
  public boolean isOpen() {
    return holder() == null;
  }

  @Override
  public String toString() {
    return "DetachedContext of " + context;
  }
}
