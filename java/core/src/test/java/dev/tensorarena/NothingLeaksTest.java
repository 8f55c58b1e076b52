package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/** Tests that leak, run inside a test that does not. */
class NothingLeaksTest {
  private static final Deque<AutoCloseable> LEAKED = new ArrayDeque<>();

  private static void leak(AutoCloseable resource) {
    LEAKED.push(resource);
  }

  private static TestExecutionSummary run(Class<?> tests) throws Exception {
    TestExecutionSummary summary = RunTests.run(tests.getName());
    while (!LEAKED.isEmpty()) {
      LEAKED.pop().close();
    }
    return summary;
  }

  private static void assertFails(Class<?> leaky, String... parts) throws Exception {
    TestExecutionSummary summary = run(leaky);
    // The first is the test, if it is not the class alone; then the class has leaked, too.
    assertTrue(summary.getTotalFailureCount() >= 1);
    String message = summary.getFailures().get(0).getException().getMessage();
    for (String part : parts) {
      assertTrue(message.contains(part), message);
    }
  }

  @Test
  void aTestThatLeavesAContextOpenFails() throws Exception {
    assertFails(LeavesAContextOpen.class, "aTest() left contexts open", "openContexts=1");
  }

  @Test
  void aTestThatLeavesAChunkPinnedFails() throws Exception {
    assertFails(LeavesAChunkPinned.class, "aTest() left", "chunks in use", "pinnedChunks=1");
  }

  @Test
  void aClassWhoseFixturesLeakFails() throws Exception {
    assertFails(LeavesAFixtureOpen.class, "LeavesAFixtureOpen left contexts open");
  }

  @Test
  void whatIsClosedInOrderPasses() throws Exception {
    TestExecutionSummary summary = run(Orderly.class);
    assertEquals(1, summary.getTestsSucceededCount());
    assertEquals(0, summary.getTotalFailureCount());
  }

  private static ExecutionContext openInUse() {
    ExecutionContext ctx = ExecutionContext.open();
    ctx.allocTemp(1f);
    return ctx;
  }

  static class LeavesAContextOpen {
    @Test
    void aTest() {
      leak(openInUse());
    }
  }

  static class LeavesAChunkPinned {
    @Test
    void aTest() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        leak(ctx.allocSlice(1f).share());
      }
    }
  }

  static class LeavesAFixtureOpen {
    @BeforeAll
    static void open() {
      leak(openInUse());
    }

    @Test
    void aTest() {}
  }

  static class Orderly {
    private static ExecutionContext ctx;

    @BeforeAll
    static void open() {
      ctx = openInUse();
    }

    @AfterAll
    static void close() {
      ctx.close();
    }

    @Test
    void aTest() {
      try (SharedTensor shared = ctx.allocSlice(1f).share()) {
        assertTrue(shared.isAlive());
      }
    }
  }
}
