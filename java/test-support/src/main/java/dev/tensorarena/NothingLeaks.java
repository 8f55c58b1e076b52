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
 * A JUnit extension that fails a test, or a test class with fixtures of its own, if it leaves a
 * context open that has had memory, or chunks in use. Chunks stay in use if a shared handle was not
 * closed, or if the library lost a pin. The extension is registered for all tests of a module that
 * has this module among its test dependencies.
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
   * The counts that a test must not change. A context of a fixture may take chunks during a test,
   * so while any context is open, only chunks that belong to no context count. A context that was
   * left open may have been collected by now.
   */
  private record InUse(long openContexts, long chunksWithoutContext, long collectedContexts) {
    static InUse now() {
      long contexts = ChunkPool.openContexts();
      ChunkPool.Stats pool = ChunkPool.stats();
      return new InUse(
          contexts, contexts == 0 ? pool.inUseChunks() : pool.pinnedChunks(), Remains.found());
    }
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    remember(context);
  }

  /** Remembers the counts before the instance's fields are set, since these may open contexts. */
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
                + " left contexts open or chunks in use that were not there before it; "
                + ChunkPool.stats()
                + "; -Dtensorarena.test.args=-Dtensorarena.leakDetection=all may report the place");
  }
}
