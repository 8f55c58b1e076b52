package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The end of a scope with pins in it. Sizes are multiples of 64, so that nothing is padded. */
@Tag("platform")
class PinAndFloorTest {
  private final ExecutionContext ctx = ExecutionContext.open();
  private long pinnedBefore;
  private long inUseBefore;

  @BeforeEach
  void remember() {
    pinnedBefore = ChunkPool.stats().pinnedChunks();
    inUseBefore = ChunkPool.stats().inUseChunks();
  }

  @AfterEach
  void close() {
    ctx.close();
  }

  private Tensor bytes(int count) {
    return ctx.empty(DType.INT8, count);
  }

  private void assertUsage(long charged, long wasted) {
    assertEquals(charged, ctx.memoryUsage());
    assertEquals(charged, ctx.arenaStats().allocatedBytes());
    assertEquals(wasted, ctx.arenaStats().wastedBytes());
  }

  private long pinned() {
    return ChunkPool.stats().pinnedChunks() - pinnedBefore;
  }

  private long inUse() {
    return ChunkPool.stats().inUseChunks() - inUseBefore;
  }

  @Test
  void aRewindStopsAtTheFloor() {
    bytes(64);
    Scope scope = ctx.scope();
    Tensor tensor = bytes(1024);
    long end = tensor.address() + 1024;
    SharedTensor shared = tensor.share();
    bytes(4096);
    scope.close();

    assertUsage(64 + 1024, 1024);
    assertEquals(end, bytes(64).address(), "the first free byte is behind what is shared");
    assertEquals(0, pinned(), "the chunk stays, it holds a tensor of the enclosing scope");
    shared.close();
  }

  @Test
  void theFloorCoversDeadTensorsBelowTheSharedOne() {
    Scope scope = ctx.scope();
    bytes(2048);
    SharedTensor shared = bytes(64).share();
    bytes(64);
    scope.close();
    assertUsage(0, 0);
    assertEquals(1, pinned(), "a scope from before the first chunk leaves the chunk");
    shared.close();
    assertEquals(0, pinned());

    bytes(64);
    Scope inner = ctx.scope();
    bytes(2048);
    SharedTensor another = bytes(64).share();
    bytes(64);
    inner.close();
    assertUsage(64 + 2048 + 64, 2048 + 64);
    another.close();
  }

  @Test
  void theFloorIsTheHighestEndOfWhatIsShared() {
    bytes(64);
    Scope scope = ctx.scope();
    Tensor low = bytes(64);
    Tensor high = bytes(64);
    bytes(64);
    SharedTensor first = high.share();
    SharedTensor second = low.share();
    scope.close();
    assertUsage(64 + 128, 128);
    first.close();
    second.close();
  }

  @Test
  void sharingAViewKeepsItsWholeAllocation() {
    bytes(64);
    Scope scope = ctx.scope();
    SharedTensor part = bytes(1024).slice(0, 64, 128).share();
    scope.close();
    assertUsage(64 + 1024, 1024);
    part.close();
  }

  @Test
  void bytesBelowTheFloorStayChargedUntilALaterRewindFindsThePinsGone() {
    Scope outermost = ctx.scope();
    bytes(64);
    Scope outer = ctx.scope();
    bytes(64);
    Scope inner = ctx.scope();
    SharedTensor shared = bytes(1024).share();
    inner.close();
    assertUsage(128 + 1024, 1024);
    shared.close();
    assertUsage(128 + 1024, 1024);
    Scope later = ctx.scope();
    bytes(256);
    later.close();
    assertUsage(128 + 1024, 1024);
    outer.close();
    assertUsage(64, 0);
    outermost.close();
    assertUsage(0, 0);
  }

  @Test
  void aRewindAfterTheReleaseGoesDownToTheMark() {
    bytes(64);
    Scope scope = ctx.scope();
    Tensor tensor = bytes(1024);
    long start = tensor.address();
    tensor.share().close();
    scope.close();
    assertUsage(64, 0);
    assertEquals(start, bytes(64).address());
  }

  @Test
  void theFloorFallsWhenThePinsAreGone() {
    bytes(64);
    Scope scope = ctx.scope();
    bytes(1024).share().close();
    scope.close();
    Scope next = ctx.scope();
    SharedTensor low = bytes(64).share();
    bytes(4096);
    next.close();
    assertUsage(64 + 64, 64);
    low.close();
  }

  @Test
  void anotherThreadsReleaseIsSeenByTheNextRewind() throws Exception {
    bytes(64);
    Scope scope = ctx.scope();
    SharedTensor shared = bytes(1024).share();
    scope.close();
    TestSupport.runOnThread("consumer", shared::close);
    assertUsage(64 + 1024, 1024);
    ctx.reset();
    assertUsage(0, 0);
    assertEquals(1, inUse());
    bytes(64);
    Scope again = ctx.scope();
    SharedTensor released = bytes(1024).share();
    TestSupport.runOnThread("consumer", released::close);
    again.close();
    assertUsage(64, 0);
  }

  @Test
  void wastedBytesCountForTheMemoryLimit() {
    try (ExecutionContext limited = ExecutionContext.withMemoryLimit(4096)) {
      limited.empty(DType.INT8, 64);
      Scope scope = limited.scope();
      SharedTensor shared = limited.empty(DType.INT8, 2048).share();
      scope.close();
      assertThrows(MemoryLimitExceededException.class, () -> limited.checkAllocation(1985));
      limited.checkAllocation(1984);
      limited.empty(DType.INT8, 1984);
      shared.close();
    }
  }

  @Test
  void chunksAfterTheMarkWithoutPinsStayWithTheArena() {
    bytes(64);
    Scope scope = ctx.scope();
    bytes(65536);
    bytes(65536);
    long chunks = ctx.arenaStats().chunks();
    assertEquals(3, chunks);
    long inUse = inUse();
    scope.close();
    assertEquals(chunks, ctx.arenaStats().chunks());
    assertEquals(inUse, inUse());
    assertUsage(64, 0);
    Scope again = ctx.scope();
    bytes(65536);
    bytes(65536);
    assertEquals(chunks, ctx.arenaStats().chunks(), "and are used again");
    again.close();
  }

  @Test
  void pinnedChunksAfterTheMarkLeaveAndComeHomeWithTheLastRelease() {
    bytes(64);
    Scope scope = ctx.scope();
    bytes(65536);
    Tensor tensor = bytes(65536);
    SharedTensor first = tensor.share();
    SharedTensor second = tensor.share();
    scope.close();
    assertEquals(2, ctx.arenaStats().chunks());
    assertEquals(1, pinned());
    assertEquals(3, inUse(), "not counted by the arena, and still in use");
    assertUsage(64, 0);
    first.close();
    assertEquals(1, pinned());
    second.close();
    assertEquals(0, pinned());
    assertEquals(2, inUse());
  }

  @Test
  void pinnedBytesAreThoseOfWholeChunks() {
    long before = ChunkPool.stats().pinnedBytes();
    SharedTensor shared;
    try (ExecutionContext other = ExecutionContext.open()) {
      shared = other.empty(DType.INT8, 65537).share();
    }
    assertEquals(before + (128 << 10), ChunkPool.stats().pinnedBytes());
    shared.close();
    assertEquals(before, ChunkPool.stats().pinnedBytes());
  }

  @Test
  void resetIsARewindToTheVeryBeginning() {
    SharedTensor shared = bytes(64).share();
    bytes(65536);
    ctx.reset();
    assertUsage(0, 0);
    assertEquals(1, pinned());
    long address = shared.address();
    for (int i = 0; i < 2000; i++) {
      long start = bytes(64).address();
      assertNotEquals(address, start);
    }
    shared.close();
    assertEquals(0, pinned());
  }

  @Test
  void closeIsARewindToTheVeryBeginning() {
    SharedTensor shared = bytes(64).share();
    bytes(65536);
    ctx.close();
    assertEquals(1, pinned());
    assertEquals(1, inUse());
    shared.close();
    assertEquals(0, inUse());
  }

  @Test
  void sharedBytesAreNeverHandedOutAgain() {
    bytes(64);
    SharedTensor[] handles = new SharedTensor[200];
    for (int i = 0; i < handles.length; i++) {
      Scope scope = ctx.scope();
      bytes(64 * (i % 7)).fill(-1);
      handles[i] = bytes(64 * (1 + i % 5)).fill(i % 100).share();
      bytes(6400).fill(-1);
      scope.close();
    }
    for (int i = 0; i < handles.length; i++) {
      for (byte value : handles[i].toByteArray()) {
        assertEquals(i % 100, value);
      }
      handles[i].close();
    }
  }
}
