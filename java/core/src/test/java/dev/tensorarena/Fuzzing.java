package dev.tensorarena;

import java.util.function.BooleanSupplier;

/**
 * Runs seeded programs until the time is over: {@code -Dreliability.fuzzSeconds}, 2 if not given,
 * with the seeds from {@code -Dreliability.fuzzFrom} on, 0 if not given. {@code
 * -Dreliability.fuzzSeed} runs one alone, as the message of a failure says.
 */
final class Fuzzing {
  private static final long SECONDS = Long.getLong("reliability.fuzzSeconds", 2);
  private static final long FROM = Long.getLong("reliability.fuzzFrom", 0);
  private static final Long ONLY = Long.getLong("reliability.fuzzSeed");

  private Fuzzing() {}

  /** Runs one program; which one is told by the seed alone. */
  interface Program {
    void run(long seed) throws Throwable;
  }

  /** Runs programs and prints how many. */
  static void run(Class<?> test, Program program) {
    long end = System.nanoTime() + SECONDS * 1_000_000_000;
    runUntil(test, program, () -> System.nanoTime() >= end);
  }

  /** Runs programs until something other than the time says that it is enough. */
  static void runUntil(Class<?> test, Program program, BooleanSupplier isEnough) {
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
