package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestInstanceFactoryContext;
import org.junit.jupiter.api.extension.TestInstancePreConstructCallback;

/**
 * Fails a test, or a class with fixtures of its own, that leaves a context open or chunks in use: a
 * shared handle that was not released, or a pin that the library lost. Registered for all tests of
 * a module that has this one among its test dependencies.
 */
public final class NothingLeaks
    implements BeforeAllCallback,
        AfterAllCallback,
        TestInstancePreConstructCallback,
        BeforeEachCallback,
        AfterEachCallback {
  private static final ExtensionContext.Namespace NAMESPACE =
      ExtensionContext.Namespace.create(NothingLeaks.class);

  /**
   * What must not grow. A fixture's context may take chunks in a test, so while one is open only
   * the chunks count that belong to none.
   */
  private record InUse(long openContexts, long chunksWithoutContext) {
    static InUse now() {
      long contexts = ChunkPool.openContexts();
      ChunkPool.Stats pool = ChunkPool.stats();
      return new InUse(contexts, contexts == 0 ? pool.inUseChunks() : pool.pinnedChunks());
    }
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    remember(context);
  }

  /** Before the instance's fields are set: they may open contexts. */
  @Override
  public void preConstructTestInstance(
      TestInstanceFactoryContext instance, ExtensionContext context) {
    remember(context);
  }

  @Override
  public ExtensionContextScope getTestInstantiationExtensionContextScope(ExtensionContext root) {
    return ExtensionContextScope.TEST_METHOD;
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
    context
        .getStore(NAMESPACE)
        .getOrComputeIfAbsent(context.getUniqueId(), id -> InUse.now(), InUse.class);
  }

  private static void check(ExtensionContext context) {
    InUse before = context.getStore(NAMESPACE).get(context.getUniqueId(), InUse.class);
    assertEquals(
        before,
        InUse.now(),
        () ->
            context.getDisplayName()
                + " left contexts open or chunks in use that were not before it; "
                + ChunkPool.stats()
                + "; -Dtensorarena.test.args=-Dtensorarena.leakDetection=all may name the place");
  }
}
