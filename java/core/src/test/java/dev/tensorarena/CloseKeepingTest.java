package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.counting;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** closeKeeping ends the scope and moves one result down to its mark. */
@Tag("platform")
class CloseKeepingTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  /** Nothing that is allocated later may lie over the kept bytes. */
  private void assertKept(Tensor kept, float... values) {
    assertTrue(kept.isAlive());
    for (int i = 0; i < 300; i++) {
      ctx.empty(DType.INT8, 1000).fill(0x33);
    }
    assertArrayEquals(values, kept.toFloatArray());
  }

  @Test
  void theResultMovesDownToTheMark() {
    ctx.empty(DType.INT8, 64);
    Scope scope = ctx.scope();
    Tensor first = ctx.empty(DType.INT8, 10_000);
    long mark = first.address();
    Tensor result = ctx.allocSlice(1f, 2f, 3f);
    ctx.empty(DType.INT8, 10_000);

    Tensor kept = scope.closeKeeping(result);

    assertEquals(mark, kept.address());
    assertEquals(64 + 12, ctx.memoryUsage());
    assertFalse(result.isAlive());
    assertFalse(first.isAlive());
    assertNotSame(result, kept);
    assertEquals(result.dtype(), kept.dtype());
    assertEquals(result.shape(), kept.shape());
    assertTrue(kept.isWritable());
    assertKept(kept, 1, 2, 3);
  }

  @Test
  void theResultIsATensorOfTheEnclosingScope() {
    Scope outer = ctx.scope();
    Scope inner = ctx.scope();
    Tensor kept = inner.closeKeeping(ctx.allocSlice(1f));
    assertTrue(kept.isAlive());
    Tensor keptAgain = outer.closeKeeping(kept);
    assertFalse(kept.isAlive());
    assertEquals(1f, keptAgain.getFloat(0));
    ctx.reset();
    assertRefuses(() -> keptAgain.getFloat(0), "its context was reset");
  }

  @Test
  void aResultThatOverlapsItsNewPlaceIsMovedWhole() {
    ctx.empty(DType.INT8, 64);
    Scope scope = ctx.scope();
    ctx.empty(DType.INT8, 64);
    Tensor result = ctx.copyOf(Shape.of(10_000), counting(10_000));
    assertKept(scope.closeKeeping(result), counting(10_000));
  }

  @Test
  void aResultAtTheMarkStaysWhereItIs() {
    ctx.empty(DType.INT8, 64);
    Scope scope = ctx.scope();
    Tensor result = ctx.allocSlice(1f, 2f);
    long address = result.address();
    Tensor kept = scope.closeKeeping(result);
    assertEquals(address, kept.address());
    assertKept(kept, 1, 2);
  }

  @Test
  void aResultOfAnInnerScopeEndsWithThisOne() {
    Scope outer = ctx.scope();
    ctx.scope();
    Tensor result = ctx.allocSlice(1f, 2f);
    assertKept(outer.closeKeeping(result), 1, 2);
  }

  @Test
  void aContiguousViewIsKeptAlone() {
    ctx.empty(DType.INT8, 64);
    Scope scope = ctx.scope();
    ctx.empty(DType.INT8, 640);
    Tensor matrix = ctx.copyOf(Shape.of(100, 100), counting(10_000));
    Tensor kept = scope.closeKeeping(matrix.select(0, 2));
    assertEquals(64 + 400, ctx.memoryUsage());
    assertKept(kept, matrixRow(2));
  }

  private static float[] matrixRow(int row) {
    float[] values = new float[100];
    for (int i = 0; i < 100; i++) {
      values[i] = row * 100 + i;
    }
    return values;
  }

  @Test
  void aStridedViewIsKeptContiguous() {
    Scope scope = ctx.scope();
    Tensor matrix = ctx.copyOf(Shape.of(2, 3), counting(6));
    Tensor kept = scope.closeKeeping(matrix.transpose());
    assertTrue(kept.isContiguous());
    assertEquals(Shape.of(3, 2), kept.shape());
    assertEquals(24, ctx.memoryUsage());
    assertKept(kept, 0, 3, 1, 4, 2, 5);
  }

  /** The result comes to lie where the view began, and is not the view all the same. */
  @Test
  void aStridedViewIsCopiedBeforeWhatIsTrackedWritesToIt() {
    Scope scope = ctx.scope();
    Tensor matrix = ctx.copyOf(Shape.of(2, 3), counting(6));
    scope.track(() -> matrix.fill(9));
    assertKept(scope.closeKeeping(matrix.transpose()), 0, 3, 1, 4, 2, 5);
  }

  @Test
  void aSharedResultIsCopiedAndItsReadersKeepTheirs() {
    Scope scope = ctx.scope();
    Tensor result = ctx.allocSlice(1f, 2f);
    SharedTensor shared = result.share();
    Tensor kept = scope.closeKeeping(result);
    kept.setFloat(9f, 0);
    assertEquals(1f, shared.getFloat(0));
    assertFalse(shared.isWritable());
    assertKept(kept, 9, 2);
    assertArrayEquals(new float[] {1, 2}, shared.toFloatArray());
    shared.close();
  }

  @Test
  void anOnceSharedResultComesBackWritable() {
    Scope scope = ctx.scope();
    Tensor result = ctx.allocSlice(1f, 2f);
    result.share().close();
    Tensor kept = scope.closeKeeping(result);
    assertTrue(kept.isWritable());
    assertKept(kept, 1, 2);
  }

  @Test
  void neighboursThatAreSharedStayWhereTheyAre() {
    ctx.empty(DType.INT8, 64);
    Scope scope = ctx.scope();
    SharedTensor below = ctx.allocSlice(1f).share();
    Tensor result = ctx.allocSlice(2f, 3f);
    SharedTensor above = ctx.allocSlice(4f).share();
    Tensor kept = scope.closeKeeping(result);
    assertKept(kept, 2, 3);
    assertEquals(1f, below.getFloat(0));
    assertEquals(4f, above.getFloat(0));
    below.close();
    above.close();
    assertKept(kept, 2, 3);
  }

  @Test
  void theResultMovesDownToWhatOthersHoldBelowIt() {
    ctx.empty(DType.INT8, 64);
    Scope scope = ctx.scope();
    SharedTensor below = ctx.empty(DType.INT8, 64).share();
    ctx.empty(DType.INT8, 10_000);
    Tensor kept = scope.closeKeeping(ctx.allocSlice(2f, 3f));
    assertEquals(below.address() + 64, kept.address());
    assertEquals(64 + 64 + 8, ctx.memoryUsage());
    assertKept(kept, 2, 3);
    below.close();
  }

  @Test
  void aResultBelowWhatOthersHoldStaysWhereItIsAndTakesNothing() {
    try (ExecutionContext limited = ExecutionContext.withMemoryLimit(320)) {
      limited.empty(DType.INT8, 64);
      Scope scope = limited.scope();
      limited.empty(DType.INT8, 64);
      Tensor result = limited.empty(DType.INT8, 128).fill(4);
      long address = result.address();
      SharedTensor above = limited.empty(DType.INT8, 64).share();
      Tensor kept = scope.closeKeeping(result);
      assertEquals(address, kept.address());
      assertEquals(320, limited.memoryUsage());
      assertEquals(4, kept.getByte(127));
      above.close();
    }
  }

  @Test
  void aResultAcrossChunksMovesIntoTheMarksChunkWhenItFits() {
    Tensor first = ctx.empty(DType.INT8, 64);
    Scope scope = ctx.scope();
    ctx.empty(DType.INT8, 65_536);
    Tensor result = ctx.allocSlice(1f, 2f);
    Tensor kept = scope.closeKeeping(result);
    assertEquals(first.address() + 64, kept.address());
    assertEquals(64 + 8, ctx.memoryUsage());
    assertKept(kept, 1, 2);
  }

  @Test
  void aLargeResultStaysInAChunkOfTheArena() {
    ctx.empty(DType.INT8, 64);
    Scope scope = ctx.scope();
    ctx.empty(DType.INT8, 65_000);
    Tensor result = ctx.copyOf(Shape.of(50_000), counting(50_000));
    ctx.empty(DType.INT8, 1 << 20);
    long chunks = ctx.arenaStats().chunks();
    Tensor kept = scope.closeKeeping(result);
    assertEquals(chunks, ctx.arenaStats().chunks(), "no memory is taken");
    assertEquals(64 + 200_000, ctx.memoryUsage());
    assertKept(kept, counting(50_000));
  }

  @Test
  void aResultInAChunkThatLeavesStaysThereUntilTheEnclosingScopeEnds() {
    long pinned = ChunkPool.stats().pinnedChunks();
    ctx.empty(DType.INT8, 64);
    Scope enclosing = ctx.scope();
    ctx.empty(DType.INT8, 64);
    Scope scope = ctx.scope();
    ctx.empty(DType.INT8, 65_536);
    SharedTensor neighbour = ctx.empty(DType.INT8, 64).share();
    Tensor result = ctx.copyOf(Shape.of(1000), counting(1000));
    Tensor kept = scope.closeKeeping(result);
    assertEquals(pinned + 1, ChunkPool.stats().pinnedChunks());
    neighbour.close();
    assertEquals(pinned + 1, ChunkPool.stats().pinnedChunks());
    kept.setFloat(0f, 0);
    assertKept(kept, counting(1000));
    enclosing.close();
    assertFalse(kept.isAlive());
    assertEquals(pinned, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void aResultInAChunkThatLeavesMayBeSharedAndKeptAgain() {
    long pinned = ChunkPool.stats().pinnedChunks();
    ctx.empty(DType.INT8, 64);
    Scope outer = ctx.scope();
    Scope inner = ctx.scope();
    ctx.empty(DType.INT8, 65_536);
    SharedTensor neighbour = ctx.empty(DType.INT8, 64).share();
    Tensor kept = inner.closeKeeping(ctx.allocSlice(1f, 2f));
    SharedTensor shared = kept.share();
    Tensor keptAgain = outer.closeKeeping(kept);
    keptAgain.setFloat(7f, 0);
    assertArrayEquals(new float[] {1, 2}, shared.toFloatArray());
    assertKept(keptAgain, 7, 2);
    shared.close();
    neighbour.close();
    assertEquals(pinned, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void whatDoesNotEndWithTheScopeIsReturnedAsItIs() {
    try (ExecutionContext other = ExecutionContext.open()) {
      Tensor outer = ctx.allocSlice(1f);
      Tensor foreign = other.allocSlice(2f);
      SharedTensor shared = outer.share();
      for (Tensor any : List.of(outer, outer.reshape(Shape.of(1, 1)), foreign, shared)) {
        Scope scope = ctx.scope();
        Tensor inside = ctx.allocSlice(3f);
        assertSame(any, scope.closeKeeping(any));
        assertFalse(inside.isAlive());
        assertTrue(any.isAlive());
      }
      shared.close();
    }
  }

  @Test
  void scalarsAndEmptyTensorsAreKept() {
    Scope scope = ctx.scope();
    assertEquals(5L, scope.closeKeeping(ctx.allocTemp(5L)).getLongAt(0));
    Scope next = ctx.scope();
    Tensor empty = next.closeKeeping(ctx.empty(DType.FLOAT32, 3, 0));
    assertEquals(Shape.of(3, 0), empty.shape());
    assertEquals(0, empty.toFloatArray().length);
  }

  @Test
  void aWrappedBufferIsKeptWithoutACopy() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(4);
    Scope scope = ctx.scope();
    Tensor kept = scope.closeKeeping(ctx.wrap(buffer, DType.INT8, Shape.of(4)));
    kept.setByte((byte) 9, 3);
    assertEquals(9, buffer.get(3));
    Scope next = ctx.scope();
    Tensor frozen = ctx.wrap(buffer.asReadOnlyBuffer(), DType.INT8, Shape.of(4));
    Tensor copy = next.closeKeeping(frozen);
    copy.setByte((byte) 8, 3);
    assertEquals(9, buffer.get(3));
  }

  @Test
  void aResourceThatThrowsLosesNoResult() {
    List<String> closed = new ArrayList<>();
    Scope scope = ctx.scope();
    Tensor result = ctx.allocSlice(1f);
    scope.track(() -> closed.add("outer " + result.getFloat(0)));
    ctx.scope()
        .track(
            () -> {
              throw new IllegalArgumentException("inner");
            });
    assertThrows(IllegalArgumentException.class, () -> scope.closeKeeping(result));
    assertEquals(List.of("outer 1.0"), closed, "all are closed");
    assertKept(scope.closeKeeping(result), 1);
    assertRefuses(() -> scope.track(() -> {}), "its scope was closed");
    assertEquals(1, closed.size(), "each is closed once");
  }

  @Test
  void aScopeWhoseResourceThrewEndsWithItsBlock() {
    Tensor[] result = new Tensor[1];
    IllegalArgumentException thrown =
        assertThrows(
            IllegalArgumentException.class,
            () -> {
              try (Scope scope = ctx.scope()) {
                result[0] = ctx.allocSlice(1f);
                scope.track(
                    () -> {
                      throw new IllegalArgumentException("it");
                    });
                scope.closeKeeping(result[0]);
              }
            });
    assertEquals(0, thrown.getSuppressed().length);
    assertFalse(result[0].isAlive());
    assertEquals(0, ctx.memoryUsage());
  }

  @Test
  void aPinOnAPartOfAResultDoesNotLoseItAtTheLimit() {
    long bytes = 6400;
    try (ExecutionContext limited = ExecutionContext.withMemoryLimit(64 + bytes + 64)) {
      limited.empty(DType.INT8, 64);
      Scope scope = limited.scope();
      Tensor result = limited.empty(DType.INT8, bytes).fill(4);
      TensorPin pin = TensorPin.of(result.slice(0, 0, 1));
      Tensor kept = scope.closeKeeping(result);
      assertEquals(4, kept.getByte(0));
      assertEquals(4, kept.getByte(bytes - 1));
      pin.close();
      limited.empty(DType.INT8, 64).fill(5);
      assertEquals(4, kept.getByte(bytes - 1));
    }
  }

  @Test
  void bytesOfAnEnclosingScopeStayWhereTheyAreAndTakeNothing() {
    try (ExecutionContext limited = ExecutionContext.withMemoryLimit(70_064)) {
      Tensor early = limited.empty(DType.INT8, 65_536).fill(4);
      limited.empty(DType.INT8, 4_464);
      Scope scope = limited.scope();
      Tensor again = limited.tensorAt(early.address(), DType.INT8, Shape.of(65_536));
      limited.empty(DType.INT8, 48);
      assertThrows(MemoryLimitExceededException.class, () -> limited.checkAllocation(65_536));
      Tensor kept = scope.closeKeeping(again);
      assertEquals(early.address(), kept.address());
      assertEquals(4, kept.getByte(65_535));
      assertEquals(70_000, limited.memoryUsage());
    }
  }

  @Test
  void aResultInTheMidstOfWhichTheScopeBeganStaysWhereItIs() {
    for (boolean zeroed : new boolean[] {false, true}) {
      try (ExecutionContext limited =
          ExecutionContext.builder().alignment(1).memoryLimit(2000).zeroOnRelease(zeroed).open()) {
        Tensor below = limited.empty(DType.INT8, 1000).fill(1);
        Scope scope = limited.scope();
        limited.empty(DType.INT8, 1000).fill(2);
        Tensor both = limited.tensorAt(below.address(), DType.INT8, Shape.of(2000));
        Tensor kept = scope.closeKeeping(both);
        assertEquals(2000, limited.memoryUsage());
        assertThrows(MemoryLimitExceededException.class, () -> limited.checkAllocation(1));
        assertEquals(1, kept.getByte(0));
        assertEquals(2, kept.getByte(1999));
        limited.reset();
        assertEquals(0, limited.memoryUsage());
      }
    }
  }

  @Test
  void aKeptViewOfWhatOthersHoldIsAViewOfIt() {
    ctx.empty(DType.INT8, 64);
    Scope outer = ctx.scope();
    Scope inner = ctx.scope();
    ctx.empty(DType.INT8, 65_536);
    Tensor whole = ctx.copyOf(Shape.of(100, 100), counting(10_000));
    TensorPin pin = TensorPin.of(whole);
    Tensor kept = inner.closeKeeping(whole.select(0, 2));
    assertEquals(64 + 40_000, ctx.memoryUsage(), "all of it stays");
    Tensor again = outer.closeKeeping(kept);
    assertEquals(64 + 40_000, ctx.memoryUsage());
    assertTrue(again.isWritable());
    pin.close();
    assertKept(again, matrixRow(2));
  }

  @Test
  void anEndedScopeKeepsNothing() {
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocSlice(1f);
    scope.close();
    assertRefuses(() -> scope.closeKeeping(tensor), "its scope was closed");
    Scope next = ctx.scope();
    assertRefuses(() -> next.closeKeeping(tensor), "is dead");
    next.track(() -> {});
    next.close();
  }

  @Test
  void theScopeStaysOpenWhenTheLimitLeavesNoRoomForTheCopy() {
    try (ExecutionContext limited = ExecutionContext.withMemoryLimit(1000)) {
      Scope scope = limited.scope();
      Tensor matrix = limited.zeros(DType.INT8, 20, 40);
      Tensor strided = matrix.transpose();
      ByteBuffer lent = ByteBuffer.allocateDirect(800).asReadOnlyBuffer();
      Tensor readOnly = limited.wrap(lent, DType.INT8, Shape.of(800));
      for (Tensor copied : List.of(strided, readOnly)) {
        assertThrows(MemoryLimitExceededException.class, () -> scope.closeKeeping(copied));
        assertTrue(copied.isAlive());
      }
      Tensor kept = scope.closeKeeping(matrix);
      assertEquals(800, limited.memoryUsage());
      kept.fill(1);
    }
  }

  @Test
  void aFullContextKeepsWithoutMoreMemory() {
    try (ExecutionContext limited = ExecutionContext.withMemoryLimit(1024)) {
      limited.empty(DType.INT8, 64);
      Scope scope = limited.scope();
      limited.empty(DType.INT8, 320);
      Tensor result = limited.empty(DType.INT8, 640).fill(4);
      assertThrows(MemoryLimitExceededException.class, () -> limited.checkAllocation(1));
      Tensor kept = scope.closeKeeping(result);
      assertEquals(704, limited.memoryUsage());
      assertEquals(4, kept.getByte(639));
    }
  }

  @Test
  void wrappedRoomOfAnotherContextIsKeptByOneThatNeverHadMemory() {
    SharedTensor handle;
    try (ExecutionContext other = ExecutionContext.open()) {
      ByteBuffer room = other.allocate(8, 8).order(ByteOrder.nativeOrder());
      handle = other.wrap(room, DType.INT64, Shape.of(1)).fill(5L).share();
    }
    try (ExecutionContext empty = ExecutionContext.open()) {
      Scope scope = empty.scope();
      Tensor kept = scope.closeKeeping(handle.mutable(empty));
      assertEquals(5L, kept.getLong(0));
    }
  }
}
