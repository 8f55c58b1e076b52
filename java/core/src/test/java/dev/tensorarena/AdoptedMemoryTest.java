package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.runOnThread;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What an adopted context had is limited, charged, wiped, shared and held as the other one's. */
class AdoptedMemoryTest extends Adopting {
  // ---- limits, budgets, options

  @Test
  void itsChargeIsAddedToTheLimit() {
    try (ExecutionContext limited = ExecutionContext.withMemoryLimit(1000)) {
      limited.empty(DType.INT8, 500);
      ExecutionContext child = ExecutionContext.withMemoryLimit(501);
      Tensor tensor = child.empty(DType.INT8, 501);
      tensor.fill(7);
      AtomicInteger closed = new AtomicInteger();
      child.track(closed::incrementAndGet);
      DetachedContext moving = child.detach();
      MemoryLimitExceededException refusal =
          assertThrows(MemoryLimitExceededException.class, () -> limited.adopt(moving));
      assertEquals(501, refusal.requested());
      assertTrue(moving.isOpen());
      assertRefuses(() -> tensor.getByte(0), "in transit");
      assertEquals(500, limited.memoryUsage());
      assertEquals(501, child.memoryUsage());
      limited.reset();
      limited.adopt(moving);
      assertEquals(501, limited.memoryUsage());
      limited.empty(DType.INT8, 435); // its own limit is gone; and one padding
      assertThrows(MemoryLimitExceededException.class, () -> limited.empty(DType.INT8, 100));
      assertEquals(7, tensor.getByte(500));
      limited.reset();
      assertEquals(1, closed.get());
      limited.empty(DType.INT8, 1000);
    }
  }

  @Test
  void whatIsRefusedIsAsItWas() throws Exception {
    try (ExecutionContext limited = ExecutionContext.withMemoryLimit(10)) {
      ExecutionContext child = child();
      Tensor tensor = child.allocSlice(1f, 2f, 3f);
      SharedTensor handle = tensor.share();
      DetachedContext moving = child.detach();
      assertThrows(MemoryLimitExceededException.class, () -> limited.adopt(moving));
      assertTrue(child.arena().held, "its fast path is open");
      runOnThread(
          "next",
          () -> {
            ExecutionContext mine = moving.attach();
            assertEquals(3f, tensor.getFloat(2));
            handle.close();
            assertSame(mine, child);
            assertNotEquals(null, tensor.mutable(mine).fill(1f));
            mine.allocSlice(1f);
            mine.close();
          });
      limited.empty(DType.INT8, 10);
    }
  }

  @Test
  void chunksStayChargedToTheirBudgetAndSparesGoHomeAtOnce() {
    MemoryBudget mine = MemoryBudget.of("mine", 8 << 20);
    MemoryBudget childs = MemoryBudget.of("childs", 8 << 20);
    try (ExecutionContext paid = ExecutionContext.builder().budget(mine).open()) {
      paid.empty(DType.INT8, 1);
      ExecutionContext child = ExecutionContext.builder().budget(childs).open();
      child.empty(DType.INT8, 1);
      Scope inner = child.scope();
      child.empty(DType.INT8, 1 << 20);
      inner.close();
      assertEquals((1 << 20) + (1 << 16), childs.used());
      Scope scope = paid.scope();
      paid.adopt(child.detach());
      assertEquals(1 << 16, childs.used());
      assertEquals(1 << 16, mine.used());
      assertRefuses(childs::close, "65536 bytes", "adopted");
      scope.close();
      childs.close();
      assertEquals(1 << 16, mine.used());
    }
    mine.close();
  }

  private static void adoptOneOf(MemoryBudget budget, ExecutionContext adopting) {
    ExecutionContext child = ExecutionContext.builder().budget(budget).name("child").open();
    child.empty(DType.INT8, 1);
    adopting.adopt(child.detach());
  }

  private static String largestUsers(MemoryBudget budget) {
    try (ExecutionContext asking = ExecutionContext.builder().budget(budget).open()) {
      return assertThrows(
              MemoryLimitExceededException.class, () -> asking.empty(DType.INT8, 9 << 20))
          .getMessage()
          .replaceFirst(".*? are in use(; its largest users are )?", "");
    }
  }

  @Test
  void aRefusalNamesWhatWasAdoptedWhereItIsCharged() {
    MemoryBudget mine = MemoryBudget.of("mine", 1 << 20);
    MemoryBudget childs = MemoryBudget.of("childs", 1 << 20);
    String adopted = "what contexts of other budgets adopted with ";
    try (ExecutionContext paid = ExecutionContext.builder().budget(mine).open();
        ExecutionContext next = ExecutionContext.builder().budget(childs).open()) {
      MemoryBudget.Reservation reservation = childs.reserve(1);
      adoptOneOf(childs, paid); // draws from it
      adoptOneOf(mine, paid);
      reservation.close();
      adoptOneOf(childs, paid);
      adoptOneOf(childs, next);
      assertEquals(paid + " with 65536", largestUsers(mine));
      assertEquals(adopted + "131072, " + next + " with 65536", largestUsers(childs));
      next.adopt(paid.detach());
      assertEquals(adopted + "65536", largestUsers(mine));
      assertEquals(next + " with 196608", largestUsers(childs));
      next.reset();
      assertEquals("", largestUsers(mine) + largestUsers(childs));
    }
    mine.close();
    childs.close();
  }

  @Test
  void emptyChunksGoHomeWithAReset() {
    ctx.allocSlice(1f);
    ExecutionContext child = child();
    Scope ended = child.scope();
    child.allocSlice(1f);
    ended.close();
    ctx.adopt(child.detach());
    assertEquals(inUse + 2, ChunkPool.stats().inUseChunks());
    ctx.reset();
    assertEquals(inUse + 1, ChunkPool.stats().inUseChunks());
  }

  @Test
  void whatTheChildTookOverIsChargedUntilTheScopeEnds() {
    SharedTensor handle;
    try (ExecutionContext other = child()) {
      handle = other.allocSlice(1f, 2f).share();
    }
    ExecutionContext child = child();
    Tensor taken = handle.mutable(child);
    ctx.allocSlice(0f);
    Scope scope = ctx.scope();
    ctx.adopt(child.detach());
    assertEquals(12, ctx.memoryUsage());
    assertEquals(2f, taken.fill(2f).getFloat(0));
    scope.close();
    assertEquals(4, ctx.memoryUsage());
    assertEquals(inUse + 1, ChunkPool.stats().inUseChunks());
  }

  @Test
  void bothMayHoldOneChunk() {
    SharedTensor[] handles = new SharedTensor[2];
    try (ExecutionContext other = child()) {
      handles[0] = other.allocSlice(1f).share();
      handles[1] = other.allocSlice(2f).share();
    }
    long chunk = handles[0].shared.chunk;
    Scope scope = ctx.scope();
    handles[0].mutable(ctx);
    ExecutionContext child = child();
    handles[1].mutable(child);
    ctx.adopt(child.detach());
    assertEquals(1, ctx.arena().remains().holdsOf(chunk).count);
    scope.close();
    assertEquals(0, ctx.arena().remains().holdsOf(chunk).count);
    assertEquals(inUse, ChunkPool.stats().inUseChunks());
  }

  @Test
  void eitherContextWipes() {
    for (int wipes = 0; wipes < 4; wipes++) {
      ExecutionContext adopter = ExecutionContext.builder().zeroOnRelease(wipes % 2 == 1).open();
      ExecutionContext child = ExecutionContext.builder().zeroOnRelease(wipes > 1).open();
      ByteBuffer raw = child.empty(DType.INT8, 60000).fill(9).asByteBuffer();
      SharedTensor handle = child.empty(DType.INT8, 60000).fill(9).share();
      ByteBuffer shared = handle.asByteBuffer();
      Scope scope = adopter.scope();
      adopter.adopt(child.detach());
      assertEquals(9, raw.get(59999));
      scope.close();
      assertEquals(wipes == 0 ? 9 : 0, raw.get(59999), "ends " + wipes);
      assertEquals(9, shared.get(100));
      handle.close();
      assertEquals(wipes == 0 ? 9 : 0, shared.get(100), "is released " + wipes);
      adopter.close();
    }
  }

  @Test
  void alignmentsStay() {
    try (ExecutionContext wide = ExecutionContext.builder().alignment(4096).open()) {
      ExecutionContext child = ExecutionContext.builder().alignment(1).hugePages(true).open();
      child.empty(DType.INT8, 1);
      Tensor odd = child.empty(DType.INT8, 1);
      wide.adopt(child.detach());
      assertEquals(1, odd.address() % 64);
      assertEquals(0, wide.empty(DType.INT8, 1).address() % 4096);
    }
  }

  @Test
  void whatIsLentEndsWithItsContext() {
    ExecutionContext child = child();
    Tensor tensor = child.allocSlice(1f);
    child.nativeHandle();
    DetachedContext moving = child.detach();
    assertRefuses(() -> ctx.adopt(moving), "(child)", "native");
    assertTrue(moving.isOpen());
    moving.attach();
    assertEquals(1f, tensor.getFloat(0));
    child.close();
    ctx.nativeHandle(); // an adopter may be lent
    ExecutionContext next = child();
    Tensor adopted = next.allocSlice(2f);
    Scope scope = ctx.scope();
    ctx.adopt(next.detach());
    ctx.allocSlice(3f);
    assertEquals(2f, adopted.getFloat(0));
    scope.close();
    assertFalse(adopted.isAlive());
  }

  // ---- counts

  @Test
  void sharesOutliveTheScope() throws Exception {
    Scope scope = ctx.scope();
    ExecutionContext child = child();
    Tensor tensor = child.allocSlice(1f);
    SharedTensor before = tensor.share();
    SharedTensor closedInTransit = tensor.share();
    SharedTensor closedByOthers = tensor.share();
    SharedTensor detached;
    Scope inner = child.scope();
    detached = child.allocSlice(5f).share();
    inner.close();
    DetachedContext moving = child.detach();
    runOnThread("other", closedInTransit::close);
    ctx.adopt(moving);
    runOnThread("other", closedByOthers::close);
    SharedTensor after = tensor.share();
    assertTrue(tensor.isFrozen());
    scope.close();
    assertFalse(tensor.isAlive());
    assertEquals(1f, before.getFloat(0));
    before.close();
    assertEquals(1f, after.getFloat(0));
    Tensor mine = after.mutable(ctx);
    assertEquals(2f, mine.fill(2f).getFloat(0));
    assertEquals(5f, detached.mutable(ctx).getFloat(0));
  }

  @Test
  void wrappedMemoryIsToldAtTheEndOfTheScope() {
    AtomicInteger told = new AtomicInteger();
    Scope scope = ctx.scope();
    ExecutionContext child = child();
    Tensor wrapped =
        child.wrap(
            new BufferMemory(8) {
              @Override
              public void released() {
                told.incrementAndGet();
              }
            },
            DType.FLOAT32,
            Shape.of(2));
    ctx.adopt(child.detach());
    wrapped.fill(1f);
    assertEquals(0, told.get());
    scope.close();
    assertEquals(1, told.get());
  }

  @Test
  void partsOfAnAdoptedTensorAreWritten() throws Exception {
    ExecutionContext child = child();
    Tensor whole = child.zeros(DType.FLOAT32, 4);
    ctx.adopt(child.detach());
    TensorParts parts = whole.split(0, 2);
    for (int i = 0; i < 2; i++) {
      TensorPart part = parts.get(i);
      float value = i;
      runOnThread(
          "worker",
          () -> {
            part.tensor().fill(value);
            part.close();
          });
    }
    parts.close();
    assertEquals(1f, whole.fill(1f).getFloat(3));
  }

  @Test
  void endedBytesBelowItsCursorAreNobodys() {
    ExecutionContext child = child();
    Scope inner = child.scope();
    Tensor ended = child.allocSlice(1f, 2f);
    long address = ended.address();
    SharedTensor above = child.allocSlice(3f).share();
    inner.close();
    Tensor living = child.allocSlice(4f);
    ctx.adopt(child.detach());
    assertRefuses(
        IllegalArgumentException.class,
        () -> ctx.tensorAt(address, DType.FLOAT32, Shape.of(2)),
        "ended");
    assertEquals(4f, ctx.tensorAt(living.address(), DType.FLOAT32, Shape.of(1)).getFloat(0));
    above.close();
  }

  @Test
  void anOrphanWithAdoptedTensorsIsClosed() throws Exception {
    AtomicInteger closed = new AtomicInteger();
    Tensor[] tensor = new Tensor[1];
    ExecutionContext[] orphan = new ExecutionContext[1];
    Thread thread =
        new Thread(
            () -> {
              orphan[0] = child();
              ExecutionContext child = child();
              tensor[0] = child.allocSlice(1f);
              child.track(() -> closed.set((int) tensor[0].getFloat(0)));
              orphan[0].adopt(child.detach());
            });
    thread.start();
    thread.join();
    orphan[0].close();
    assertEquals(1, closed.get());
    assertFalse(tensor[0].isAlive());
  }
}
