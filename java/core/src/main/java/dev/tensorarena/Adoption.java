package dev.tensorarena;

import java.lang.invoke.VarHandle;

/**
 * How a context in transit becomes part of another one, see {@link ExecutionContext#adopt}.
 *
 * <p>Its scopes stay what they are, and so all tensors do: they go inside the other context's
 * innermost scope, which alone ends them then. All phases of an end walk through them as they do
 * through any scope that is open inside. What tells them apart is that they have a {@linkplain
 * Scope#home home}: of the scopes that are one, that has the guards, and the innermost has what is
 * tracked, which is closed first.
 */
final class Adoption {
  private Adoption() {}

  /**
   * Makes a context that the calling thread has attached part of a scope, the innermost one of
   * another context of the thread, and closes it; or throws, and all is as before.
   */
  static void adopt(ExecutionContext child, Scope scope) {
    child.goOn();
    if (child.isClosed()) {
      throw new IllegalStateException(child + " is closed");
    }
    Scope closed = new Scope(child, (Thread) null);
    closed.ended = End.CLOSED;
    for (Scope each = child.current; each != null; each = each.parent) {
      each.resources();
    }
    ExecutionContext adopting = scope.context;
    takeOver(adopting.arena(), child.arena()); // the last of what may be refused
    Scope next;
    for (Scope each = child.current; each != null; each = next) {
      next = each.parent;
      join(each, scope);
    }
    adopting.current = child.current;
    child.handOverReleased(adopting);
    child.current = closed;
    VarHandle.storeStoreFence(); // or who asks for statistics could get another context's
    child.closeArena();
  }

  /** Makes a scope one with another context's, and what it holds that one's. */
  private static void join(Scope each, Scope scope) {
    each.resources.home = scope.home();
    each.context = scope.context;
    for (SharedAllocation held = each.shared; held != null; held = held.next) {
      held.joinTo(scope.context);
    }
    if (each.parent == null) {
      each.parent = scope;
    }
  }

  /**
   * Gives an arena what another one has handed out and holds, which has nothing left then but what
   * its close gives back.
   *
   * @throws MemoryLimitExceededException if the memory limit would be exceeded; nothing has changed
   * @throws IllegalStateException if the other one is lent: native code knows it by its handle
   */
  private static void takeOver(Arena arena, Arena child) {
    if (child.lent) {
      throw new IllegalStateException(
          child.label()
              + " was lent to native code by nativeHandle(), and ends with its context; it cannot"
              + " be adopted");
    }
    arena.remains(); // first: it may ask for heap
    child.remains();
    if (child.isRecorded()) {
      takeChunks(arena, child);
    }
    arena.chargedBeside |= child.chargedBeside;
    arena.remains().takeHolds(child.remains());
    if (child.isExposed()) {
      arena.expose(arena);
    }
  }

  private static void takeChunks(Arena arena, Arena child) {
    long charge = child.charged();
    arena.needRecord(charge);
    arena.give();
    child.give();
    int status = NativeArena.adopt(arena, arena.handle(), child, child.handle());
    arena.take();
    if (status != NativeArena.OK) {
      child.take();
      throw arena.refusal(status, charge);
    }
    arena.grown = true;
  }
}
