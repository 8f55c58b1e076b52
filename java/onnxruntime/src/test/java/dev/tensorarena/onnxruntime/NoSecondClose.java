package dev.tensorarena.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Fails a test in which ONNX Runtime warns, as it does of a value that is closed twice. */
public final class NoSecondClose implements BeforeAllCallback, AfterEachCallback {
  private static final Logger LOG = Logger.getLogger("ai.onnxruntime");
  private static final List<String> WARNINGS = new ArrayList<>();

  static {
    LOG.addHandler(
        new Handler() {
          @Override
          public void publish(LogRecord told) {
            synchronized (WARNINGS) {
              WARNINGS.add(told.getMessage());
            }
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        });
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    LOG.setUseParentHandlers(false);
  }

  @Override
  public void afterEach(ExtensionContext context) {
    assertEquals(List.of(), warnings(), context.getDisplayName());
  }

  /** Returns what was warned of since this was asked last. */
  static List<String> warnings() {
    synchronized (WARNINGS) {
      List<String> warnings = List.copyOf(WARNINGS);
      WARNINGS.clear();
      return warnings;
    }
  }
}
