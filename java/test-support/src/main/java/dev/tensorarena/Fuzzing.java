package dev.tensorarena;

import java.util.function.BooleanSupplier;

/**
 * Runs seeded programs until the time is over: {@code -Dreliability.fuzzSeconds}, 2 if not given,
 * with the seeds from {@code -Dreliability.fuzzFrom} on, 0 if not given. {@code
 * -Dreliability.fuzzSeed} runs one alone, as the message of a failure says.
 */
public final class Fuzzing {
  private static final long SECONDS = Long.getLong("reliability.fuzzSeconds", 2);
  private static final long FROM = Long.getLong("reliability.fuzzFrom", 0);
  private static final Long ONLY = Long.getLong("reliability.fuzzSeed");
  private static final long OPERATIONS = Long.getLong("malice.operations", 0);
  private static final long NANOS_BETWEEN_REPORTS = 10_000_000_000L;

  private Fuzzing() {}

  /** Runs one program; which one is told by the seed alone. */
  public interface Program {
    /**
     * Runs it.
     *
     * @param seed which one
     * @throws Throwable what shows that it has failed
     */
    void run(long seed) throws Throwable;
  }

  /** A program that tells how many operations it had. */
  public interface Counted {
    /**
     * Runs it.
     *
     * @param seed which one
     * @return how many operations
     * @throws Throwable what shows that it has failed
     */
    long run(long seed) throws Throwable;
  }

  /**
   * Runs programs and prints how many.
   *
   * @param test the class that runs them
   * @param program runs one
   */
  public static void run(Class<?> test, Program program) {
    run(test, SECONDS * 1_000_000_000, program);
  }

  private static void run(Class<?> test, long nanos, Program program) {
    long end = System.nanoTime() + nanos;
    runUntil(test, program, () -> System.nanoTime() >= end);
  }

  /**
   * Runs malicious programs and prints how many operations they had. With {@code
   * -Dmalice.operations} it is enough when there were so many, and the time does not count.
   *
   * @param test the class that runs them
   * @param kinds how many kinds of them have the time together
   * @param kind what is printed of these
   * @param program runs one
   */
  public static void runMalice(Class<?> test, int kinds, String kind, Counted program) {
    long[] done = new long[1];
    long start = System.nanoTime();
    long[] told = {start};
    Program counting =
        seed -> {
          done[0] += program.run(seed);
          if (System.nanoTime() - told[0] > NANOS_BETWEEN_REPORTS) {
            told[0] = System.nanoTime();
            report(kind, done[0], start);
          }
        };
    if (OPERATIONS == 0) {
      run(test, SECONDS * 1_000_000_000 / kinds, counting);
    } else {
      runUntil(test, counting, () -> done[0] >= OPERATIONS);
    }
    report(kind, done[0], start);
  }

  private static void report(String kind, long done, long start) {
    double seconds = (System.nanoTime() - start) / 1e9;
    System.out.printf("%s: %,d operations in %.0f s%n", kind, done, seconds);
  }

  /** Runs programs until something other than the time says that it is enough. */
  private static void runUntil(Class<?> test, Program program, BooleanSupplier isEnough) {
    long seed = ONLY == null ? FROM : ONLY;
    long first = seed;
    do {
      runOne(test, program, seed);
      seed++;
    } while (ONLY == null && !isEnough.getAsBoolean());
    System.out.println(
        test.getSimpleName() + ": " + (seed - first) + " programs, from seed " + first);
  }

  static void runOne(Class<?> test, Program program, long seed) {
    try {
      program.run(seed);
    } catch (Throwable e) {
      throw new AssertionError(
          "seed "
              + seed
              + " failed; again with -Dtest="
              + test.getSimpleName()
              + " -Dreliability.fuzzSeed="
              + seed
              + ": "
              + e,
          e);
    }
  }
}
