package dev.tensorarena.arrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Scope;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.util.concurrent.CompletableFuture;
import org.apache.arrow.memory.AllocationListener;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.util.TransferPair;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who holds the bytes, and until when: ours first, theirs first, another thread, failures. */
class OwnershipTest {
  private final BufferAllocator allocator = new RootAllocator();
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
    allocator.close(); // throws if anything is left
    assertEquals(0, ChunkPool.stats().pinnedChunks());
  }

  private static void elsewhere(Runnable task) {
    CompletableFuture.runAsync(task).join();
  }

  @Test
  void theVectorKeepsTheBytesWhenTheScopeAndTheContextHaveEnded() {
    Scope scope = ctx.scope();
    FieldVector vector = ArrowTensors.vector(allocator, "x", ctx.allocSlice(1f, 2f, 3f));
    scope.close();
    ctx.zeros(DType.FLOAT32, 3).fill(9f); // would be written over them
    assertEquals(2f, vector.getObject(1));
    ctx.close();
    assertEquals(3f, vector.getObject(2));
    assertEquals(1, ChunkPool.stats().pinnedChunks());
    elsewhere(vector::close);
    assertEquals(0, ChunkPool.stats().pinnedChunks());
    assertEquals(0, allocator.getAllocatedMemory());
  }

  @Test
  void theBytesAreHeldUntilTheLastReferenceInWhicheverAllocatorIsReleased() {
    ArrowBuf buffer = ArrowTensors.buffer(allocator, ctx.allocSlice(1, 2, 3));
    ctx.close();
    try (BufferAllocator child = allocator.newChildAllocator("child", 0, Long.MAX_VALUE)) {
      ArrowBuf other = buffer.getReferenceManager().retain(buffer, child);
      buffer.close();
      assertEquals(3, other.getInt(8));
      assertEquals(1, ChunkPool.stats().pinnedChunks());
      elsewhere(other::close);
    }
    assertEquals(0, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void theTensorIsAsItWasOnceTheVectorIsClosedButFrozen() {
    Tensor tensor = ctx.allocSlice(1f, 2f);
    ArrowTensors.vector(allocator, "x", tensor).close();
    assertEquals(2f, tensor.getFloatAt(1));
    assertThrows(IllegalStateException.class, () -> tensor.setFloatAt(0, 3f));
    Tensor again = tensor.mutable(ctx);
    assertEquals(tensor.address(), again.address(), "nobody else holds the bytes");
    try (FieldVector vector = ArrowTensors.vector(allocator, "x", again)) {
      assertEquals(2, vector.getValueCount());
      assertTrue(again.mutable(ctx).address() != again.address(), "the vector holds them");
    }
  }

  /** Arrow refuses without releasing, or after it: nothing is held, and nothing is frozen. */
  @Test
  void pastTheAllocatorsLimitNothingIsHeldAndNothingFrozen() {
    Tensor tensor = ctx.empty(DType.INT8, 4096);
    int bits = 4096 / 8;
    for (int limit : new int[] {0, 4095, 4096, 4096 + bits - 1}) {
      try (BufferAllocator small = allocator.newChildAllocator("small", 0, limit)) {
        assertThrows(
            OutOfMemoryException.class, () -> ArrowTensors.vector(small, "x", tensor), "" + limit);
        if (limit < 4096) {
          assertThrows(OutOfMemoryException.class, () -> ArrowTensors.buffer(small, tensor));
        }
        assertEquals(0, small.getAllocatedMemory());
        assertTrue(tensor.isWritable());
      }
    }
    try (BufferAllocator enough = allocator.newChildAllocator("enough", 0, 4096 + bits);
        FieldVector vector = ArrowTensors.vector(enough, "x", tensor)) {
      assertEquals(4096, vector.getValueCount());
    }
    long address = tensor.address();
    ctx.reset();
    assertEquals(address, ctx.empty(DType.INT8, 4096).address(), "nothing is pinned");
  }

  /** Throws at one of the calls that an allocator makes. */
  private static final class Failing implements AllocationListener {
    private final int at;
    private int calls;

    Failing(int at) {
      this.at = at;
    }

    @Override
    public void onPreAllocation(long size) {
      call();
    }

    @Override
    public void onAllocation(long size) {
      call();
    }

    private void call() {
      if (calls++ == at) {
        throw new UnsupportedOperationException("call " + at);
      }
    }
  }

  /** Its own books may be wrong then, so that it is not closed. */
  @Test
  void anAllocatorThatFailsAnywhereHoldsNothing() {
    int failed = 0;
    FieldVector made = null;
    while (made == null) {
      BufferAllocator failing = new RootAllocator(new Failing(failed), Long.MAX_VALUE);
      Tensor tensor = ctx.zeros(DType.INT8, 10, 10);
      try {
        made = ArrowTensors.vector(failing, "x", tensor);
      } catch (UnsupportedOperationException e) {
        failed++;
        assertTrue(tensor.isWritable(), e::toString);
        long address = tensor.address();
        ctx.reset();
        assertEquals(address, ctx.zeros(DType.INT8, 10, 10).address(), e::toString);
        ctx.reset();
      }
    }
    made.close();
    assertEquals(6, failed, "before and after the bytes and the bits of two levels");
  }

  @Test
  void aClosedAllocatorHoldsNothing() {
    BufferAllocator closed = allocator.newChildAllocator("closed", 0, 1000);
    closed.close();
    Tensor tensor = ctx.allocSlice(1f);
    assertThrows(IllegalStateException.class, () -> ArrowTensors.buffer(closed, tensor));
    assertThrows(IllegalStateException.class, () -> ArrowTensors.vector(closed, "x", tensor));
    assertTrue(tensor.isWritable());
  }

  // ---- of what is wrapped

  @Test
  void theTensorKeepsTheBytesWhenTheVectorIsClosed() {
    IntVector vector = Filled.ints(allocator, 1, 2, 3);
    int before = vector.getDataBuffer().refCnt();
    Tensor tensor = ArrowTensors.wrap(ctx, vector);
    assertEquals(before + 1, vector.getDataBuffer().refCnt());
    vector.close();
    assertEquals(3, tensor.getIntAt(2));
    assertTrue(allocator.getAllocatedMemory() > 0);
    ctx.close();
    assertEquals(0, allocator.getAllocatedMemory());
  }

  @Test
  void theCallersReferenceStaysHisWhenTheTensorEnds() {
    try (IntVector vector = Filled.ints(allocator, 1, 2, 3)) {
      int before = vector.getDataBuffer().refCnt();
      Scope scope = ctx.scope();
      ArrowTensors.wrap(ctx, vector);
      ArrowTensors.wrap(ctx, vector);
      assertEquals(before + 2, vector.getDataBuffer().refCnt());
      scope.close();
      assertEquals(before, vector.getDataBuffer().refCnt());
      assertEquals(3, vector.get(2));
    }
  }

  @Test
  void theLastHolderLetsGoOnWhicheverThread() {
    SharedTensor shared;
    try (IntVector vector = Filled.ints(allocator, 1, 2, 3)) {
      shared = ArrowTensors.wrap(ctx, vector).share();
    }
    ctx.close();
    elsewhere(
        () -> {
          assertEquals(2, shared.getIntAt(1));
          shared.close();
        });
    assertEquals(0, allocator.getAllocatedMemory());
  }

  @Test
  void rawViewsOfWhatIsWrappedDoNotKeepTheAllocatorOpen() {
    try (IntVector vector = Filled.ints(allocator, 1, 2, 3)) {
      assertEquals(3, ArrowTensors.wrap(ctx, vector).asIntBuffer().get(2));
    }
    ctx.close();
    assertEquals(0, allocator.getAllocatedMemory());
  }

  @Test
  void aVectorThatIsTransferredAwayLeavesTheTensorItsReference() {
    try (BufferAllocator other = allocator.newChildAllocator("other", 0, Long.MAX_VALUE)) {
      IntVector vector = Filled.ints(allocator, 1, 2, 3);
      Tensor tensor = ArrowTensors.wrap(ctx, vector);
      TransferPair pair = vector.getTransferPair(other);
      pair.transfer();
      pair.getTo().close();
      assertEquals(3, tensor.getIntAt(2));
    }
  }

  @Test
  void aContextThatRefusesTakesNoReference() {
    try (IntVector vector = Filled.ints(allocator, 1, 2, 3)) {
      int before = vector.getDataBuffer().refCnt();
      ExecutionContext closed = ExecutionContext.open();
      closed.close();
      assertThrows(IllegalStateException.class, () -> ArrowTensors.wrap(closed, vector));
      elsewhere(
          () -> assertThrows(IllegalStateException.class, () -> ArrowTensors.wrap(ctx, vector)));
      assertEquals(before, vector.getDataBuffer().refCnt());
    }
  }

  /** The tensor is over what the allocator says that it lost, and stays readable. */
  @Test
  void anAllocatorThatIsClosedFirstSaysSo() {
    BufferAllocator own = new RootAllocator();
    Tensor tensor;
    try (IntVector vector = Filled.ints(own, 1, 2, 3)) {
      tensor = ArrowTensors.wrap(ctx, vector);
    }
    IllegalStateException leaked = assertThrows(IllegalStateException.class, own::close);
    assertTrue(leaked.getMessage().contains("outstanding buffers"), leaked.getMessage());
    assertEquals(2, tensor.getIntAt(1));
    assertFalse(tensor.isWritable());
  }
}
