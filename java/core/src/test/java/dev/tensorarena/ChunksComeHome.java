package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a test, or a class with fixtures of its own, that leaves chunks in use: a context that was
 * not closed, a shared handle that was not released, or a pin that the library lost. Registered for
 * all tests in {@code META-INF/services}.
 */
public final class ChunksComeHome
    implements BeforeAllCallback, AfterAllCallback, BeforeEachCallback, AfterEachCallback {
  private static final ExtensionContext.Namespace NAMESPACE =
      ExtensionContext.Namespace.create(ChunksComeHome.class);

  @Override
  public void beforeAll(ExtensionContext context) {
    remember(context);
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    remember(context);
  }

  @Override
  public void afterEach(ExtensionContext context) {
    check(context);
  }

  @Override
  public void afterAll(ExtensionContext context) {
    check(context);
  }

  private static void remember(ExtensionContext context) {
    context.getStore(NAMESPACE).put(context.getUniqueId(), ChunkPool.stats().inUseChunks());
  }

  private static void check(ExtensionContext context) {
    long before = context.getStore(NAMESPACE).get(context.getUniqueId(), Long.class);
    ChunkPool.Stats now = ChunkPool.stats();
    assertEquals(
        before,
        now.inUseChunks(),
        () -> "chunks in use after " + context.getDisplayName() + " and before it; " + now);
  }
}
