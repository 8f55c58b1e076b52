package dev.tensorarena.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tensorarena.CollectedLog;
import io.netty.buffer.PooledByteBufAllocator;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.List;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Fails a test class of whose buffers Netty's leak detector reports one. Netty logs to the JDK. */
public final class NoBufferLeaks implements AfterAllCallback {
  private static final CollectedLog REPORTS =
      new CollectedLog("io.netty.util.ResourceLeakDetector");

  @Override
  public void afterAll(ExtensionContext context) {
    assertEquals(List.of(), found(), context.getDisplayName() + " left buffers unreleased");
  }

  /** Has the garbage collected, and returns what is reported of it, once. */
  static List<String> found() {
    collect();
    collect(); // whose references the JVM hands out behind all of those that the first has found
    PooledByteBufAllocator.DEFAULT.directBuffer(1).release(); // Netty asks when one more is watched
    return REPORTS.taken();
  }

  /** Returns once a collection has found some garbage, and the JVM has handed out that. */
  private static void collect() {
    ReferenceQueue<Object> handedOut = new ReferenceQueue<>();
    WeakReference<Object> garbage = new WeakReference<>(new Object(), handedOut);
    try {
      do {
        System.gc();
      } while (handedOut.remove(100) == null);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    Reference.reachabilityFence(garbage);
  }
}
