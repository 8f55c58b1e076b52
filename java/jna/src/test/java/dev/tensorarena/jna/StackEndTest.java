package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Scope;
import dev.tensorarena.StackEdge;
import org.junit.jupiter.api.Test;

/** What of this module a scope tracks is closed once, also where the stack ends in its close. */
class StackEndTest {
  private static final int ROUNDS = 20;

  @Test
  void pinsAndArenasAreClosedByTheNextCall() throws InterruptedException {
    int before = StackEdge.overflows();
    for (int i = 0; i < ROUNDS; i++) {
      StackEdge.onStack(512 << 10, this::trackAndClose);
      assertEquals(0, ChunkPool.stats().pinnedChunks(), "round " + i);
      assertEquals(0, ChunkPool.stats().inUseChunks(), "round " + i);
    }
    int overflows = StackEdge.overflows() - before;
    assertTrue(overflows > 2 * ROUNDS, "overflows: " + overflows);
  }

  private void trackAndClose() {
    JnaArena arena = JnaArena.create(0, JnaArena.UNLIMITED);
    ChunkPin pin = arena.pin(arena.allocate(1000, 0), 1000);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Scope scope = ctx.scope();
      scope.track(arena);
      scope.track(pin);
      StackEdge.atTheEdge(scope::close);
    }
    assertFalse(pin.isOpen());
    assertFalse(arena.isOpen());
  }
}
