package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What arenaStats and ChunkPool.stats say. */
@Tag("platform")
class StatsTest {
  private static final long DEFAULT_RETAINED = 256L << 20;

  @AfterEach
  void restore() {
    ChunkPool.retainedLimit(DEFAULT_RETAINED);
  }

  @Test
  void aContextThatHasAllocatedNothingHasNothing() {
    long inUse = ChunkPool.stats().inUseBytes();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      assertEquals(new ArenaStats(0, 0, 0, 0, 0, 0), ctx.arenaStats());
      assertEquals(0, ctx.memoryUsage());
      assertEquals(inUse, ChunkPool.stats().inUseBytes());
    }
  }

  @Test
  void theFirstChunkIsNoRefill() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.empty(DType.INT8, 100);
      assertEquals(new ArenaStats(100, 65_536, 100, 0, 1, 0), ctx.arenaStats());
      ctx.empty(DType.INT8, 65_536);
      assertEquals(new ArenaStats(65_636, 131_072, 65_636, 0, 2, 1), ctx.arenaStats());
    }
  }

  @Test
  void thePeakStaysWhenMemoryIsGivenBack() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Scope scope = ctx.scope();
      ctx.empty(DType.INT8, 5000);
      scope.close();
      assertEquals(5000, ctx.arenaStats().peakBytes());
      ctx.empty(DType.INT8, 100);
      assertEquals(5000, ctx.arenaStats().peakBytes());
      ctx.reset();
      assertEquals(5000, ctx.arenaStats().peakBytes());
      ctx.empty(DType.INT8, 200_000);
      assertEquals(200_000, ctx.arenaStats().peakBytes());
      ctx.reset();
      assertEquals(200_000, ctx.arenaStats().peakBytes());
    }
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.empty(DType.INT8, 64);
      Scope scope = ctx.scope();
      ctx.empty(DType.INT8, 5000);
      scope.close();
      assertEquals(5064, ctx.arenaStats().peakBytes(), "also in a chunk that was there before");
      ctx.empty(DType.INT8, 6000);
      ctx.reset();
      assertEquals(6064, ctx.arenaStats().peakBytes());
    }
  }

  @Test
  void pagesThatJavaHasRewoundAreKnownToThePool() {
    ChunkPool.trim();
    try (ExecutionContext ctx = ExecutionContext.withCapacity(8 << 20)) {
      Scope scope = ctx.scope();
      ctx.allocSlice(1f);
      Scope inner = ctx.scope();
      ctx.empty(DType.INT8, 7 << 20).fill(1);
      inner.close();
      scope.close();
    }
    long free = ChunkPool.stats().freeBytes();
    assertTrue(free >= 7 << 20 && free < 8 << 20, "free: " + free);
    assertEquals(free, ChunkPool.trim());
  }

  @Test
  void chunksGrowWithTheLiveBytesNotWithTheRefills() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      for (int i = 0; i < 1000; i++) {
        ctx.empty(DType.INT8, 60_000);
      }
      ArenaStats grown = ctx.arenaStats();
      assertTrue(grown.refills() <= 12, grown::toString);
      assertTrue(grown.reservedBytes() <= 3 * grown.allocatedBytes(), grown::toString);
    }
    try (ExecutionContext ctx = ExecutionContext.open()) {
      SharedTensor shared = null;
      for (int i = 0; i < 200; i++) {
        ctx.empty(DType.INT8, 64);
        Scope scope = ctx.scope();
        ctx.empty(DType.INT8, 60_000);
        SharedTensor next = ctx.empty(DType.INT8, 60_000).share();
        scope.close();
        if (shared != null) {
          shared.close();
        }
        shared = next;
      }
      shared.close();
      assertTrue(ctx.arenaStats().refills() > 100, "pinned chunks leave, new ones are needed");
      assertTrue(ctx.arenaStats().reservedBytes() <= 4 * 65_536, "and stay small");
    }
  }

  @Test
  void aCapacityIsWhatTheFirstChunkHolds() {
    try (ExecutionContext ctx = ExecutionContext.withCapacity(1_000_000)) {
      assertEquals(0, ctx.arenaStats().chunks(), "taken with the first allocation");
      ctx.empty(DType.INT8, 1);
      assertEquals(1 << 20, ctx.arenaStats().reservedBytes());
      ctx.empty(DType.INT8, 999_936);
      assertEquals(0, ctx.arenaStats().refills());
    }
  }

  @Test
  void thePoolCountsWhatIsInUse() {
    ChunkPool.Stats before = ChunkPool.stats();
    ExecutionContext ctx = ExecutionContext.open();
    ctx.empty(DType.INT8, 100);
    ctx.empty(DType.INT8, 100_000);
    ChunkPool.Stats now = ChunkPool.stats();
    assertEquals(before.inUseChunks() + 2, now.inUseChunks());
    assertEquals(before.inUseBytes() + 65_536 + 131_072, now.inUseBytes());
    assertTrue(now.committedBytes() >= now.inUseBytes() + now.freeBytes());
    assertTrue(now.reservedBytes() >= now.committedBytes());
    ctx.close();
    ChunkPool.Stats after = ChunkPool.stats();
    assertEquals(before.inUseBytes(), after.inUseBytes());
    assertTrue(after.freeBytes() >= 65_536 + 131_072, "warm for the next context");
    assertTrue(after.freeChunks() >= 1);
  }

  @Test
  void trimGivesTheFreePagesBack() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.empty(DType.INT8, 1 << 20).fill(1);
    }
    long free = ChunkPool.stats().freeBytes();
    assertTrue(free >= 1 << 20);
    assertEquals(free, ChunkPool.trim());
    ChunkPool.Stats trimmed = ChunkPool.stats();
    assertEquals(0, trimmed.freeBytes());
    assertEquals(0, trimmed.freeChunks());
    assertEquals(0, ChunkPool.trim());
  }

  @Test
  void trimTouchesNothingThatIsInUse() {
    SharedTensor handle;
    try (ExecutionContext closed = ExecutionContext.open()) {
      handle = closed.empty(DType.INT8, 100_000).fill(1).share();
    }
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.empty(DType.INT8, 100_000).fill(2);
      Scope scope = ctx.scope();
      ctx.empty(DType.INT8, 300_000);
      ChunkPool.trim();
      assertEquals(1, handle.getByteAt(99_999));
      assertEquals(2, tensor.getByteAt(99_999));
      scope.close();
      assertEquals(100_000, ctx.memoryUsage());
      assertEquals(3, ctx.empty(DType.INT8, 300_000).fill(3).getByteAt(299_999));
      assertEquals(2, tensor.getByteAt(0));
    }
    handle.close();
  }

  @Test
  void aPowerOfTwoOfBytesFillsItsChunk() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.empty(DType.INT8, 1 << 20);
      assertEquals(1 << 20, ctx.arenaStats().reservedBytes(), "descriptors lie elsewhere");
    }
  }

  @Test
  void pastTheRetainedLimitPagesGoBackToTheSystem() {
    ChunkPool.retainedLimit(1 << 20);
    for (int i = 0; i < 10; i++) {
      try (ExecutionContext ctx = ExecutionContext.withCapacity(512 << 10)) {
        ctx.empty(DType.INT8, 600_000);
        ctx.empty(DType.INT8, 600_000);
      }
      assertTrue(ChunkPool.stats().freeBytes() <= 1 << 20);
    }
    ChunkPool.retainedLimit(0);
    assertEquals(0, ChunkPool.stats().freeBytes());
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.empty(DType.INT8, 1);
    }
    assertEquals(0, ChunkPool.stats().freeBytes());
  }

  @Test
  void memoryThatComesBackIsUsedAgain() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.empty(DType.INT8, 5 << 20);
    }
    long committed = ChunkPool.stats().committedBytes();
    for (int i = 0; i < 100; i++) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.empty(DType.INT8, 5 << 20);
      }
    }
    assertEquals(committed, ChunkPool.stats().committedBytes());
  }
}
