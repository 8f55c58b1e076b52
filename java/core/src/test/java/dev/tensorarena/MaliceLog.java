package dev.tensorarena;

import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Listens to what the library tells of the program's own code, and does as that does. */
final class MaliceLog extends Handler {
  private static final Logger LOGGER = Logger.getLogger("dev.tensorarena");

  private MaliceLog() {}

  static MaliceLog install() {
    MaliceLog log = new MaliceLog();
    LOGGER.setUseParentHandlers(false);
    LOGGER.addHandler(log);
    return log;
  }

  void remove() {
    LOGGER.removeHandler(this);
    LOGGER.setUseParentHandlers(true);
  }

  @Override
  public void publish(LogRecord told) {
    MaliceActor.strike();
  }

  @Override
  public void flush() {}

  @Override
  public void close() {}
}
