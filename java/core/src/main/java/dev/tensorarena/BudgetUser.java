package dev.tensorarena;

import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;

/**
 * What keeps a budget open: a context, a child or a reservation of it. It is a link of the budget's
 * list, and refers to what it stands for only weakly: who forgets that need not close it. So
 * nothing here refers to a budget.
 *
 * <p>Links are changed under the lock of their list, by assignments alone: nothing in between is a
 * call that the end of the stack could break off, and no heap is needed. Who has the lock of a
 * budget's list may take those of its children.
 */
abstract class BudgetUser extends WeakReference<Object> {
  private static final ReferenceQueue<Object> FORGOTTEN = new ReferenceQueue<>();

  private final List list;
  private BudgetUser previous;
  private BudgetUser next;
  private boolean isIn;

  private BudgetUser(Object user, List list) {
    super(user, FORGOTTEN);
    this.list = list;
  }

  /** A context. */
  static final class Context extends BudgetUser {
    /** The arena's record while there is one; else 0. */
    volatile long record;

    Context(ArenaRecord arena, List list) {
      super(arena, list);
    }

    /** Returns how much memory the context has for which its budget pays; any thread. */
    long chunkBytes() {
      long seen = record;
      long bytes = seen == 0 ? 0 : NativeArena.ownChunkBytes(seen);
      return record == seen ? bytes : 0; // else it was closed meanwhile
    }

    /** Its memory is taken back by {@link Remains}. */
    @Override
    boolean end() {
      return true;
    }
  }

  /** What has a record of its own in C, to which chunks are charged: a reservation, or a child. */
  static class Payer extends BudgetUser {
    private long handle;

    Payer(Object payer, List list) {
      super(payer, list);
    }

    /**
     * Notes its record and adds it; with the stack tried before, nothing can go wrong in between.
     */
    final boolean enter(long handle) {
      this.handle = handle;
      boolean isOpen = listed().add(this);
      if (!isOpen) {
        NativeArena.closeBudget(handle);
      }
      return isOpen;
    }

    @Override
    boolean end() {
      return NativeArena.closeBudget(handle) == NativeArena.OK;
    }
  }

  /** A child, with those who keep it open. */
  static final class Child extends Payer {
    final List users = new List();

    Child(MemoryBudget child, List list) {
      super(child, list);
    }

    @Override
    boolean end() {
      users.living(); // ends those who are forgotten, too
      return super.end();
    }
  }

  /**
   * Ends what nobody can reach any more.
   *
   * @return false if something is charged to it still
   */
  abstract boolean end();

  final List listed() {
    return list;
  }

  /** Takes this out of its list; does nothing twice. */
  final void leave() {
    synchronized (list) {
      list.remove(this);
    }
  }

  /** Ends what collections have found to be forgotten. */
  static void endForgotten() {
    for (Reference<?> each = FORGOTTEN.poll(); each != null; each = FORGOTTEN.poll()) {
      ((BudgetUser) each).endIfForgotten();
    }
  }

  private void endIfForgotten() {
    if (refersTo(null)) {
      endAndLeave();
    }
  }

  /** Ends what has a record of its own, if it is in and nothing is in its way; once. */
  final void endAndLeave() {
    synchronized (list) {
      if (isIn && end()) {
        list.remove(this);
      }
    }
  }

  final boolean isIn() {
    synchronized (list) {
      return isIn;
    }
  }

  /** A list of users, which is also its own lock. */
  static final class List {
    private BudgetUser first;

    /** Whether nobody may enter any more. */
    private boolean closed;

    /** Adds one of this list; false if it is closed. */
    synchronized boolean add(BudgetUser user) {
      if (closed) {
        return false;
      }
      user.next = first;
      if (first != null) {
        first.previous = user;
      }
      first = user;
      user.isIn = true;
      return true;
    }

    /** Under the lock. */
    void remove(BudgetUser user) {
      if (!user.isIn) {
        return;
      }
      user.isIn = false;
      if (user.previous == null) {
        first = user.next;
      } else {
        user.previous.next = user.next;
      }
      if (user.next != null) {
        user.next.previous = user.previous;
      }
      user.previous = null;
      user.next = null;
    }

    /**
     * Lets nobody enter any more, unless somebody is in.
     *
     * @param handle the budget whose list this is; nothing must be charged to it, either
     */
    synchronized boolean close(long handle) {
      closed = closed || first == null && NativeArena.closeBudget(handle) == NativeArena.OK;
      return closed;
    }

    synchronized boolean isClosed() {
      return closed;
    }

    /** Returns those who are in, without those who are forgotten, which it ends. */
    java.util.List<BudgetUser> living() {
      java.util.List<BudgetUser> all = new java.util.ArrayList<>();
      synchronized (this) {
        for (BudgetUser each = first; each != null; each = each.next) {
          all.add(each);
        }
      }
      all.forEach(BudgetUser::endIfForgotten);
      all.removeIf(each -> each.refersTo(null));
      return all;
    }
  }
}
