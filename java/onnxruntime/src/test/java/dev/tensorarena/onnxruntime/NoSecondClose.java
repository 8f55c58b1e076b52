package dev.tensorarena.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tensorarena.CollectedLog;
import java.util.List;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Fails a test in which ONNX Runtime warns, as it does of a value that is closed twice. */
public final class NoSecondClose implements AfterEachCallback {
  private static final CollectedLog WARNINGS = new CollectedLog("ai.onnxruntime");

  @Override
  public void afterEach(ExtensionContext context) {
    assertEquals(List.of(), warnings(), context.getDisplayName());
  }

  /** Returns what was warned of since this was asked last. */
  static List<String> warnings() {
    return WARNINGS.taken();
  }
}
