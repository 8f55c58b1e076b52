package dev.tensorarena;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Listens to what the library tells, of which nothing is printed. */
public final class LibraryLog extends Handler {
  private static final Logger LOGGER = Logger.getLogger("dev.tensorarena");

  private final Consumer<LogRecord> listener;

  private LibraryLog(Consumer<LogRecord> listener) {
    this.listener = listener;
  }

  /** What runs meanwhile. */
  public interface Body<E extends Throwable> {
    /**
     * Does it.
     *
     * @throws E anything
     */
    void run() throws E;
  }

  /**
   * Listens while something runs.
   *
   * @param body what runs
   * @param listener what to do, or to throw, when the library tells something
   * @param <E> what the body throws
   * @throws E what the body throws
   */
  public static <E extends Throwable> void during(Body<E> body, Consumer<LogRecord> listener)
      throws E {
    LibraryLog log = new LibraryLog(listener);
    LOGGER.setUseParentHandlers(false);
    LOGGER.addHandler(log);
    try {
      body.run();
    } finally {
      LOGGER.removeHandler(log);
      LOGGER.setUseParentHandlers(true);
    }
  }

  /**
   * Collects what something has left, until the library tells of an error.
   *
   * @param error what somebody's code throws then
   * @param body what runs before
   * @return whether the library has told of it
   */
  public static boolean tellsOf(Error error, Runnable body) {
    AtomicBoolean told = new AtomicBoolean();
    during(
        () -> {
          body.run();
          for (int i = 0; i < 1000 && !told.get(); i++) {
            System.gc();
            Thread.yield();
          }
        },
        record -> told.compareAndSet(false, record.getThrown() == error));
    return told.get();
  }

  @Override
  public void publish(LogRecord told) {
    listener.accept(told);
  }

  @Override
  public void flush() {}

  @Override
  public void close() {}
}
