package dev.tensorarena;

import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** What a library tells a logger of the JDK's from now on, which is not printed. */
public final class CollectedLog extends Handler {
  /** Kept, or the JDK would forget it with its handler. */
  private final Logger logger;

  private final List<String> messages = new ArrayList<>();

  /**
   * Collects until the JVM ends.
   *
   * @param logger the name of the logger
   */
  public CollectedLog(String logger) {
    this.logger = Logger.getLogger(logger);
    this.logger.setUseParentHandlers(false);
    this.logger.addHandler(this);
  }

  /**
   * Returns what was told since this was asked last.
   *
   * @return the messages, oldest first
   */
  public List<String> taken() {
    synchronized (messages) {
      List<String> taken = List.copyOf(messages);
      messages.clear();
      return taken;
    }
  }

  @Override
  public void publish(LogRecord told) {
    synchronized (messages) {
      messages.add(told.getMessage());
    }
  }

  @Override
  public void flush() {}

  @Override
  public void close() {}
}
