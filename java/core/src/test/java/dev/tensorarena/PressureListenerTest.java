package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Who is asked to free memory before a refusal, in which order, and how often. */
class PressureListenerTest {
  private static final long MIB = 1 << 20;

  private final MemoryBudget root = MemoryBudget.of("server", 8 * MIB);
  private final MemoryBudget query = root.child("query", 4 * MIB);
  private final List<String> asked = new ArrayList<>();

  @AfterEach
  void nothingIsLeft() {
    query.close();
    assertEquals(0, root.used());
    root.close();
  }

  private static ExecutionContext open(MemoryBudget budget) {
    return ExecutionContext.builder().budget(budget).open();
  }

  private static void fill(ExecutionContext ctx) {
    ctx.empty(DType.INT8, 3 * MIB);
  }

  /** A cache of tensors, which evicts the oldest. */
  private static final class Cache implements MemoryBudget.PressureListener {
    final Deque<SharedTensor> kept = new ArrayDeque<>();

    void add(MemoryBudget budget, long bytes) {
      try (ExecutionContext ctx = open(budget)) {
        kept.add(ctx.empty(DType.INT8, bytes).share());
      }
    }

    @Override
    public boolean free(long bytes) {
      SharedTensor oldest = kept.poll();
      if (oldest == null) {
        return false;
      }
      oldest.close();
      return true;
    }
  }

  @Test
  void itIsAskedAgainAsLongAsItFreesSomething() throws Exception {
    Cache cache = new Cache();
    query.onPressure(cache);
    try (ExecutionContext ctx = open(query)) {
      for (int i = 0; i < 4; i++) {
        cache.add(query, MIB);
      }
      Tensor tensor = ctx.empty(DType.INT8, 3 * MIB);
      tensor.setByteAt(0, (byte) 1);
      assertEquals(1, cache.kept.size(), "three of four were evicted, one after the other");
      assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 2 * MIB));
      assertEquals(0, cache.kept.size());
    }
  }

  @Test
  void theBytesAreWhatIsMissing() throws Exception {
    List<Long> missing = new ArrayList<>();
    query.onPressure(
        bytes -> {
          missing.add(bytes);
          return false;
        });
    try (ExecutionContext ctx = open(query)) {
      fill(ctx);
      assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 2 * MIB));
      query.limit(MIB);
      assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, MIB));
      assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, Long.MAX_VALUE));
    }
    assertEquals(List.of(MIB, 3 * MIB), missing.subList(0, 2));
    assertTrue(missing.get(2) > 1L << 62, missing::toString);
  }

  @Test
  void oneThatAlwaysSaysTrueIsAskedOnce() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    query.onPressure(bytes -> calls.incrementAndGet() > 0);
    try (ExecutionContext ctx = open(query)) {
      fill(ctx);
      assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 2 * MIB));
    }
    assertEquals(1, calls.get());
  }

  @Test
  void itIsAskedOnTheThreadThatWouldBeRefusedWithNoLockHeld() throws Exception {
    query.onPressure(
        bytes -> {
          asked.add(Thread.currentThread().getName());
          for (Object lock : List.of(MemoryBudget.ROOTS, root.users, query.users, Remains.class)) {
            assertFalse(Thread.holdsLock(lock));
          }
          return false;
        });
    TestSupport.runOnThread(
        "refused",
        () -> {
          try (ExecutionContext ctx = open(query)) {
            Throwable[] suppressed =
                assertThrows(
                        MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 5 * MIB))
                    .getSuppressed();
            assertEquals(List.of(), List.of(suppressed));
          }
        });
    assertThrows(MemoryLimitExceededException.class, () -> query.reserve(5 * MIB));
    assertEquals(List.of("refused", Thread.currentThread().getName()), asked);
  }

  private AutoCloseable note(MemoryBudget budget, String who) {
    return budget.onPressure(
        bytes -> {
          asked.add(who);
          return false;
        });
  }

  @Test
  void thoseFromTheContextsBudgetToTheRefusingOneAreAskedTheLastAddedFirst() throws Exception {
    MemoryBudget step = query.child("step", Long.MAX_VALUE);
    MemoryBudget beside = query.child("beside", Long.MAX_VALUE);
    List<AutoCloseable> added = new ArrayList<>();
    added.add(note(step, "step 1"));
    added.add(note(query, "query"));
    added.add(note(root, "root"));
    added.add(note(step, "step 2"));
    added.add(note(beside, "beside"));
    try (ExecutionContext ctx = open(step)) {
      assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 5 * MIB));
      assertEquals(List.of("step 2", "query", "step 1"), asked, "the query refuses");
      asked.clear();
      query.limit(Long.MAX_VALUE);
      assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 9 * MIB));
      assertEquals(List.of("step 2", "root", "query", "step 1"), asked, "the root refuses");
      asked.clear();
      added.remove(3).close();
      assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 9 * MIB));
      assertEquals(List.of("root", "query", "step 1"), asked);
      for (AutoCloseable each : added) {
        each.close();
      }
      asked.clear();
      assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 9 * MIB));
      assertEquals(List.of(), asked, "all were removed");
    }
    step.close();
    beside.close();
  }

  @Test
  void thoseOfTheWholePathAreAskedBeforeTheProcessRefuses() throws Exception {
    Cache cache = new Cache();
    cache.add(root, 2 * MIB);
    ChunkPool.trim();
    root.onPressure(cache);
    try (ExecutionContext ctx = open(query)) {
      ChunkPool.memoryLimit(ChunkPool.stats().inUseBytes());
      ctx.empty(DType.INT8, MIB);
      assertEquals(0, cache.kept.size());
    } finally {
      TestSupport.limitByDefault();
    }
  }

  @Test
  void theLimitOfTheContextAsksNobody() throws Exception {
    note(query, "query");
    try (ExecutionContext ctx = ExecutionContext.builder().budget(query).memoryLimit(1000).open()) {
      assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 1001));
      assertEquals(List.of(), asked);
    }
  }

  @Test
  void aRefusalInsideAListenerIsARefusal() throws Exception {
    List<Throwable> inside = new ArrayList<>();
    query.onPressure(
        bytes -> {
          asked.add("outer");
          try (ExecutionContext ctx = open(query)) {
            ctx.empty(DType.INT8, 2 * MIB);
          } catch (MemoryLimitExceededException e) {
            inside.add(e);
          }
          return true;
        });
    try (ExecutionContext ctx = open(query)) {
      fill(ctx);
      assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 2 * MIB));
      assertEquals(List.of("outer"), asked);
      assertEquals(1, inside.size());
      assertThrows(MemoryLimitExceededException.class, () -> query.reserve(2 * MIB));
      assertEquals(List.of("outer", "outer"), asked, "a reservation asks as well, and each anew");
    }
  }

  @Test
  void whatAListenerThrowsIsSuppressedInTheRefusal() throws Exception {
    RuntimeException thrown = new RuntimeException("a listener failed");
    Error error = new AssertionError("and so did another");
    query.onPressure(
        bytes -> {
          throw error;
        });
    query.onPressure(
        bytes -> {
          throw thrown;
        });
    try (ExecutionContext ctx = open(query)) {
      fill(ctx);
      Throwable[] suppressed =
          assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 2 * MIB))
              .getSuppressed();
      assertEquals(2, suppressed.length);
      assertSame(thrown, suppressed[0]);
      assertSame(error, suppressed[1]);
    }
  }

  // ---- what a listener does to the context is seen

  @Test
  void aListenerThatClosesTheScopeHasTheTensorInTheOneAround() throws Exception {
    ExecutionContext other = open(query);
    fill(other);
    try (ExecutionContext ctx = open(query)) {
      Scope scope = ctx.scope();
      Tensor inside = ctx.empty(DType.INT8, 1);
      query.onPressure(
          bytes -> {
            scope.close();
            other.close();
            return true;
          });

      Tensor tensor = ctx.empty(DType.INT8, 2 * MIB);
      assertFalse(inside.isAlive());
      tensor.setByteAt(0, (byte) 1);
    }
  }

  @Test
  void aListenerThatClosesTheContextIsSeen() {
    List<ExecutionContext> open = new ArrayList<>();
    query.onPressure(
        bytes -> {
          open.get(0).close();
          return true;
        });
    for (int way = 0; way < 3; way++) {
      ExecutionContext ctx = open(query);
      open.add(0, ctx);
      fill(ctx);
      Scope scope = ctx.scope();
      Executable call =
          switch (way) {
            case 0 -> () -> ctx.empty(DType.INT8, 2 * MIB);
            case 1 -> () -> ctx.allocate(2 * MIB, 64);
            default -> () -> scope.allocateAddress(2 * MIB, 64);
          };
      assertThrows(IllegalStateException.class, call);
      assertEquals(0, query.used());
    }
  }

  @Test
  void aListenerThatClosesTheBudgetAfterTheContextIsSeen() {
    ExecutionContext ctx = open(query);
    fill(ctx);
    query.onPressure(
        bytes -> {
          ctx.close();
          query.close();
          return true;
        });
    TestSupport.assertRefuses(() -> ctx.empty(DType.INT8, 2 * MIB), "ExecutionContext", "closed");
  }

  @Test
  void nativeCodeIsRefusedWithoutAsking() {
    note(query, "query");
    try (ExecutionContext ctx = open(query)) {
      assertEquals(0, NativeClient.counting(ctx.nativeHandle(), 0, MIB + 1), "4 MiB, and 4 B");
      assertEquals(NativeArena.BUDGET, NativeClient.reserve(ctx.nativeHandle(), 5 * MIB));
      assertEquals(List.of(), asked);
    }
  }

  @Test
  void eachWayToAllocateAsks() throws Exception {
    for (int way = 0; way < 3; way++) {
      Cache cache = new Cache();
      query.onPressure(cache);
      try (ExecutionContext ctx = open(query)) {
        cache.add(query, 3 * MIB);
        Scope scope = ctx.scope();
        switch (way) {
          case 0 -> ctx.allocate(2 * MIB, 64);
          case 1 -> scope.allocateAddress(2 * MIB, 64);
          default -> query.reserve(2 * MIB).close();
        }
        assertEquals(0, cache.kept.size());
      }
    }
  }

  @Test
  void aListenerThatFillsTheContextIsRefusedByItsLimit() throws Exception {
    ExecutionContext other = open(query);
    fill(other);
    try (ExecutionContext ctx =
        ExecutionContext.builder().budget(query).memoryLimit(3 * MIB).open()) {
      query.onPressure(
          bytes -> {
            other.close();
            ctx.empty(DType.INT8, 2 * MIB);
            return true;
          });
      TestSupport.assertRefuses(
          MemoryLimitExceededException.class,
          () -> ctx.empty(DType.INT8, 2 * MIB),
          "of this context",
          2 * MIB + " are in use");
    }
  }

  /** The source dies while room is made for its copy, whose bytes would be another's. */
  @Test
  void aListenerThatEndsTheSourceOfACopyIsSeen() throws Exception {
    ExecutionContext source = open(query);
    try (ExecutionContext ctx = open(query)) {
      Tensor tensor = source.empty(DType.INT8, 3 * MIB);
      query.onPressure(
          bytes -> {
            source.close();
            return true;
          });

      assertThrows(IllegalStateException.class, () -> tensor.copy(ctx));
    }
  }

  // ---- whether it is worth another try

  @Test
  void oneThatSaysNoIsARefusalWhateverItFreed() throws Exception {
    Cache cache = new Cache();
    query.onPressure(bytes -> cache.free(bytes) && false);
    cache.add(query, 3 * MIB);
    try (ExecutionContext ctx = open(query)) {
      assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 2 * MIB));
      ctx.empty(DType.INT8, 2 * MIB);
    }
  }

  @Test
  void oneThatAnotherOneRemovesMeanwhileIsNotAsked() throws Exception {
    AutoCloseable first = note(query, "first");
    query.onPressure(
        bytes -> {
          asked.add("second");
          assertDoesNotThrow(first::close);
          return false;
        });
    try (ExecutionContext ctx = open(query)) {
      assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 5 * MIB));
    }
    assertEquals(List.of("second"), asked);
    assertEquals(1, query.listenersUpTo(null).size(), "nor kept");
  }

  @Test
  void whatAListenerThrowsIsLoggedWhereTheNextOneHelps() throws Exception {
    RuntimeException thrown = new RuntimeException("a listener failed");
    Cache cache = new Cache();
    query.onPressure(cache);
    query.onPressure(
        bytes -> {
          throw thrown;
        });
    cache.add(query, 3 * MIB);
    List<Throwable> logged = new ArrayList<>();
    Logger logger = Logger.getLogger("dev.tensorarena");
    logger.setFilter(entry -> logged.add(entry.getThrown()) && false);
    try (ExecutionContext ctx = open(query)) {
      ctx.empty(DType.INT8, 2 * MIB);
    } finally {
      logger.setFilter(null);
    }
    assertEquals(List.of(thrown), logged);
  }
}
