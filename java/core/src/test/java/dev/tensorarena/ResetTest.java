package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** reset() frees all at once and keeps the memory for the next cycle. */
@Tag("platform")
class ResetTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  @Test
  void aMillionTensorsAreFreedAtOnce() {
    Tensor first = ctx.allocTemp(0L);
    Tensor last = first;
    for (int i = 1; i < 1_000_000; i++) {
      last = ctx.allocTemp((long) i);
    }
    assertEquals(0L, first.getLongAt(0));
    assertEquals(999_999L, last.getLongAt(0));
    long used = ctx.memoryUsage();
    assertTrue(used > 999_000 * 64 && used <= 999_999 * 64 + 8, "padded, but at seams of chunks");

    ctx.reset();

    assertFalse(first.isAlive());
    assertFalse(last.isAlive());
    assertEquals(0, ctx.memoryUsage());
    ArenaStats stats = ctx.arenaStats();
    assertEquals(0, stats.allocatedBytes());
    assertEquals(0, stats.wastedBytes());
    assertEquals(used, stats.peakBytes());
  }

  @Test
  void oneChunkIsKeptLargeEnoughForTheNextCycle() {
    for (int i = 0; i < 1000; i++) {
      ctx.empty(DType.INT8, 6400);
    }
    assertTrue(ctx.arenaStats().chunks() > 1);
    long refills = 0;
    for (int cycle = 0; cycle < 300; cycle++) {
      ctx.reset();
      assertTrue(ctx.arenaStats().chunks() <= 1, "cycle " + cycle);
      for (int i = 0; i < 1000; i++) {
        ctx.empty(DType.INT8, 6400);
      }
      if (cycle == 0) {
        refills = ctx.arenaStats().refills();
      }
      assertEquals(refills, ctx.arenaStats().refills(), "cycle " + cycle);
      assertEquals(1, ctx.arenaStats().chunks());
    }
  }

  @Test
  void oneChunkIsKeptWhenOnlyAScopeTookMore() {
    for (int cycle = 0; cycle < 5; cycle++) {
      ctx.empty(DType.INT8, 64);
      Scope scope = ctx.scope();
      ctx.empty(DType.INT8, 1 << 20);
      scope.close();
      long refills = ctx.arenaStats().refills();
      ctx.reset();
      assertTrue(ctx.arenaStats().chunks() <= 1, "cycle " + cycle);
      assertTrue(cycle < 2 || refills == ctx.arenaStats().refills());
    }
  }

  @Test
  void theSameMemoryIsUsedAgain() {
    long address = ctx.allocTemp(1L).address();
    for (int cycle = 0; cycle < 200; cycle++) {
      ctx.reset();
      assertEquals(address, ctx.allocTemp(1L).address(), "cycle " + cycle);
    }
  }

  @Test
  void aSteadyWorkloadWithSharesTakesNoMemoryForEver() {
    long reserved = 0;
    for (int cycle = 0; cycle < 1000; cycle++) {
      for (int i = 0; i < 20; i++) {
        Scope scope = ctx.scope();
        ctx.empty(DType.INT8, 5000).share().close();
        scope.close();
      }
      SharedTensor shared = ctx.empty(DType.INT8, 5000).share();
      ctx.reset();
      shared.close();
      if (cycle == 10) {
        reserved = ChunkPool.stats().inUseBytes();
      }
      assertTrue(cycle < 10 || reserved == ChunkPool.stats().inUseBytes());
    }
  }

  /** Runs cycles of 1000 bytes; the steady state of them needs no more than a small chunk. */
  private static void smallCycles(ExecutionContext ctx, int cycles) {
    for (int cycle = 0; cycle < cycles; cycle++) {
      ctx.empty(DType.INT8, 1000);
      ctx.reset();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aSpikeHasFadedAfter32Cycles(boolean lent) {
    for (int before = 0; before < 70; before += 3) {
      try (ExecutionContext query = ExecutionContext.open()) {
        if (lent) {
          query.nativeHandle();
        }
        smallCycles(query, before);
        query.empty(DType.INT8, 512 << 20);
        query.reset();
        query.empty(DType.INT8, 1000); // in a chunk for as much as the last cycle used
        assertTrue(query.arenaStats().reservedBytes() >= 512 << 20, "kept at first");
        query.reset();
        smallCycles(query, 31);
        assertTrue(
            query.arenaStats().reservedBytes() <= 8 << 16,
            () -> "after a spike: " + query.arenaStats());
        assertEquals(512 << 20, query.arenaStats().peakBytes());
      }
    }
  }

  @Test
  void aSpikeInAChunkThatWasThereHasFadedAfter32Cycles() {
    for (int between = 1; between < 40; between += 3) {
      try (ExecutionContext query = ExecutionContext.open()) {
        for (int spike = 0; spike < 2; spike++) {
          query.empty(DType.INT8, 512 << 20);
          query.reset();
          smallCycles(query, spike == 0 ? between : 32);
        }
        assertTrue(
            query.arenaStats().reservedBytes() <= 8 << 16,
            () -> "after two spikes: " + query.arenaStats());
      }
    }
  }

  @Test
  void whatIsUsedInOneOfEightCyclesIsKept() {
    for (int cycle = 0; cycle < 200; cycle++) {
      ctx.empty(DType.INT8, cycle % 8 == 0 ? 8 << 20 : 1000);
      ctx.reset();
      assertTrue(ctx.arenaStats().reservedBytes() >= 8 << 20, "cycle " + cycle);
    }
  }

  @Test
  void anEmptyContextMayBeReset() {
    ctx.reset();
    ctx.reset();
    assertEquals(0, ctx.arenaStats().chunks());
    assertEquals(1f, ctx.allocSlice(1f).getFloat(0));
  }

  @Test
  void chunksWithScopesOfManyMarksAreOneChunkAfterReset() {
    for (int i = 0; i < 100; i++) {
      ctx.scope();
      ctx.empty(DType.INT8, 30_000);
    }
    ctx.reset();
    assertTrue(ctx.arenaStats().chunks() <= 1);
    assertEquals(0, ctx.memoryUsage());
    Scope scope = ctx.scope();
    ctx.empty(DType.INT8, 30_000);
    scope.close();
    assertEquals(0, ctx.memoryUsage());
  }
}
