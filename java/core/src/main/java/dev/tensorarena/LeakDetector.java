package dev.tensorarena;

import java.lang.ref.Cleaner;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * Reports contexts and shared handles that became unreachable without having been closed, with the
 * place that opened or shared them. {@code -Dtensorarena.leakDetection=off|sampled|all}; the
 * default watches one in 128, since a watch costs some 100 ns and a stack trace.
 */
final class LeakDetector {
  private static final System.Logger LOGGER = System.getLogger("dev.tensorarena");

  private enum Level {
    OFF,
    SAMPLED,
    ALL
  }

  private static final Level LEVEL = level();

  /** Its thread starts with the first watch. */
  private static final class Watcher {
    static final Cleaner CLEANER = Cleaner.create();
  }

  private LeakDetector() {}

  /** Whether the context with this number is watched. */
  static boolean watches(long number) {
    return LEVEL != Level.OFF && draw(number) == 0;
  }

  /** Which share of an allocation is watched first; the number counts allocations shared. */
  static int firstWatch(int number) {
    return LEVEL == Level.OFF ? 0 : draw(number) + 1;
  }

  /**
   * From 0 to 127, evenly even if only every second or every tenth number leaks: Fibonacci hashing
   * (Knuth, The Art of Computer Programming, 6.4). Where all are watched always 0.
   */
  private static int draw(long number) {
    return LEVEL == Level.ALL ? 0 : (int) number * 0x9E3779B9 >>> 25;
  }

  /**
   * Which is next after this one: 128 further, and ever rarer in a tensor that is shared all the
   * time, so that its shares cost no more than a count.
   */
  static int nextWatch(int share) {
    return LEVEL == Level.ALL ? share + 1 : share + Math.max(128, Math.min(share / 4, 1 << 16));
  }

  /**
   * Watches a context until the watch is closed.
   *
   * @param reclaim gives back what can be given back and says what it did; must not reach the
   *     context
   */
  static Watch watchContext(ExecutionContext context, Supplier<String> reclaim) {
    return watch(context, context.toString(), "opened", reclaim);
  }

  /**
   * Watches a shared handle of the tensor, by what the handle alone refers to: so that the handle
   * itself can still be optimised away.
   */
  static Resources watchShare(Tensor tensor) {
    Resources onlyTheHandles = new Resources();
    String what = "a shared " + tensor.describe();
    Supplier<String> reclaim = () -> "its memory stays pinned for ever";
    onlyTheHandles.add(watch(onlyTheHandles, what, "shared", reclaim));
    return onlyTheHandles;
  }

  private static Watch watch(Object watched, String what, String done, Supplier<String> reclaim) {
    Watch watch = new Watch(what, done, reclaim);
    watch.registration = Watcher.CLEANER.register(watched, watch);
    return watch;
  }

  static final class Watch implements Runnable, AutoCloseable {
    private final String what;
    private final Throwable place;
    private final Supplier<String> reclaim;
    private volatile boolean closed;
    private Cleaner.Cleanable registration;

    private Watch(String what, String done, Supplier<String> reclaim) {
      this.what = what;
      this.place = new Throwable(what + " was " + done + " here, by thread " + threadName());
      this.reclaim = reclaim;
    }

    private static String threadName() {
      return "\"" + Thread.currentThread().getName() + "\"";
    }

    @Override
    public void run() {
      if (!closed) {
        LOGGER.log(
            System.Logger.Level.WARNING,
            "LEAK: " + what + " became unreachable without close(); " + reclaim.get(),
            place);
      }
    }

    @Override
    public void close() {
      closed = true;
      registration.clean();
    }
  }

  private static Level level() {
    String text = System.getProperty("tensorarena.leakDetection", "sampled");
    try {
      return Level.valueOf(text.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "-Dtensorarena.leakDetection=" + text + " is none of off, sampled, all", e);
    }
  }
}
