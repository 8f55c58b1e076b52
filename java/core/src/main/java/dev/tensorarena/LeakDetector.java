package dev.tensorarena;

import java.lang.ref.Cleaner;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;

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

  static boolean isOff() {
    return LEVEL == Level.OFF;
  }

  /** Whether the context with this number is watched. */
  static boolean watches(long number) {
    return LEVEL != Level.OFF && draw(number) == 0;
  }

  /** Which share of an allocation is watched first; the number counts allocations shared. */
  static int firstWatch(int number) {
    return draw(number) + 1;
  }

  /**
   * From 0 to 127, evenly even if only every second or every tenth number leaks: Fibonacci hashing
   * (Knuth, The Art of Computer Programming, 6.4). Where all are watched always 0.
   */
  private static int draw(long number) {
    return LEVEL == Level.ALL ? 0 : (int) number * 0x9E3779B9 >>> 25;
  }

  /**
   * From one watched share of an allocation to the next: 128, and ever more in a tensor that is
   * shared all the time, so that its shares cost no more than a count.
   *
   * @param last the interval before, 0 for none
   */
  static int nextInterval(int last) {
    return LEVEL == Level.ALL ? 1 : Math.max(128, Math.min(last + last / 4, 1 << 16));
  }

  /**
   * Watches a context until the watch is closed.
   *
   * @param reclaim gives back what can be given back and says what it did; must not reach the
   *     context
   */
  static Watch watchContext(ExecutionContext context, Supplier<String> reclaim) {
    return watch(context, context.label(), "opened", reclaim);
  }

  /**
   * Watches a shared handle of the tensor, by what the handle alone refers to: so that the handle
   * itself can still be optimised away.
   */
  static Resources watchShare(Tensor tensor) {
    Resources onlyTheHandles = new Resources();
    DType dtype = tensor.dtype;
    Shape shape = tensor.shape;
    onlyTheHandles.add(
        watch(
            onlyTheHandles,
            () -> "a shared " + TensorState.describe(dtype, shape),
            "shared",
            () -> "its memory stays pinned for ever"));
    return onlyTheHandles;
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
