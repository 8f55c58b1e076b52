package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.lang.reflect.Method;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** A context, its scopes and what is not shared are for the thread that opened the context. */
class OwnerThreadTest {
  /** What the javadoc of ExecutionContext lets any thread call, also once it is closed. */
  private static final Set<String> ANY_THREAD =
      Set.of("executionId", "createdAt", "name", "memoryLimit", "isOpen", "toString");

  /** What any thread may call until then. */
  private static final Set<String> ANY_THREAD_WHILE_OPEN = Set.of("arenaStats", "memoryUsage");

  private static Stream<Method> methodsOfAnOpenContext() {
    return Calls.methods(ExecutionContext.class)
        .filter(method -> !ANY_THREAD.contains(method.getName()));
  }

  private static Stream<Method> ownersMethods() {
    return methodsOfAnOpenContext()
        .filter(method -> !ANY_THREAD_WHILE_OPEN.contains(method.getName()));
  }

  private static void call(Method method, ExecutionContext ctx, Tensor like) throws Throwable {
    try (ExecutionContext arguments = ExecutionContext.open()) {
      Object result = Calls.call(method, ctx, like, arguments);
      if (result instanceof DetachedContext moving) {
        moving.close();
      }
    }
  }

  @TestFactory
  Stream<DynamicTest> everyMethodOfAContextWorksOnItsThread() {
    return methodsOfAnOpenContext()
        .map(
            method ->
                dynamicTest(
                    method.toString(),
                    () -> {
                      try (ExecutionContext ctx = ExecutionContext.open()) {
                        call(method, ctx, ctx.zeros(DType.INT8, 1));
                      }
                    }));
  }

  @TestFactory
  Stream<DynamicTest> everyMethodOfAContextNamesBothThreadsOnAnother() {
    return ownersMethods()
        .map(
            method ->
                dynamicTest(
                    method.toString(),
                    () -> {
                      try (ExecutionContext ctx = ExecutionContext.open()) {
                        String owner = Thread.currentThread().getName();
                        Tensor like = ctx.zeros(DType.INT8, 1);
                        TestSupport.runOnThread(
                            "stranger",
                            () ->
                                assertRefuses(
                                    () -> call(method, ctx, like),
                                    "\"" + owner + "\"",
                                    "\"stranger\"",
                                    ctx.toString()));
                        assertEquals(1, ctx.memoryUsage(), "nothing has changed");
                        assertTrue(like.isAlive());
                      }
                    }));
  }

  @TestFactory
  Stream<DynamicTest> everyMethodOfAClosedContextSaysThatItIsClosed() {
    return methodsOfAnOpenContext()
        .filter(method -> !method.getName().equals("close"))
        .map(
            method ->
                dynamicTest(
                    method.toString(),
                    () -> {
                      ExecutionContext ctx = ExecutionContext.builder().name("ended").open();
                      Tensor like = ctx.zeros(DType.INT8, 1);
                      ctx.close();
                      assertRefuses(() -> call(method, ctx, like), "(ended)", "is closed");
                    }));
  }

  @Test
  void anyThreadMayAskWhoAContextIs() throws Exception {
    ExecutionContext ctx = ExecutionContext.builder().name("query 7").memoryLimit(100).open();
    try (ctx) {
      TestSupport.runOnThread("stranger", () -> assertDescribed(ctx));
    }
    assertDescribed(ctx);
  }

  private static void assertDescribed(ExecutionContext ctx) {
    assertTrue(ctx.executionId() > 0);
    assertNotNull(ctx.createdAt());
    assertEquals("query 7", ctx.name().orElseThrow());
    assertEquals(100, ctx.memoryLimit().orElseThrow());
    assertEquals("ExecutionContext " + ctx.executionId() + " (query 7)", ctx.toString());
  }

  @Test
  void scopesRefuseAnotherThread() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open();
        Scope scope = ctx.scope()) {
      Tensor tensor = ctx.allocSlice(1f);
      TestSupport.runOnThread(
          "stranger",
          () -> {
            assertRefuses(scope::close, "\"stranger\"");
            assertRefuses(() -> scope.track(() -> {}), "\"stranger\"");
            assertRefuses(() -> scope.closeKeeping(tensor), "\"stranger\"");
          });
      assertTrue(tensor.isAlive());
    }
  }

  @Test
  void closingTwiceDoesNothingOnAnyThread() throws Exception {
    ExecutionContext ctx = ExecutionContext.open();
    Scope scope = ctx.scope();
    scope.close();
    ctx.close();
    TestSupport.runOnThread(
        "stranger",
        () -> {
          ctx.close();
          scope.close();
        });
  }

  @Test
  void aThreadMayHaveSeveralContextsOpen() {
    try (ExecutionContext first = ExecutionContext.open();
        ExecutionContext second = ExecutionContext.open()) {
      Tensor a = first.allocSlice(1f);
      Tensor b = second.allocSlice(2f);
      first.reset();
      assertEquals(2f, b.getFloat(0));
      assertEquals(false, a.isAlive());
    }
  }

  @Test
  void aVirtualThreadOwnsItsContextWhicheverCarriersItRunsOn() throws Exception {
    Callable<Boolean> query =
        () -> {
          try (ExecutionContext ctx = ExecutionContext.open()) {
            Tensor sum = ctx.zeros(DType.INT64);
            for (int i = 0; i < 100; i++) {
              try (Scope scope = ctx.scope()) {
                SharedTensor part = scope.track(ctx.allocTemp((long) i).share());
                Thread.yield(); // lets another carrier take over
                sum.setLongAt(0, sum.getLongAt(0) + part.getLongAt(0));
              }
            }
            return sum.getLongAt(0) == 4950;
          }
        };
    List<FutureTask<Boolean>> queries =
        Stream.generate(() -> new FutureTask<>(query)).limit(20).toList();
    queries.forEach(TestSupport::startVirtualThread);
    for (FutureTask<Boolean> task : queries) {
      assertTrue(task.get());
    }
  }
}
