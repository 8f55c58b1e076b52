package dev.tensorarena;

import java.lang.ref.Cleaner;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Reports contexts and shared handles that became unreachable without having been closed, with the
 * place that opened or shared them. {@code -Dtensorarena.leakDetection=off|sampled|all}. A watch
 * costs some 100 ns and a stack trace, so the default watches one context in 128; and of each
 * allocation one of its first 128 shares, then after 128 more, and ever more rarely the more it is
 * shared, down to one share in 65,536.
 */
final class LeakDetector {
  private static final System.Logger LOGGER = System.getLogger("dev.tensorarena");

  private enum Level {
    OFF,
    SAMPLED,
    ALL
  }

  private static final Level LEVEL = level();

  /** One context in so many is watched, and of an allocation one of its first so many shares. */
  private static final int ONE_IN = 128;

  /** Of an allocation that is shared all the time, one share in so many is watched at least. */
  private static final int LARGEST_INTERVAL = 1 << 16;

  /** Its thread starts with the first watch. */
  private static final class Watcher {
    static final Cleaner CLEANER = Cleaner.create();
  }

  private LeakDetector() {}

  /**
   * Watches a context until the watch is closed, if it is drawn.
   *
   * @param memory what is reclaimed of a context that leaked; must not reach the context
   * @return the watch, or null
   */
  static Watch watchNext(ExecutionContext context, Arena memory) {
    return LEVEL != Level.OFF && draw() == 0 ? watch(context, memory) : null;
  }

  private static Watch watch(ExecutionContext context, Arena memory) {
    return watch(context, context.label(), "opened", memory::reclaim);
  }

  /**
   * Counts the shares of one allocation down to the next one that is watched. {@link
   * SharedAllocation} is one, so that no share looks at a further object.
   */
  abstract static class ShareCountdown {
    /** Threads count down together as they please: a race loses nothing but a sample. */
    private int left = draw() + 1;

    /** From the last share that was watched to the next. */
    private int interval;

    /**
     * What watches the next handle of a tensor, by what the handle alone refers to: so that the
     * handle itself can still be optimised away. Null if that share is not watched.
     */
    final Resources watchNext(Tensor tensor) {
      return LEVEL == Level.OFF || --left > 0 ? null : watch(tensor);
    }

    private Resources watch(Tensor tensor) {
      // Ever more in a tensor that is shared all the time, so that its shares cost no more than
      // this count.
      interval =
          LEVEL == Level.ALL
              ? 1
              : Math.min(Math.max(ONE_IN, interval + interval / 4), LARGEST_INTERVAL);
      left = interval;
      Resources onlyTheHandles = new Resources();
      DType dtype = tensor.dtype;
      Shape shape = tensor.shape;
      onlyTheHandles.add(
          LeakDetector.watch(
              onlyTheHandles,
              () -> "a shared " + TensorState.describe(dtype, shape),
              "shared",
              () -> "its memory stays pinned for ever"));
      return onlyTheHandles;
    }
  }

  /** Forgets the watch, or null, of a handle that never came to hold anything. */
  static void dismiss(Resources watch) {
    if (watch != null) {
      watch.close(null);
    }
  }

  /**
   * From 0 to 127, at random; where all are watched always 0. The random numbers are the thread's
   * own: a counter would be a place where all threads meet.
   */
  private static int draw() {
    return LEVEL == Level.ALL ? 0 : ThreadLocalRandom.current().nextInt() & ONE_IN - 1;
  }

  private static Watch watch(
      Object watched, Supplier<String> what, String done, Supplier<String> reclaim) {
    Watch watch = new Watch(what, done, reclaim);
    watch.registration = Watcher.CLEANER.register(watched, watch);
    return watch;
  }

  /** The place that opened or shared; puts words to it only when it is reported. */
  private static final class Place extends Throwable {
    private static final long serialVersionUID = 1;

    private static final List<String> LIBRARY =
        Stream.of(LeakDetector.class, ExecutionContext.class, Tensor.class)
            .map(type -> Pattern.quote(type.getName()) + "(\\$.*)?")
            .toList();

    private final transient Supplier<String> what;
    private final String done;
    private final String thread = Thread.currentThread().getName();

    Place(Supplier<String> what, String done) {
      this.what = what;
      this.done = done;
    }

    /** The first frame that is not this library's. */
    String caller() {
      return Stream.of(getStackTrace())
          .filter(frame -> LIBRARY.stream().noneMatch(frame.getClassName()::matches))
          .findFirst()
          .map(StackTraceElement::toString)
          .orElse("an unknown place");
    }

    @Override
    public String getMessage() {
      return what.get() + " was " + done + " here, by thread \"" + thread + "\"";
    }
  }

  static final class Watch implements Runnable, AutoCloseable {
    private final Supplier<String> what;
    private final Place place;
    private final Supplier<String> reclaim;
    private volatile boolean closed;
    private Cleaner.Cleanable registration;

    private Watch(Supplier<String> what, String done, Supplier<String> reclaim) {
      this.what = what;
      this.place = new Place(what, done);
      this.reclaim = reclaim;
    }

    @Override
    public void run() {
      if (!closed) {
        LOGGER.log(
            System.Logger.Level.WARNING,
            "LEAK: "
                + what.get()
                + ", "
                + place.done
                + " at "
                + place.caller()
                + ", became unreachable without close(); "
                + reclaim.get(),
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
