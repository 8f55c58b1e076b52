package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.onThread;
import static dev.tensorarena.TestSupport.runOnThread;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A context goes from thread to thread with all that it contains. */
class DetachTest {
  private final long inUse = ChunkPool.stats().inUseChunks();

  @AfterEach
  void nothingIsLost() {
    assertEquals(inUse, ChunkPool.stats().inUseChunks());
  }

  private static ExecutionContext named() {
    return ExecutionContext.builder().name("moving").open();
  }

  @Test
  void itIsTheSameContextOnTheOtherThread() throws Exception {
    ExecutionContext ctx = named();
    Tensor outer = ctx.allocSlice(1f, 2f);
    Scope scope = ctx.scope();
    Tensor inner = ctx.allocSlice(3f);
    DetachedContext moving = ctx.detach();
    assertTrue(moving.isOpen());
    runOnThread(
        "next",
        () -> {
          assertSame(ctx, moving.attach());
          assertFalse(moving.isOpen());
          assertEquals(2f, outer.getFloat(1));
          inner.fill(4f);
          assertTrue(scope.isOpen());
          Tensor kept = scope.closeKeeping(inner);
          assertEquals(4f, kept.getFloat(0));
          assertFalse(inner.isAlive());
          assertEquals(1f, ctx.scope().closeKeeping(outer).getFloat(0));
          ctx.reset();
          assertEquals(5f, ctx.allocSlice(5f).getFloat(0));
          ctx.close();
        });
    assertFalse(outer.isAlive());
    assertFalse(ctx.isOpen());
  }

  @Test
  void inTransitNobodyUsesIt() throws Exception {
    ExecutionContext ctx = named();
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocSlice(1f);
    String me = Thread.currentThread().getName();
    DetachedContext moving = ctx.detach();
    assertRefuses(ctx::scope, "in transit", "(moving)", me, "attach()");
    assertRefuses(() -> ctx.empty(DType.INT8, 1), "in transit");
    assertRefuses(ctx::reset, "in transit");
    assertRefuses(ctx::detach, "in transit");
    assertRefuses(() -> tensor.getFloat(0), "FLOAT32", "in transit");
    assertRefuses(tensor::share, "in transit");
    assertRefuses(scope::close, "in transit");
    assertTrue(tensor.isAlive());
    assertFalse(scope.isOpen());
    runOnThread("stranger", () -> assertRefuses(ctx::close, "in transit", me, "\"stranger\""));
    runOnThread(
        "stranger", () -> assertRefuses(tensor::asFloatBuffer, "in transit", "\"stranger\""));
    assertEquals(4, ctx.memoryUsage());
    assertTrue(ctx.isOpen());
    assertTrue(moving.toString().contains("(moving)"));
    moving.close();
    assertFalse(ctx.isOpen());
  }

  @Test
  void theThreadThatDetachedItIsAStranger() throws Exception {
    ExecutionContext ctx = named();
    Tensor tensor = ctx.allocSlice(1f);
    DetachedContext moving = ctx.detach();
    Thread[] next = new Thread[1];
    CyclicBarrier step = new CyclicBarrier(2);
    next[0] =
        new Thread(
            () -> {
              ExecutionContext mine = moving.attach();
              await(step);
              await(step);
              mine.close();
            },
            "next");
    next[0].start();
    await(step);
    assertRefuses(() -> tensor.getFloat(0), "\"next\"");
    assertRefuses(ctx::scope, "\"next\"");
    ctx.close(); // does nothing
    assertTrue(ctx.isOpen());
    runOnThread("stranger", () -> assertRefuses(ctx::close, "\"next\"", "\"stranger\""));
    await(step);
    next[0].join();
    assertFalse(ctx.isOpen());
    ctx.close();
  }

  private static void await(CyclicBarrier barrier) {
    try {
      barrier.await();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void detachInsideTryWithResources() throws Exception {
    DetachedContext moving;
    try (ExecutionContext ctx = named()) {
      ctx.allocSlice(1f);
      moving = ctx.detach();
    }
    try (ExecutionContext mine = moving.attach()) {
      assertEquals(4, mine.memoryUsage());
    }
    try (ExecutionContext ctx = named()) {
      ctx.allocSlice(1f);
      ExecutionContext back = ctx.detach().attach(); // which is this thread's again
      assertSame(ctx, back);
    }
  }

  @Test
  void oneOfAttachAndCloseWins() throws Exception {
    ExecutionContext ctx = named();
    DetachedContext moving = ctx.detach();
    moving.attach();
    assertRefuses(moving::attach, "(moving)", "already");
    moving.close();
    assertTrue(ctx.isOpen(), "somebody has attached it");
    DetachedContext again = ctx.detach();
    assertRefuses(moving::attach, "already");
    moving.close();
    assertFalse(moving.isOpen());
    assertTrue(again.isOpen());
    again.close();
    again.close();
    assertRefuses(again::attach, "already");
    assertRefuses(ctx::detach, "is closed");
  }

  @Test
  void closingInTransitClosesWhatIsTracked() throws Exception {
    List<String> closed = new ArrayList<>();
    ExecutionContext ctx = named();
    Tensor tensor = ctx.allocSlice(7f);
    ctx.track(() -> closed.add("tracked " + tensor.getFloat(0) + Thread.currentThread().getName()));
    SharedTensor shared = tensor.share();
    DetachedContext moving = ctx.detach();
    assertEquals(List.of(), closed);
    runOnThread(
        "closer",
        () -> {
          moving.close();
          assertFalse(ctx.isOpen());
        });
    assertEquals(List.of("tracked 7.0closer"), closed);
    assertEquals(7f, shared.getFloat(0));
    shared.close();
  }

  // ---- shares

  @Test
  void handlesAreClosedSharedAndCountedInTransit() throws Exception {
    ExecutionContext ctx = named();
    Tensor tensor = ctx.allocSlice(1f);
    SharedTensor before = tensor.share();
    SharedTensor plain = tensor.share();
    SharedTensor late = tensor.share();
    DetachedContext moving = ctx.detach();
    before.close(); // by who made it
    SharedTensor between = plain.share();
    runOnThread("other", () -> plain.tryShare().close());
    runOnThread(
        "next",
        () -> {
          moving.attach();
          before.close(); // once more
          late.close();
          plain.close();
          SharedTensor mine = tensor.share();
          mine.close();
          between.close();
          Tensor writable = tensor.mutable(ctx);
          assertEquals(tensor.start(), writable.start(), "nobody else holds the bytes");
          writable.fill(2f);
          ctx.close();
        });
  }

  @Test
  void whatHasBeenDetachedStaysSo() throws Exception {
    ExecutionContext ctx = named();
    Scope scope = ctx.scope();
    SharedTensor ended = ctx.allocSlice(1f).share();
    scope.close();
    SharedTensor alive = ctx.allocSlice(2f).share();
    DetachedContext moving = ctx.detach();
    runOnThread(
        "next",
        () -> {
          moving.attach();
          SharedTensor again = ended.share();
          ended.close();
          assertEquals(1f, again.getFloat(0));
          again.close();
          alive.close();
          ctx.close();
        });
  }

  @Test
  void itMovesManyTimes() throws Exception {
    DetachedContext moving = named().detach();
    List<SharedTensor> handles = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      DetachedContext now = moving;
      float value = i;
      moving =
          onThread(
              "thread " + i,
              () -> {
                ExecutionContext ctx = now.attach();
                ctx.scope();
                handles.add(ctx.allocSlice(value).share());
                if (handles.size() % 3 == 0) {
                  handles.remove(0).close();
                }
                return ctx.detach();
              });
    }
    moving.attach().close();
    float sum = 0;
    for (SharedTensor handle : handles) {
      sum += handle.getFloat(0);
      handle.close();
    }
    assertEquals(18f + 19f, sum);
  }

  @Test
  void partsStayTheirThreadsAndTheNextOwnerHasTheWhole() throws Exception {
    ExecutionContext ctx = named();
    Tensor whole = ctx.zeros(DType.FLOAT32, 4);
    TensorParts parts = whole.split(0, 2);
    TensorPart mine = parts.get(0);
    mine.tensor().fill(1f);
    DetachedContext moving = ctx.detach();
    mine.tensor().fill(2f);
    assertRefuses(parts::close, "in transit");
    DetachedContext back =
        onThread(
            "next",
            () -> {
              moving.attach();
              assertRefuses(parts::close, "open", "0 (thread");
              assertRefuses(() -> whole.fill(3f), "frozen");
              return ctx.detach();
            });
    mine.close();
    back.attach();
    parts.close();
    assertEquals(2f, whole.getFloat(0));
    whole.fill(3f);
    ctx.close();
  }

  // ---- guards

  private static final class Ended extends Guard {
    final List<String> log;
    final String name;
    boolean refuses;
    boolean immovable;
    ExecutionContext detached;

    Ended(List<String> log, String name) {
      this.log = log;
      this.name = name;
    }

    @Override
    protected void beforeDetach() {
      if (immovable) {
        throw new IllegalStateException(name + " stays");
      }
    }

    @Override
    public void close() {
      if (detached != null) {
        detached.detach();
      }
      if (refuses) {
        throw new IllegalStateException(name + " refuses");
      }
      log.add(name);
    }
  }

  @Test
  void guardsOfAllScopesAreClosedOutermostFirst() throws Exception {
    List<String> log = new ArrayList<>();
    ExecutionContext ctx = named();
    Scope outer = ctx.scope();
    Ended first = outer.guard(Ended.class, s -> new Ended(log, "outer"));
    Scope inner = ctx.scope();
    Ended second = inner.guard(Ended.class, s -> new Ended(log, "inner"));
    second.immovable = true;
    assertRefuses(ctx::detach, "inner stays");
    assertEquals(List.of(), log, "nothing has ended");
    second.immovable = false;
    second.refuses = true;
    assertRefuses(ctx::detach, "inner refuses");
    assertEquals(1, ctx.allocSlice(1f).shape().numElements(), "the context has not moved");
    second.refuses = false;
    DetachedContext moving = ctx.detach();
    assertEquals(List.of("outer", "inner"), log);
    moving.attach();
    assertTrue(first != outer.guard(Ended.class, s -> new Ended(log, "outer")), "a new one");
    ctx.close();
    assertEquals(List.of("outer", "inner", "outer"), log);
  }

  @Test
  void itIsNotDetachedInTheMiddleOfAnEnd() {
    List<String> log = new ArrayList<>();
    ExecutionContext ctx = named();
    Scope scope = ctx.scope();
    scope.track(ctx::detach);
    assertRefuses(scope::close, "cannot be detached", "(moving)");
    assertFalse(scope.isOpen());
    ctx.track(ctx::detach);
    assertRefuses(ctx::reset, "cannot be detached");
    Ended guard = ctx.scope().guard(Ended.class, s -> new Ended(log, "guard"));
    guard.detached = ctx;
    assertRefuses(ctx::detach, "cannot be detached");
    assertRefuses(ctx::close, "cannot be detached");
    guard.detached = null;
    ctx.close();
  }

  /** Where an end closes the guard, a close of the scope has nothing to do; here it would lie. */
  @Test
  void whatADetachClosesCannotEndTheScope() {
    ExecutionContext ctx = named();
    Scope scope = ctx.scope();
    class Closing extends Guard {
      @Override
      public void close() {
        assertRefuses(scope::close, "(moving)", "cannot be ended");
        assertRefuses(ctx::reset, "cannot be ended");
        ctx.scope().close();
      }
    }
    scope.guard(Closing.class, s -> new Closing());
    assertTrue(ctx.detach().attach().isOpen());
    assertTrue(scope.isOpen());
    ctx.close();
  }

  @Test
  void aMakerThatDetachesMakesNoGuard() throws Exception {
    List<String> log = new ArrayList<>();
    ExecutionContext ctx = named();
    DetachedContext[] moving = new DetachedContext[1];
    assertRefuses(
        () ->
            ctx.scope()
                .guard(
                    Ended.class,
                    s -> {
                      moving[0] = ctx.detach();
                      return new Ended(log, "made");
                    }),
        "in transit");
    assertEquals(List.of("made"), log, "nobody else would close it");
    moving[0].close();
  }

  @Test
  void whoIsToldThatMemoryIsReleasedMayDetach() throws Exception {
    ExecutionContext ctx = named();
    DetachedContext[] moving = new DetachedContext[1];
    List<String> told = new ArrayList<>();
    Scope scope = ctx.scope();
    ByteBuffer buffer = ByteBuffer.allocateDirect(1);
    ctx.wrap(buffer, DType.INT8, Shape.of(1), () -> moving[0] = ctx.detach());
    ctx.wrap(buffer, DType.INT8, Shape.of(1), () -> told.add(Thread.currentThread().getName()));
    scope.close();
    assertEquals(List.of(), told, "the rest is for the next owner");
    runOnThread("next", () -> moving[0].attach().close());
    assertEquals(List.of("next"), told);
  }

  // ---- threads that end

  @Test
  void itOutlivesTheThreadThatDetachedIt() throws Exception {
    DetachedContext[] moving = new DetachedContext[1];
    runOnThread(
        "departed",
        () -> {
          ExecutionContext ctx = named();
          ctx.allocSlice(1f);
          moving[0] = ctx.detach();
        });
    try (ExecutionContext ctx = moving[0].attach()) {
      assertEquals(4, ctx.memoryUsage());
    }
  }

  @Test
  void aThreadThatEndsWithItLeavesAnOrphan() throws Exception {
    ExecutionContext ctx = named();
    SharedTensor shared = ctx.allocSlice(3f).share();
    List<String> closed = new ArrayList<>();
    DetachedContext moving = ctx.detach();
    runOnThread(
        "departed",
        () -> {
          moving.attach().track(() -> closed.add(Thread.currentThread().getName()));
        });
    assertRefuses(ctx::scope, "\"departed\"", "has ended");
    assertThrows(IllegalStateException.class, moving::attach);
    runOnThread("closer", ctx::close);
    assertEquals(List.of("closer"), closed);
    assertEquals(3f, shared.getFloat(0));
    shared.close();
    ctx.close();
  }

  @Test
  void ofManyThatTryOneWins() throws Exception {
    for (int round = 0; round < 500; round++) {
      DetachedContext moving = named().detach();
      int threads = 3;
      CyclicBarrier start = new CyclicBarrier(threads);
      AtomicInteger won = new AtomicInteger();
      AtomicInteger closed = new AtomicInteger();
      List<Thread> all = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        boolean closes = i == 0;
        Thread thread =
            new Thread(
                () -> {
                  await(start);
                  if (closes) {
                    moving.close();
                    closed.incrementAndGet();
                    return;
                  }
                  try {
                    ExecutionContext ctx = moving.attach();
                    won.incrementAndGet();
                    ctx.allocSlice(1f);
                    ctx.close();
                  } catch (IllegalStateException e) {
                    return;
                  }
                });
        all.add(thread);
        thread.start();
      }
      for (Thread thread : all) {
        thread.join();
      }
      assertTrue(won.get() <= 1);
      assertEquals(1, closed.get());
      assertFalse(moving.isOpen());
    }
  }
}
