package dev.tensorarena;

import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A thread of a random program that means harm: its own code, which the library calls in the middle
 * of something, does what the thread would do, and throws anything.
 */
public abstract class MaliceThread extends Thread {
  private static final int MAX_DEPTH = 3;
  private static final int STEPS = 1500;

  /** Some thousand times what it takes. */
  private static final long MILLIS_FOR_ONE = 300_000;

  /** A call of the library. */
  public interface Body {
    /**
     * Does it.
     *
     * @throws Throwable anything
     */
    void run() throws Throwable;
  }

  /** What the threads of a program have in common. */
  public static final class Program {
    private final AtomicReference<Throwable> failure = new AtomicReference<>();

    /** What its code throws, on one thread to be thrown again on another. */
    private final List<Throwable> mischief =
        List.of(
            new RuntimeException("mischief"),
            new StackOverflowError("made up"),
            new OutOfMemoryError("made up"),
            new Exception("mischief that is checked"),
            new Error("mischief"));

    /** Makes one. */
    public Program() {}

    /**
     * Reports a broken promise; the first is what the program fails with.
     *
     * @param broken which
     */
    public void report(Throwable broken) {
      failure.compareAndSet(null, broken);
    }

    private boolean isMischief(Throwable thrown) {
      return mischief.stream().anyMatch(made -> made == thrown);
    }
  }

  /** Whatever the program chooses; nothing else tells what it does. */
  protected final Random random;

  private final Program program;
  private long operations;
  private int depth;
  private boolean quiet;

  /**
   * Makes a thread.
   *
   * @param program of which it is a thread
   * @param seed what tells all that the thread does by itself
   */
  protected MaliceThread(Program program, long seed) {
    super("malice " + seed);
    this.program = program;
    this.random = new Random(seed);
  }

  /**
   * Runs threads until they have ended.
   *
   * @param threads those of a program
   * @return how many operations they had
   * @throws Throwable what broke a promise
   */
  public static long run(List<? extends MaliceThread> threads) throws Throwable {
    for (Thread thread : threads) {
      thread.setDaemon(true);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join(MILLIS_FOR_ONE);
      if (thread.isAlive()) {
        AssertionError hangs = new AssertionError(thread.getName() + " does not return");
        hangs.setStackTrace(thread.getStackTrace());
        throw hangs;
      }
    }
    long operations = 0;
    for (MaliceThread thread : threads) {
      if (thread.program.failure.get() != null) {
        throw thread.program.failure.get();
      }
      operations += thread.operations;
    }
    return operations;
  }

  @Override
  public final void run() {
    try {
      for (int i = 0; i < STEPS && program.failure.get() == null; i++) {
        step();
      }
      quiet = true;
      finish();
    } catch (Throwable e) {
      program.report(e);
    }
  }

  /** Does one thing, and throws nothing. */
  protected abstract void step();

  /** Looks at everything and closes it, while the program's own code does nothing. */
  protected abstract void finish();

  /**
   * Closes something at last. It may still tell what has broken an earlier end off.
   *
   * @param open what
   */
  protected final void finish(AutoCloseable open) {
    if (!call(open::close) && !call(open::close)) {
      violated(open + " cannot be closed");
    }
  }

  // ---- the program's own code

  /** Called wherever the library calls: does something and may throw anything. */
  public static void strike() {
    if (Thread.currentThread() instanceof MaliceThread thread && !thread.quiet) {
      thread.act();
      if (thread.random.nextInt(12) == 0) {
        MaliceThread.<RuntimeException>throwAny(thread.any(thread.program.mischief));
      }
    }
  }

  /** Does something, or not; throws nothing. */
  protected final void act() {
    if (depth < MAX_DEPTH && random.nextInt(2) == 0) {
      depth++;
      try {
        step();
      } finally {
        depth--;
      }
    }
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void throwAny(Throwable thrown) throws T {
    throw (T) thrown;
  }

  /**
   * Returns whether the library waits for this code.
   *
   * @return whether it was called in the middle of something
   */
  protected final boolean isCalledBack() {
    return depth > 0;
  }

  // ---- calls

  /**
   * Calls the library, which may refuse, or throw what the program's own code has thrown.
   *
   * @param body the call
   * @return whether it threw nothing
   */
  protected final boolean call(Body body) {
    operations++;
    try {
      body.run();
      return true;
    } catch (Throwable e) {
      if (!isRefusal(e) && !program.isMischief(e)) {
        program.report(e);
      }
      return false;
    }
  }

  /**
   * Returns whether the library says so that it does not do something.
   *
   * @param thrown what it threw
   * @return whether that is documented
   */
  protected boolean isRefusal(Throwable thrown) {
    return thrown instanceof IllegalStateException
        || thrown instanceof IllegalArgumentException
        || thrown instanceof IndexOutOfBoundsException
        || thrown instanceof UnsupportedOperationException
        || thrown instanceof MemoryLimitExceededException;
  }

  /**
   * Reports a broken promise.
   *
   * @param what which
   */
  protected final void violated(String what) {
    program.report(new AssertionError(what));
  }

  /**
   * Returns one of a list.
   *
   * @param list where from
   * @param <T> the type of its elements
   * @return any element, or null if there is none
   */
  protected final <T> T any(List<T> list) {
    return list.isEmpty() ? null : list.get(random.nextInt(list.size()));
  }
}
