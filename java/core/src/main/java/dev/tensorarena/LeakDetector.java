package dev.tensorarena;

import java.lang.ref.Cleaner;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Reports contexts, shared handles and parts that became unreachable without having been closed,
 * with the place that opened, shared or split them. {@code
 * -Dtensorarena.leakDetection=off|sampled|all} chooses how many are watched.
 *
 * <p>A watch costs some 100 ns and a stack trace of a microsecond, so the default, {@code sampled},
 * watches one of the first 128 contexts, and then ever rarer ones, down to one in 2,048. Of each
 * allocation it watches one of the first 128 shares, then the one 128 shares later, and then ever
 * rarer ones, down to one share in 65,536.
 */
final class LeakDetector {
  private static final System.Logger LOGGER = System.getLogger("dev.tensorarena");

  private enum Level {
    OFF,
    SAMPLED,
    ALL
  }

  private static final Level LEVEL = level();

  /** One of the first so many contexts is watched, and of an allocation's first shares. */
  private static final int FIRST_INTERVAL = LEVEL == Level.ALL ? 1 : 128;

  /** However many contexts are opened, one of so many is watched. */
  private static final int LARGEST_CONTEXT_INTERVAL = 1 << 11;

  /** However often an allocation is shared, one of so many shares is watched. */
  private static final int LARGEST_SHARE_INTERVAL = 1 << 16;

  /**
   * One context in so many is watched now. Threads read it at every opening and write it only with
   * a watch, so that they do not contend for it; a race only shifts the odds.
   */
  private static int contextInterval = FIRST_INTERVAL;

  /** Frames of these classes, and of what is nested in them, are not the place of a leak. */
  private static final List<String> LIBRARY =
      List.of(
          LeakDetector.class.getName(),
          ExecutionContext.class.getName(),
          Tensor.class.getName(),
          TensorPart.class.getName(),
          TensorParts.class.getName(),
          "dev.tensorarena.ffm.ArenaAllocator"); // of a module that this one does not know

  private static final LazyCleaner CLEANER = new LazyCleaner();

  private LeakDetector() {}

  /**
   * Watches a context until the watch is closed, if chance picks this one.
   *
   * @param arena the context's, which is reclaimed when nobody can reach it any more; it is watched
   *     in the context's place, since whatever uses the context uses it last
   * @return the watch, or null if the context is not watched
   */
  static Watch watchNext(Arena arena) {
    return LEVEL != Level.OFF && draw(contextInterval) == 0 ? watch(arena) : null;
  }

  private static Watch watch(Arena arena) {
    contextInterval = next(contextInterval, LARGEST_CONTEXT_INTERVAL);
    return watch(arena, arena.label(), "opened", arena.remains());
  }

  /**
   * A countdown of the shares of one allocation to the next one that is watched. {@link
   * SharedAllocation} extends it, so that a share need not access another object.
   */
  abstract static class ShareCountdown {
    /** Threads count down without synchronisation: a race only shifts which share is watched. */
    private int left = draw(FIRST_INTERVAL) + 1;

    /** The number of shares from the last that was watched to the next; 0 before the first. */
    private int interval;

    /**
     * Returns the resources for the next shared handle of a tensor, with a watch in them; null if
     * that share is not watched. Only the handle refers to them, so when they are unreachable, so
     * is the handle. The handle itself is not registered, so that the JIT can still optimise it
     * away.
     */
    final HandleResources watchNext(Tensor tensor) {
      return LEVEL == Level.OFF || --left > 0 ? null : watch(tensor);
    }

    /** Returns the watch of the next part of a tensor; null if that is not watched. */
    final Watch watchNext(PartScope part) {
      if (LEVEL == Level.OFF || --left > 0) {
        return null;
      }
      countFromHere();
      return LeakDetector.watch(part, part.describe(), "split off", null);
    }

    private void countFromHere() {
      interval = interval == 0 ? FIRST_INTERVAL : next(interval, LARGEST_SHARE_INTERVAL);
      left = interval;
    }

    private HandleResources watch(Tensor tensor) {
      countFromHere();
      HandleResources onlyTheHandles = new HandleResources();
      String what = "a shared " + tensor.describe();
      onlyTheHandles.add(LeakDetector.watch(onlyTheHandles, what, "shared", null));
      return onlyTheHandles;
    }
  }

  /** Ends the watch of a handle that could not retain the allocation; null stands for no watch. */
  static void dismiss(HandleResources watch) {
    if (watch != null) {
      watch.close();
    }
  }

  /**
   * Returns a random number from 0 to {@code bound} - 1. It comes from the thread's own generator,
   * because all threads would contend for a counter.
   */
  private static int draw(int bound) {
    return (int) (Integer.toUnsignedLong(ThreadLocalRandom.current().nextInt()) * bound >>> 32);
  }

  /**
   * Returns the interval after this one. It grows by a quarter each time, so that in the long run
   * what happens all the time costs no more than the question whether it is watched.
   */
  private static int next(int interval, int largest) {
    return LEVEL == Level.ALL ? interval : Math.min(interval + interval / 4, largest);
  }

  /**
   * Watches an object. The texts are no lambdas: to link one where the stack ends throws an
   * InternalError, on JDK 17, and not the overflow.
   *
   * @param what what it is called, which must not refer to it
   * @param done what was done to it here
   * @param remains what is taken back of it; null if its memory stays pinned
   */
  private static Watch watch(Object watched, String what, String done, Remains remains) {
    Watch watch = new Watch(what, done, remains);
    watch.registration = CLEANER.register(watched, watch);
    return watch;
  }

  /** The place that opened or shared; its text is made only when it is reported. */
  private static final class Place extends Throwable {
    private static final long serialVersionUID = 1;

    private final String what;
    private final String done;
    private final String thread = Thread.currentThread().getName();

    Place(String what, String done) {
      this.what = what;
      this.done = done;
    }

    /** Returns the first frame outside the library. */
    String caller() {
      for (StackTraceElement frame : getStackTrace()) {
        if (!isOfLibrary(frame.getClassName())) {
          return frame.toString();
        }
      }
      return "an unknown place";
    }

    private static boolean isOfLibrary(String type) {
      for (String own : LIBRARY) {
        if (type.startsWith(own)
            && (type.length() == own.length() || type.charAt(own.length()) == '$')) {
          return true;
        }
      }
      return false;
    }

    @Override
    public String getMessage() {
      return what + " was " + done + " here, by thread \"" + thread + "\"";
    }
  }

  static final class Watch implements Runnable, AutoCloseable {
    private final Place place;
    private final Remains remains;
    private volatile boolean closed;
    private Cleaner.Cleanable registration;

    private Watch(String what, String done, Remains remains) {
      this.place = new Place(what, done);
      this.remains = remains;
    }

    @Override
    public void run() {
      if (!closed) {
        LOGGER.log(
            System.Logger.Level.WARNING,
            "LEAK: "
                + place.what
                + ", "
                + place.done
                + " at "
                + place.caller()
                + ", became unreachable without close(); "
                + (remains == null ? "its memory stays pinned for ever" : remains.reclaim()),
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
          "-Dtensorarena.leakDetection=" + text + " is not one of off, sampled, all", e);
    }
  }
}
