package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DetachedContext;
import dev.tensorarena.Scope;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** What segments and arenas do when their context leaves the thread. */
class DetachTest extends InContext {
  @Test
  void segmentsOfAllScopesEndAndTheNextThreadTakesItsOwn() throws Exception {
    Tensor outer = ctx.allocSlice(1f);
    MemorySegment first = Segments.of(outer);
    ctx.scope();
    Tensor inner = ctx.allocSlice(2f);
    MemorySegment second = Segments.of(inner);
    DetachedContext moving = ctx.detach();
    assertRefuses(() -> first.get(JAVA_FLOAT, 0), "closed");
    assertRefuses(() -> second.get(JAVA_FLOAT, 0), "closed");
    assertRefuses(() -> Segments.of(outer), "in transit");
    onThread(
        () -> {
          moving.attach();
          MemorySegment theirs = Segments.of(outer);
          assertEquals(1f, theirs.get(JAVA_FLOAT, 0));
          assertEquals(2f, Segments.of(inner).get(JAVA_FLOAT, 0));
          assertFalse(theirs.isAccessibleBy(new Thread()));
          ctx.close();
          return null;
        });
  }

  @Test
  void aSegmentThatCIsUsingRefuses() throws Throwable {
    Tensor tensor = ctx.allocSlice(2, 1);
    AtomicReference<DetachedContext> moved = new AtomicReference<>();
    QuickSort.sort(
        Segments.of(tensor),
        2,
        (a, b) -> {
          assertRefuses(() -> moved.set(ctx.detach()), "acquired");
          return Integer.compare(a, b);
        });
    assertEquals(null, moved.get());
    assertArrayEquals(new int[] {1, 2}, tensor.toIntArray());
    assertEquals(1, Segments.of(tensor).get(JAVA_INT, 0), "the context has not moved");
    assertTrue(ctx.detach().attach().isOpen());
  }

  @Test
  void anOpenArenaRefusesAndNothingHasEnded() {
    MemorySegment early = Segments.of(ctx.allocSlice(1f));
    ArenaAllocator arena = ArenaAllocator.of(ctx);
    MemorySegment bytes = arena.allocate(8);
    assertRefuses(ctx::detach, "ArenaAllocator", Thread.currentThread().getName(), "closed before");
    assertEquals(1f, early.get(JAVA_FLOAT, 0));
    assertEquals(0, bytes.get(JAVA_INT, 0));
    arena.close();
    ctx.detach().attach();
    Scope scope = ctx.scope();
    ArenaAllocator inScope = ArenaAllocator.of(scope);
    assertRefuses(ctx::detach, "ArenaAllocator");
    scope.close();
    assertFalse(inScope.isOpen());
    ctx.detach().attach();
  }

  @Test
  void segmentsOfASharedHandleStay() throws Exception {
    SharedTensor shared = ctx.allocSlice(5f).share();
    MemorySegment mine = Segments.of(shared);
    DetachedContext moving = ctx.detach();
    assertEquals(5f, mine.get(JAVA_FLOAT, 0), "it is the handle's");
    onThread(
        () -> {
          moving.close();
          return null;
        });
    assertEquals(5f, mine.get(JAVA_FLOAT, 0));
    shared.close();
    assertRefuses(() -> mine.get(JAVA_FLOAT, 0), "closed");
  }

  /** Nobody can end what is confined to a thread that has ended; the context ends all the same. */
  @Test
  void whoAttachedItAndEndedWithASegmentLeavesAnOrphan() throws Exception {
    Tensor tensor = ctx.allocSlice(1f);
    DetachedContext moving = ctx.detach();
    AtomicReference<MemorySegment> theirs = new AtomicReference<>();
    onThread(
        () -> {
          moving.attach();
          theirs.set(Segments.of(tensor));
          return null;
        });
    ctx.close();
    assertFalse(ctx.isOpen());
    assertRefuses(WrongThreadException.class, () -> theirs.get().get(JAVA_FLOAT, 0));
  }
}
