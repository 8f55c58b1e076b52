package dev.tensorarena;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A limit on the memory of many contexts together, on any threads. Budgets form a tree under the
 * limit of the process ({@link ChunkPool#memoryLimit}): what one has counts in all above it.
 *
 * <pre>{@code
 * try (MemoryBudget query = server.child("query 7", 64 << 20)) {
 *   // on each worker:
 *   try (ExecutionContext ctx = ExecutionContext.builder().budget(query).open()) {
 *     ...
 *   }
 * }
 * }</pre>
 *
 * <p>What counts are whole chunks, from 64 KiB up, from the moment a context takes one from the
 * pool until it is back there. So bytes count that only a shared tensor keeps after its context was
 * reset or closed; bytes of ended tensors do not that the pool has back, whether it keeps them for
 * reuse or not. The {@linkplain ExecutionContext.Builder#memoryLimit limit of a context} counts
 * besides, and to the byte.
 *
 * <p>All methods may be called from any thread. A budget that is forgotten is closed once nothing
 * is charged to it.
 */
public final class MemoryBudget implements OpenResource {
  /** The budgets under the process alone. */
  static final BudgetUser.List ROOTS = new BudgetUser.List();

  /** Where in a status of C it stands how many budgets further up the refusing one is. */
  private static final int DEPTH_SHIFT = 8;

  /** What is below that. */
  static final int STATUS = (1 << DEPTH_SHIFT) - 1;

  // Words of ta_budget_info, which HeaderTest compares.
  static final int LIMIT = 0;
  static final int USED = 1;
  static final int PEAK = 2;
  private static final int WORDS = 3;

  private static final AtomicLong REGISTERED = new AtomicLong();
  private static final Listener[] NO_LISTENERS = {};

  final MemoryBudget parent;
  private final String name;
  private final long handle;
  private final BudgetUser.Child entry;

  /** What keeps this open. */
  final BudgetUser.List users;

  private volatile Listener[] listeners = NO_LISTENERS;

  private MemoryBudget(MemoryBudget parent, String name, long bytes) {
    this.parent = parent;
    this.name = Objects.requireNonNull(name, "name");
    notNegative("memory limit", bytes);
    BudgetUser.endForgotten(); // nobody else would where contexts are never refused
    this.entry = new BudgetUser.Child(this, parent == null ? ROOTS : parent.users);
    this.users = entry.users;
    StackRoom.require(); // all is had now that could be refused once there is a record
    this.handle = opened(NativeArena.openBudget(parent == null ? 0 : parent.handle, bytes), parent);
    if (!entry.enter(handle)) {
      throw parent.refusal();
    }
  }

  /**
   * Makes a budget under the limit of the process.
   *
   * @param name what to call it in messages
   * @param bytes its limit; {@code Long.MAX_VALUE} for none
   * @return a budget, which the caller closes
   * @throws IllegalArgumentException if the limit is negative
   * @throws OutOfMemoryError if the system refuses memory for its record
   */
  public static MemoryBudget of(String name, long bytes) {
    return new MemoryBudget(null, name, bytes);
  }

  /**
   * Makes a budget that counts in this one, too: it has at most its own limit, and what the budgets
   * above it leave.
   *
   * @param name what to call it in messages
   * @param bytes its limit; {@code Long.MAX_VALUE} for none but theirs
   * @return a budget, which the caller closes
   * @throws IllegalArgumentException if the limit is negative
   * @throws IllegalStateException if this budget is closed
   * @throws OutOfMemoryError if the system refuses memory for its record
   */
  public MemoryBudget child(String name, long bytes) {
    return new MemoryBudget(this, name, bytes);
  }

  // ---- questions

  /**
   * Returns the name that it was given.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * Returns how many bytes of chunks there may be.
   *
   * @return bytes
   * @throws IllegalStateException if it is closed
   */
  public long limit() {
    return figures()[LIMIT];
  }

  /**
   * Changes the limit, from the next chunk on; it may be lower than what is used.
   *
   * @param bytes the limit; {@code Long.MAX_VALUE} for none
   * @throws IllegalArgumentException if it is negative
   * @throws IllegalStateException if the budget is closed
   */
  public void limit(long bytes) {
    notNegative("memory limit", bytes);
    synchronized (users) { // or the record could be another's by then
      if (users.isClosed()) {
        throw refusal();
      }
      NativeArena.setBudgetLimit(handle, bytes);
    }
  }

  /**
   * Returns how many bytes of chunks contexts and shared tensors have, and reservations.
   *
   * @return bytes
   * @throws IllegalStateException if it is closed
   */
  public long used() {
    return figures()[USED];
  }

  /**
   * Returns the most that was ever used at once.
   *
   * @return bytes
   * @throws IllegalStateException if it is closed
   */
  public long peak() {
    return figures()[PEAK];
  }

  /** Returns the words of C; null once it is closed. */
  long[] figuresIfOpen() {
    long[] figures = new long[WORDS];
    int status = NativeArena.budgetStats(handle, figures);
    boolean known = !users.isClosed() && status == NativeArena.OK; // else they may be another's
    Reference.reachabilityFence(this);
    return known ? figures : null;
  }

  private long[] figures() {
    long[] figures = figuresIfOpen();
    if (figures == null) {
      throw refusal();
    }
    return figures;
  }

  /**
   * Returns the tree from this budget down, a line each: name, used, peak and limit.
   *
   * @return a text for people
   */
  @Override
  public String toString() {
    return BudgetReport.tree(this);
  }

  /** Returns its name after those of the budgets above it. */
  String path() {
    return parent == null ? name : parent.path() + "/" + name;
  }

  // ---- reservations

  /**
   * Sets memory aside for contexts of this very budget, so that an allocation of so many bytes will
   * not be refused by a budget.
   *
   * @param bytes what one tensor has; what is reserved is the chunk that it would take
   * @return the reservation, which the caller closes
   * @throws IllegalArgumentException if the number is negative
   * @throws MemoryLimitExceededException if there is not so much, here or in a budget above
   * @throws IllegalStateException if the budget is closed
   * @throws OutOfMemoryError if the system refuses memory for its record
   */
  public Reservation reserve(long bytes) {
    notNegative("reservation", bytes);
    while (true) {
      Reservation reservation = new Reservation(this);
      StackRoom.require(); // all is had now that could be refused once something is charged
      long made = NativeArena.reserve(handle, bytes);
      if (made > 0) {
        if (!reservation.begin(made)) {
          throw refusal();
        }
        return reservation;
      }
      if ((-made & STATUS) != NativeArena.BUDGET) {
        throw refused(made, this);
      }
      Pressure.relieve(
          this,
          refusing((int) -made)
              .exceeded("a reservation of budget \"" + path() + "\"", bytes, bytes));
    }
  }

  /**
   * Memory of a budget that is set aside, and counts as used. Contexts of the budget draw their
   * chunks from it as long as it has enough, and what comes home of that while it is open goes back
   * into it. All methods may be called from any thread.
   */
  public static final class Reservation implements OpenResource {
    private final MemoryBudget budget;
    private final BudgetUser.Payer entry;
    private long handle;

    private Reservation(MemoryBudget budget) {
      this.budget = budget;
      this.entry = new BudgetUser.Payer(this, budget.users);
    }

    /** Begins with this record; false if the budget is closed. */
    private boolean begin(long handle) {
      this.handle = handle;
      return entry.enter(handle);
    }

    /**
     * Returns how much was not drawn.
     *
     * @return bytes; 0 once it is closed
     */
    public long remaining() {
      long[] figures = new long[WORDS];
      NativeArena.budgetStats(handle, figures);
      return isOpen() ? figures[LIMIT] - figures[USED] : 0; // else they may be those of another one
    }

    /**
     * Returns whether it was not closed yet.
     *
     * @return false once it is closed
     */
    @Override
    public boolean isOpen() {
      return entry.isIn();
    }

    /**
     * Gives back what was not drawn; the rest stays charged to the budget until it comes home.
     * Closing twice does nothing.
     */
    @Override
    public void close() {
      StackRoom.require(); // first: it may be closed once only
      entry.endAndLeave();
      Reference.reachabilityFence(this);
    }

    /**
     * Returns what it is of, and how much is left.
     *
     * @return a text for people
     */
    @Override
    public String toString() {
      return label() + " with " + remaining() + " bytes left";
    }

    String label() {
      return "a reservation of budget \"" + budget.path() + '"';
    }
  }

  // ---- listeners

  /** Frees memory of a budget, such as what a cache keeps, before somebody is refused. */
  public interface PressureListener {
    /**
     * Frees something, on the thread that would be refused, with no lock held.
     *
     * @param bytes how many bytes of chunks are missing, at the least
     * @return whether it is worth another try
     */
    boolean free(long bytes);
  }

  /** A listener, until it is closed. */
  final class Listener implements AutoCloseable {
    final PressureListener asked;
    final long order = REGISTERED.incrementAndGet();
    volatile boolean isOpen = true;

    private Listener(PressureListener asked) {
      this.asked = asked;
    }

    @Override
    public void close() {
      synchronized (users) {
        isOpen = false;
        listeners = Arrays.stream(listeners).filter(l -> l != this).toArray(Listener[]::new);
      }
    }
  }

  /**
   * Has a listener asked before an allocation of a context is refused by this budget, or by one
   * above it. Of all of these on the way from the context's budget to the one that refuses the
   * listener that was added last is asked first. When one says that it is worth another try, and
   * less is used, the allocation is tried once more, from its beginning: whatever the listener did
   * to the context is seen. Otherwise the next one is asked, and after the last the allocation is
   * refused.
   *
   * <p>A refusal inside a listener asks nobody, and what a listener throws is suppressed in the
   * refusal that follows. Native code is refused without asking.
   *
   * @param listener what to ask
   * @return closing this removes the listener
   * @throws IllegalStateException if the budget is closed
   */
  public AutoCloseable onPressure(PressureListener listener) {
    Listener added = new Listener(Objects.requireNonNull(listener, "listener"));
    synchronized (users) {
      if (users.isClosed()) {
        throw refusal();
      }
      Listener[] more = Arrays.copyOf(listeners, listeners.length + 1);
      more[listeners.length] = added;
      listeners = more;
    }
    return added;
  }

  /**
   * Returns the listeners of the budgets from this one up to another, those added last first.
   *
   * @param last null for all up to the process
   */
  List<Listener> listenersUpTo(MemoryBudget last) {
    List<Listener> all = new ArrayList<>();
    MemoryBudget end = last == null ? null : last.parent;
    for (MemoryBudget each = this; each != end; each = each.parent) {
      all.addAll(Arrays.asList(each.listeners));
    }
    all.sort(Comparator.comparingLong((Listener each) -> each.order).reversed());
    return all;
  }

  // ---- the end

  /**
   * Returns whether it was not closed yet.
   *
   * @return false once it is closed
   */
  @Override
  public boolean isOpen() {
    return !users.isClosed();
  }

  /**
   * Closes the budget, to which nothing may be charged any more. Closing twice does nothing.
   *
   * @throws IllegalStateException if something is charged, or a context, a child or a reservation
   *     is open; it says which, and the budget stays open
   */
  @Override
  public void close() {
    StackRoom.require();
    Window.takeBackForgotten();
    users.living(); // ends what is forgotten
    BudgetUser.List above = parent == null ? ROOTS : parent.users;
    boolean closed;
    synchronized (above) {
      closed = users.close(handle);
      if (closed) {
        above.remove(entry);
      }
    }
    Reference.reachabilityFence(this);
    if (!closed) {
      throw new IllegalStateException(BudgetReport.inUse(this));
    }
  }

  private IllegalStateException refusal() {
    return new IllegalStateException("budget \"" + path() + "\" is closed");
  }

  // ---- for the rest of the package

  long handle() {
    return handle;
  }

  /**
   * Enters a new context.
   *
   * @throws IllegalStateException if the budget is closed
   */
  Use enter(ArenaRecord arena) {
    BudgetUser.endForgotten();
    Use use = new Use(this, new BudgetUser.Context(arena, users));
    if (!users.add(use.entry)) {
      throw refusal();
    }
    return use;
  }

  /** What an arena has of its budget, which it keeps reachable. */
  record Use(MemoryBudget budget, BudgetUser.Context entry) {}

  /** Returns the budget that refused, by the status of C. */
  MemoryBudget refusing(int status) {
    MemoryBudget refusing = this;
    for (int depth = status >> DEPTH_SHIFT; depth > 0; depth--) {
      refusing = refusing.parent;
    }
    return refusing;
  }

  /**
   * Returns the exception for an allocation that this budget refuses.
   *
   * @param who asked
   * @param requested for how many bytes
   * @param least for which a chunk of so many is needed at the least
   */
  MemoryLimitExceededException exceeded(String who, long requested, long least) {
    long[] figures = figures();
    return new MemoryLimitExceededException(
        who,
        requested,
        NativeArena.chunkBytes(least),
        this,
        figures[LIMIT],
        figures[USED],
        BudgetReport.largestUsers(this));
  }

  /**
   * Returns an address, or throws what a negated status means.
   *
   * @param closed which budget it is that C may say is closed
   */
  private static long opened(long address, MemoryBudget closed) {
    if (address < 0) {
      throw refused(address, closed);
    }
    return address;
  }

  private static RuntimeException refused(long status, MemoryBudget closed) {
    if (status == -NativeArena.NO_MEMORY) {
      throw new OutOfMemoryError("the system refused memory for the record of a budget");
    }
    return closed.refusal();
  }

  private static void notNegative(String what, long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("negative " + what + ": " + bytes + " bytes");
    }
  }
}
