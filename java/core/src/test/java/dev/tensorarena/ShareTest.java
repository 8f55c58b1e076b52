package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** share() keeps the bytes past scope, reset and close, on any thread, until its own close(). */
@Tag("platform")
class ShareTest {
  private static long pinned() {
    return ChunkPool.stats().pinnedChunks();
  }

  /** Allocates over what was freed, so that bytes that were not kept are seen to change. */
  private static void overwrite(ExecutionContext ctx) {
    for (int i = 0; i < 40; i++) {
      ctx.empty(DType.INT8, 1000 << i % 8).fill(0x5A);
    }
  }

  @Test
  void aSharedTensorOutlivesItsScope() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Scope scope = ctx.scope();
      Tensor original = ctx.allocSlice(1f, 2f, 3f);
      SharedTensor shared = original.share();
      scope.close();
      overwrite(ctx);
      assertFalse(original.isAlive());
      assertTrue(shared.isAlive());
      assertArrayEquals(new float[] {1, 2, 3}, shared.toFloatArray());
      shared.close();
    }
  }

  @Test
  void aSharedTensorOutlivesReset() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      SharedTensor shared = ctx.allocSlice(1f, 2f, 3f).share();
      ctx.reset();
      overwrite(ctx);
      assertArrayEquals(new float[] {1, 2, 3}, shared.toFloatArray());
      shared.close();
    }
  }

  @Test
  void aSharedTensorOutlivesItsContext() {
    SharedTensor shared;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      shared = ctx.allocSlice(1f, 2f, 3f).share();
    }
    try (ExecutionContext next = ExecutionContext.open()) {
      overwrite(next);
      assertArrayEquals(new float[] {1, 2, 3}, shared.toFloatArray());
      shared.close();
    }
  }

  @Test
  void nothingIsCopied() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor original = ctx.empty(DType.INT8, 1 << 20);
      long used = ctx.memoryUsage();
      SharedTensor shared = original.share();
      assertEquals(original.address(), shared.address());
      assertEquals(used, ctx.memoryUsage());
      ctx.reset();
      assertEquals(original.shape(), shared.shape());
      shared.close();
    }
  }

  @Test
  void aQueueHandsATensorToAnotherThread() throws Exception {
    BlockingQueue<SharedTensor> queue = new ArrayBlockingQueue<>(1);
    Thread producer =
        new Thread(
            () -> {
              for (int i = 0; i < 100; i++) {
                try (ExecutionContext ctx = ExecutionContext.open()) {
                  queue.put(ctx.allocSlice((float) i, (float) -i).share());
                } catch (InterruptedException e) {
                  throw new AssertionError(e);
                }
              }
            });
    producer.start();
    for (int i = 0; i < 100; i++) {
      try (SharedTensor shared = queue.take()) {
        assertArrayEquals(new float[] {i, -i}, shared.toFloatArray());
        assertEquals(-i, shared.slice(0, 1, 2).getFloat(0), "views of it work here too");
      }
    }
    producer.join();
  }

  @Test
  void everyHandleHoldsForItself() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      SharedTensor first = ctx.allocSlice(7f).share();
      SharedTensor second = first.share();
      SharedTensor third = second.share();
      second.close();
      ctx.reset();
      overwrite(ctx);
      SharedTensor fourth = third.share();
      third.close();
      first.close();
      assertEquals(7f, fourth.getFloat(0));
      assertRefuses(first::share, "its shared handle was released");
      fourth.close();
    }
  }

  @Test
  void theLastReleaseGivesTheChunkBackOnWhicheverThread() throws Exception {
    long pinned = pinned();
    SharedTensor first;
    SharedTensor second;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      first = ctx.allocSlice(7f).share();
      second = first.share();
    }
    assertEquals(pinned + 1, pinned());
    first.close();
    assertEquals(pinned + 1, pinned());
    TestSupport.runOnThread("consumer", second::close);
    assertEquals(pinned, pinned());
  }

  @Test
  void closingTwiceReleasesOnce() {
    long pinned = pinned();
    SharedTensor first;
    SharedTensor second;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      first = ctx.allocSlice(7f).share();
      second = first.share();
      SharedTensor biased = first.share();
      biased.close();
      biased.close();
      biased.close();
    }
    first.close();
    first.close();
    assertEquals(pinned + 1, pinned());
    assertEquals(7f, second.getFloat(0));
    second.close();
    assertEquals(pinned, pinned());
  }

  @Test
  void allReleasedBeforeTheEndLeavesNothingPinned() {
    long inUse = ChunkPool.stats().inUseChunks();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(7f);
      for (int i = 0; i < 10; i++) {
        tensor.share().close();
      }
      ctx.reset();
      assertEquals(0, ctx.memoryUsage());
      assertEquals(inUse + 1, ChunkPool.stats().inUseChunks());
    }
  }

  @Test
  void releasesOnOtherThreadsBeforeTheEndCount() throws Exception {
    long pinned = pinned();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(7f);
      SharedTensor here = tensor.share();
      SharedTensor there = tensor.share();
      TestSupport.runOnThread(
          "consumer",
          () -> {
            SharedTensor own = there.share();
            there.close();
            own.share().close();
            own.close();
          });
      here.close();
    }
    assertEquals(pinned, pinned());
  }

  @Test
  void sharingAViewSharesThatPart() {
    Tensor view;
    SharedTensor shared;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor matrix = ctx.copyOf(Shape.of(2, 3), 0f, 1f, 2f, 3f, 4f, 5f);
      view = matrix.transpose().select(0, 1);
      shared = view.share();
      assertFalse(matrix.isWritable(), "the allocation is frozen, not the view alone");
    }
    assertFalse(view.isAlive());
    assertEquals(Shape.of(2), shared.shape());
    assertArrayEquals(new float[] {1, 4}, shared.toFloatArray());
    shared.close();
  }

  @Test
  void sharingAViewOfAHandleHoldsForItself() {
    SharedTensor part;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      SharedTensor whole = ctx.allocSlice(1f, 2f, 3f).share();
      part = whole.slice(0, 1, 3).share();
      whole.close();
    }
    assertArrayEquals(new float[] {2, 3}, part.toFloatArray());
    part.close();
  }

  @Test
  void viewsOfAHandleDieWithIt() {
    SharedTensor shared;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      shared = ctx.allocSlice(1f, 2f, 3f).share();
    }
    Tensor view = shared.slice(0, 0, 2);
    SharedTensor other = shared.share();
    assertTrue(view.isAlive());
    shared.close();
    assertFalse(view.isAlive());
    assertTrue(other.isAlive());
    other.close();
  }

  @Test
  void tryShareSharesWhatIsAlive() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(1f, 2f);
      SharedTensor first = tensor.tryShare();
      SharedTensor second = first.tryShare();
      SharedTensor part = first.slice(0, 1, 2).tryShare();
      assertNotNull(second);
      first.close();
      assertNull(first.tryShare());
      ctx.reset();
      assertNull(tensor.tryShare());
      assertEquals(2f, part.getFloat(0));
      assertEquals(2f, second.getFloat(1));
      part.close();
      second.close();
    }
  }

  @Test
  void emptyTensorsAndScalarsCanBeShared() {
    long pinned = pinned();
    SharedTensor scalar;
    SharedTensor empty;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      scalar = ctx.allocTemp(4L).share();
      empty = ctx.empty(DType.FLOAT32, 0, 5).share();
    }
    assertEquals(4L, scalar.getLongAt(0));
    assertTrue(empty.isEmpty());
    scalar.close();
    assertEquals(pinned, pinned(), "no bytes, no pin");
    assertEquals(Shape.of(0, 5), empty.shape());
    empty.close();
  }

  @Test
  void manyAllocationsOfAChunkPinItUntilTheLastIsReleased() {
    long pinned = pinned();
    List<SharedTensor> handles = new ArrayList<>();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      for (int i = 0; i < 100; i++) {
        handles.add(ctx.allocSlice((float) i).share());
      }
      assertEquals(1, ctx.arenaStats().chunks());
    }
    for (int i = 0; i < 100; i++) {
      assertEquals(pinned + 1, pinned());
      assertEquals(i, handles.get(i).getFloat(0));
      handles.get(i).close();
    }
    assertEquals(pinned, pinned());
  }

  @Test
  void aShareOfATensorFromAnOuterScopeOutlivesTheInnerScopes() {
    long pinned = pinned();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Scope outer = ctx.scope();
      Tensor tensor = ctx.allocSlice(3f);
      Scope inner = ctx.scope();
      ctx.empty(DType.INT8, 1 << 20);
      SharedTensor shared = tensor.share();
      inner.close();
      assertEquals(pinned, pinned());
      outer.close();
      overwrite(ctx);
      assertEquals(3f, shared.getFloat(0));
      shared.close();
    }
  }
}
