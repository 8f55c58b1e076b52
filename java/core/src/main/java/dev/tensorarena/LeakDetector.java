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
  private static final int SAMPLE_MASK = LEVEL == Level.ALL ? 0 : 127;

  /** Its thread starts with the first watch. */
  private static final class Watcher {
    static final Cleaner CLEANER = Cleaner.create();
  }

  private LeakDetector() {}

  /** Whether the thing with this running number is watched. */
  static boolean watches(long number) {
    return LEVEL != Level.OFF && (number & SAMPLE_MASK) == 0;
  }

  /**
   * Watches until the result is closed.
   *
   * @param watched unreachable once the thing leaked
   * @param what names it in the report
   * @param done how it opened, as in "opened"
   * @param reclaim gives back what can be given back and says what it did; must not reach the thing
   * @return to be closed when the thing is closed in order
   */
  static Watch watch(Object watched, String what, String done, Supplier<String> reclaim) {
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
