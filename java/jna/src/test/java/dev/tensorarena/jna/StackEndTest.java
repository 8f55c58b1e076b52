package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Scope;
import org.junit.jupiter.api.Test;

/** What of this module a scope tracks is closed once, also where the stack ends in its close. */
class StackEndTest {
  private static final int ROUNDS = 20;

  private int overflows;

  /** Runs a step in ever fewer frames until it does not overflow. */
  private void atTheEdge(Runnable step) {
    try {
      atTheEdge(step);
    } catch (StackOverflowError e) {
      overflows++;
      step.run();
    }
  }

  private void onSmallStack(Runnable step) throws InterruptedException {
    Throwable[] thrown = new Throwable[1];
    Thread thread = new Thread(null, step, "small", 512 << 10);
    thread.setUncaughtExceptionHandler((of, e) -> thrown[0] = e);
    thread.start();
    thread.join();
    assertNull(thrown[0]);
  }

  @Test
  void pinsAndArenasAreClosedByTheNextCall() throws InterruptedException {
    for (int i = 0; i < ROUNDS; i++) {
      onSmallStack(this::trackAndClose);
      assertEquals(0, ChunkPool.stats().pinnedChunks(), "round " + i);
      assertEquals(0, ChunkPool.stats().inUseChunks(), "round " + i);
    }
    assertTrue(overflows > 2 * ROUNDS, "overflows: " + overflows);
  }

  private void trackAndClose() {
    JnaArena arena = JnaArena.create(0, JnaArena.UNLIMITED);
    ChunkPin pin = arena.pin(arena.allocate(1000, 0), 1000);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Scope scope = ctx.scope();
      scope.track(arena);
      scope.track(pin);
      atTheEdge(scope::close);
    }
    assertFalse(pin.isOpen());
    assertFalse(arena.isOpen());
  }
}
