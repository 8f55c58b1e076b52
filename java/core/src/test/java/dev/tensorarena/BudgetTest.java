package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What counts towards budgets, who is refused by which, and when one can be closed. */
class BudgetTest {
  private static final long KIB = 1 << 10;
  private static final long MIB = 1 << 20;

  private MemoryBudget root;

  @BeforeEach
  void makeTheRoot() {
    root = MemoryBudget.of("server", 64 * MIB);
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, root.used(), root::toString);
    root.close();
    assertFalse(root.isOpen());
  }

  private static ExecutionContext open(MemoryBudget budget, String name) {
    return ExecutionContext.builder().budget(budget).name(name).open();
  }

  // ---- the programs at the head of the issue

  /** A static split would refuse 40 MiB of 64 for one of four workers. */
  @Test
  void oneOfFourWorkersMayNeedMostOfIt() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    CyclicBarrier allHaveTheirs = new CyclicBarrier(4);
    List<Future<Long>> workers = new ArrayList<>();
    for (long need : List.of(40 * MIB, 6 * MIB, 6 * MIB, 6 * MIB)) {
      workers.add(
          pool.submit(
              () -> {
                try (ExecutionContext ctx = open(root, "worker")) {
                  ctx.empty(DType.INT8, need);
                  allHaveTheirs.await();
                  long used = root.used();
                  allHaveTheirs.await();
                  return used;
                }
              }));
    }
    for (Future<Long> worker : workers) {
      assertEquals(58 * MIB, worker.get());
    }
    pool.shutdown();
    assertEquals(58 * MIB, root.peak());
  }

  /** Under a limit of 1 MiB for the context 200 MiB were pinned, and nothing counted. */
  @Test
  void whatSharedTensorsPinStaysCharged() {
    MemoryBudget query = root.child("query", 10 * MIB);
    List<SharedTensor> out = new ArrayList<>();
    ExecutionContext ctx =
        ExecutionContext.builder().budget(query).memoryLimit(MIB).name("q").open();
    MemoryLimitExceededException refused =
        assertThrows(
            MemoryLimitExceededException.class,
            () -> {
              for (int i = 0; i < 200; i++) {
                out.add(ctx.empty(DType.INT8, 900_000).share());
                ctx.reset();
              }
            });
    assertEquals(10 * MIB, query.limit());
    assertTrue(query.used() <= query.limit() && query.used() > 9 * MIB, query::toString);
    assertEquals(query.used(), refused.current());
    assertTrue(
        refused.getMessage().contains("what outlives its context with " + query.used()),
        refused.getMessage());
    ctx.close();
    String why = assertThrows(IllegalStateException.class, query::close).getMessage();
    assertTrue(why.contains(query.used() + " are pinned"), why);
    out.forEach(SharedTensor::close);
    assertEquals(0, query.used());
    query.close();
  }

  // ---- what counts

  @Test
  void chunksCountAlongThePathAndToNobodyElse() {
    MemoryBudget child = root.child("a", 8 * MIB);
    MemoryBudget other = root.child("b", 8 * MIB);
    try (ExecutionContext ctx = open(child, "a");
        ExecutionContext free = ExecutionContext.open()) {
      assertEquals(0, child.used(), "an idle context has no chunk");
      free.empty(DType.INT8, MIB);
      ctx.empty(DType.INT8, 1);
      assertEquals(64 * KIB, child.used());
      ctx.empty(DType.INT8, 3 * MIB);
      assertEquals(3 * MIB + 64 * KIB, child.used());
      assertEquals(3 * MIB + 64 * KIB, root.used());
      assertEquals(0, other.used());
    }
    assertEquals(0, root.used());
    assertEquals(3 * MIB + 64 * KIB, root.peak());
    child.close();
    other.close();
  }

  @Test
  void aChunkStaysChargedToTheBudgetOfTheArenaThatTookIt() throws Exception {
    MemoryBudget from = root.child("from", MIB);
    MemoryBudget to = root.child("to", MIB);
    SharedTensor handle;
    try (ExecutionContext ctx = open(from, "from")) {
      handle = ctx.zeros(DType.INT8, 1000).share();
    }
    try (ExecutionContext ctx = open(to, "to")) {
      handle.mutable(ctx).setByteAt(0, (byte) 1); // taken over where it lies
      assertEquals(64 * KIB, from.used());
      assertEquals(0, to.used());
    }
    assertEquals(0, from.used());
    from.close();
    to.close();
  }

  @Test
  void theLimitOfAContextCountsToTheByteBesides() {
    try (ExecutionContext ctx =
        ExecutionContext.builder().budget(root).memoryLimit(1000).alignment(1).open()) {
      ctx.empty(DType.INT8, 999);
      ctx.empty(DType.INT8, 1);
      String message =
          assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 1))
              .getMessage();
      assertTrue(message.contains("the memory limit of this context is 1000 bytes"), message);
    }
  }

  @Test
  void aRefusalNamesTheBudgetAndItsLargestUsers() {
    MemoryBudget query = root.child("query", 4 * MIB);
    MemoryBudget step = query.child("step", Long.MAX_VALUE);
    try (ExecutionContext large = open(query, "large");
        ExecutionContext small = open(step, "small")) {
      large.empty(DType.INT8, 3 * MIB);
      small.empty(DType.INT8, 1);
      MemoryLimitExceededException e =
          assertThrows(MemoryLimitExceededException.class, () -> small.empty(DType.INT8, MIB + 1));
      long chunk = MIB + 128 * KIB;
      assertEquals(
          small
              + ": 1048577 bytes requested, for which it needs a chunk of "
              + chunk
              + " bytes, but the memory limit of budget \"server/query\" is 4194304 bytes and 3211264"
              + " are in use; its largest users are "
              + large
              + " with 3145728, "
              + small
              + " with 65536",
          e.getMessage());
      assertEquals(
          List.of(MIB + 1, 4 * MIB, query.used()), List.of(e.requested(), e.limit(), e.current()));
      small.empty(DType.INT8, 700 * KIB); // what fits is not refused
    }
    step.close();
    query.close();
  }

  @Test
  void aRefusalNamesTheThreeLargestOfManyUsers() {
    try (ExecutionContext a = open(root, "a");
        ExecutionContext b = open(root, "b");
        ExecutionContext c = open(root, "c");
        ExecutionContext d = open(root, "d")) {
      List<ExecutionContext> users = List.of(c, a, d, b);
      for (int i = 0; i < 4; i++) {
        users.get(i).empty(DType.INT8, (4 - i) * MIB);
      }
      String message =
          assertThrows(MemoryLimitExceededException.class, () -> a.empty(DType.INT8, 64 * MIB))
              .getMessage();
      String largest = c + " with 4194304, " + a + " with 3145728, " + d + " with 2097152";
      assertTrue(message.endsWith("its largest users are " + largest), message);
    }
  }

  @Test
  void theCapacityIsAskedForWhole() {
    root.limit(MIB);
    try (ExecutionContext ctx =
        ExecutionContext.builder().budget(root).capacity(2 * MIB).name("c").open()) {
      MemoryLimitExceededException e =
          assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 1));
      assertTrue(e.getMessage().contains("a chunk of 2097152 bytes"), e.getMessage());
      root.limit(2 * MIB);
      ctx.empty(DType.INT8, 1);
    }
  }

  @Test
  void sparesGoBackBeforeARefusal() {
    MemoryBudget query = root.child("query", 2 * MIB);
    try (ExecutionContext ctx = open(query, "q")) {
      ctx.empty(DType.INT8, 1);
      Scope scope = ctx.scope();
      for (int i = 0; i < 3; i++) {
        ctx.empty(DType.INT8, 512 * KIB);
      }
      scope.close();
      assertEquals(1600 * KIB, query.used());
      ctx.empty(DType.INT8, MIB);
      assertEquals(1088 * KIB, query.used());
    }
    query.close();
  }

  @Test
  void limitsChangeWhileInUse() {
    try (ExecutionContext ctx = open(root, "q")) {
      ctx.empty(DType.INT8, 2 * MIB);
      root.limit(MIB);
      assertEquals(MIB, root.limit());
      assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, MIB));
      assertEquals(2 * MIB, root.used());
      root.limit(Long.MAX_VALUE);
      ctx.empty(DType.INT8, MIB);
    }
  }

  // ---- names and numbers

  @Test
  void aClosedContextIsNotTheNextOneWithItsRecord() {
    ExecutionContext closed = open(root, "closed");
    closed.empty(DType.INT8, 1);
    BudgetUser.Context user = closed.arena().paid.entry();
    assertEquals(64 * KIB, user.chunkBytes());
    closed.close();
    try (ExecutionContext next = open(root, "next")) {
      next.empty(DType.INT8, MIB);
      assertEquals(0, user.chunkBytes());
    }
  }

  @Test
  void theTreeIsDescribed() {
    MemoryBudget query = root.child("query 7", MIB);
    query.child("step", Long.MAX_VALUE).close();
    MemoryBudget step = query.child("sort", Long.MAX_VALUE);
    MemoryBudget later = root.child("query 8", MIB);
    try (ExecutionContext ctx = open(step, "q")) {
      ctx.empty(DType.INT8, 1);
    }
    assertEquals(
        "server: 0 bytes used, peak 65536, limit 67108864\n"
            + "  query 7: 0 bytes used, peak 65536, limit 1048576\n"
            + "    sort: 0 bytes used, peak 65536, limit none\n"
            + "  query 8: 0 bytes used, peak 0, limit 1048576",
        root.toString());
    assertEquals("query 7", query.name());
    later.close();
    step.close();
    query.close();
    assertEquals("query 7: closed", query.toString());
  }

  // ---- the end

  @Test
  void aBudgetInUseSaysWhatKeepsItOpen() {
    MemoryBudget query = root.child("query", MIB);
    ExecutionContext ctx = open(query, "late");
    MemoryBudget child = query.child("child", MIB);
    MemoryBudget.Reservation reservation = query.reserve(1);
    String message = assertThrows(IllegalStateException.class, query::close).getMessage();
    assertEquals(
        "budget \"server/query\" cannot be closed: 65536 bytes are charged to it, of which 0 are"
            + " pinned by what outlives its context; open are "
            + ctx
            + ", budget \"server/query/child\", a reservation of budget \"server/query\" with 65536"
            + " bytes left\n"
            + query,
        message);
    assertTrue(query.isOpen());
    ctx.empty(DType.INT8, 1); // it goes on as before
    reservation.close();
    ctx.close();
    assertThrows(IllegalStateException.class, query::close);
    child.close();
    query.close();
    query.close();
  }

  @Test
  void aClosedBudgetIsRefused() {
    MemoryBudget query = root.child("query", MIB);
    query.close();
    ExecutionContext.Builder builder = ExecutionContext.builder().budget(query);
    for (Runnable call :
        List.<Runnable>of(
            builder::open,
            query::used,
            query::peak,
            query::limit,
            () -> query.limit(1),
            () -> query.child("x", 1),
            () -> query.reserve(1),
            () -> query.onPressure(bytes -> false))) {
      String message = assertThrows(IllegalStateException.class, call::run).getMessage();
      assertEquals("budget \"server/query\" is closed", message);
    }
  }

  /** Contexts open and close while the budget is asked to: each open one keeps it open. */
  @Test
  void closingAgainstOpening() throws Exception {
    MemoryBudget query = root.child("query", MIB);
    CountDownLatch opened = new CountDownLatch(1);
    CountDownLatch refused = new CountDownLatch(1);
    Thread worker =
        new Thread(
            () -> {
              try (ExecutionContext ctx = open(query, "on another thread")) {
                opened.countDown();
                refused.await();
                ctx.empty(DType.INT8, 1);
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
            });
    worker.start();
    opened.await();
    String message = assertThrows(IllegalStateException.class, query::close).getMessage();
    assertTrue(message.contains("(on another thread)"), message);
    refused.countDown();
    worker.join();
    query.close();
  }

  /** Its record is the next one's, which nothing that is asked of the closed one may reach. */
  @Test
  void aClosedBudgetIsNotTheNextOneWithItsRecord() {
    MemoryBudget closed = root.child("closed", MIB);
    closed.close();
    try (MemoryBudget next = root.child("next", MIB)) {
      for (Runnable call :
          List.<Runnable>of(
              closed::used,
              closed::peak,
              closed::limit,
              () -> closed.limit(1),
              () -> closed.child("x", 1),
              () -> closed.reserve(1))) {
        String message = assertThrows(IllegalStateException.class, call::run).getMessage();
        assertEquals("budget \"server/closed\" is closed", message);
      }
      closed.close();
      assertEquals(MIB, next.limit());
    }
  }
}
