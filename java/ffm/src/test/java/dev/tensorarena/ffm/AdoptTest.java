package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Scope;
import dev.tensorarena.Tensor;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** Segments and arenas of what a context has adopted end with the scope that adopted it. */
class AdoptTest extends InContext {
  @Test
  void segmentsOfAdoptedTensorsEndWithTheScope() {
    Scope scope = ctx.scope();
    Tensor own = ctx.allocSlice(1f);
    MemorySegment before = Segments.of(own);
    ExecutionContext child = ExecutionContext.open();
    Tensor adopted = child.allocSlice(2f, 3f);
    MemorySegment theirs = Segments.of(adopted);
    ctx.adopt(child.detach());
    assertRefuses(() -> theirs.get(JAVA_FLOAT, 0), "closed");
    assertEquals(1f, before.get(JAVA_FLOAT, 0), "the adopter's have not ended");
    MemorySegment mine = Segments.of(adopted);
    mine.set(JAVA_FLOAT, 0, 4f);
    assertEquals(4f, adopted.getFloat(0));
    MemorySegment later = Segments.of(ctx.allocSlice(5f));
    assertEquals(before.scope(), mine.scope(), "one scope has one lifetime");
    assertEquals(before.scope(), later.scope());
    scope.close();
    assertRefuses(() -> mine.get(JAVA_FLOAT, 0), "closed");
    assertRefuses(() -> later.get(JAVA_FLOAT, 0), "closed");
  }

  @Test
  void aSegmentOfAnAdoptedTensorThatCIsUsingRefusesTheEnd() throws Throwable {
    Scope scope = ctx.scope();
    ExecutionContext child = ExecutionContext.open();
    Tensor adopted = child.allocSlice(2, 1);
    ctx.adopt(child.detach());
    QuickSort.sort(
        Segments.of(adopted),
        2,
        (a, b) -> {
          assertRefuses(scope::close, "acquired");
          return Integer.compare(a, b);
        });
    assertArrayEquals(new int[] {1, 2}, adopted.toIntArray());
    scope.close();
    assertFalse(adopted.isAlive());
  }

  @Test
  void arenasBesideAdoptedScopes() {
    Scope scope = ctx.scope();
    ExecutionContext child = ExecutionContext.open();
    Scope inner = child.scope();
    ctx.adopt(child.detach());
    ArenaAllocator arena = ArenaAllocator.of(ctx); // in a scope of its own
    MemorySegment bytes = arena.allocate(JAVA_INT);
    arena.close();
    assertRefuses(() -> bytes.get(JAVA_INT, 0), "closed");
    ArenaAllocator adopted = ArenaAllocator.of(inner);
    MemorySegment kept = adopted.allocate(JAVA_INT);
    adopted.close(); // does nothing, as inner.close()
    assertEquals(0, kept.get(JAVA_INT, 0));
    assertTrue(adopted.isOpen());
    scope.close();
    assertRefuses(() -> kept.get(JAVA_INT, 0), "closed");
    assertFalse(adopted.isOpen());
  }
}
