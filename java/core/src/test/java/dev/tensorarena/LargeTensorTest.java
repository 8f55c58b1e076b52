package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tensors of more than 1 and 2 GiB; only some pages of them are touched. */
class LargeTensorTest {
  private static final long GIB = 1L << 30;

  @Test
  void aTensorOfOneAndAHalfGiBIsLikeAnyOther() {
    long size = 3 * GIB / 2;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.empty(DType.INT8, size);
      assertEquals(size, tensor.size());
      assertEquals(size, ctx.memoryUsage());
      for (long at : new long[] {0, GIB - 1, GIB, size - 1}) {
        tensor.setByteAt(at, (byte) 7);
        assertEquals(7, tensor.getByte(at));
        assertEquals(7, tensor.slice(0, at, at + 1).getByte(0));
      }
      ByteBuffer bytes = tensor.asByteBuffer();
      assertEquals(size, bytes.capacity());
      assertEquals(7, bytes.get((int) size - 1));
      assertRefuses(IndexOutOfBoundsException.class, () -> tensor.getByte(size));
    }
  }

  @Test
  void ofATensorPastTwoGiBPartsAreWithinReach() {
    long size = 3 * GIB;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.empty(DType.INT8, size);
      assertEquals(size, tensor.byteSize());
      assertFalse(tensor.isEmpty());
      long[] places = {0, 1, GIB - 1, GIB, 2 * GIB - 2, 2 * GIB - 1, 2 * GIB, size - 2, size - 1};
      for (long at : places) {
        Tensor part = tensor.slice(0, at, at + 1);
        assertEquals(tensor.address() + at, part.address());
        part.setByte((byte) (at % 97), 0);
      }
      for (long at : places) {
        assertEquals((byte) (at % 97), tensor.select(0, at).getByteAt(0));
        long from = Math.max(0, at - 1000);
        long to = Math.min(size, at + 1000);
        Tensor around = tensor.slice(0, from, to);
        assertEquals((byte) (at % 97), around.toByteArray()[(int) (at - from)]);
      }
      SharedTensor shared = tensor.share();
      ctx.reset();
      assertEquals((byte) (GIB % 97), shared.slice(0, GIB, GIB + 1).getByte(0));
      shared.close();
    }
  }

  @Test
  void everyPartOfUpToTwoGiBIsWithinReach() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.empty(DType.INT32, 3, GIB / 4);
      for (int i = 0; i < 3; i++) {
        Tensor row = tensor.select(0, i);
        row.setInt(i, GIB / 4 - 1);
        row.setInt(-i, 0);
      }
      Tensor flat = tensor.reshape(Shape.of(3 * GIB / 4));
      for (long from = GIB / 40; from < GIB / 4; from += GIB / 40) {
        Tensor part = flat.slice(0, from, from + 2 * GIB / 4 - 2);
        assertEquals(2 * GIB / 4 - 2, part.size());
        assertEquals(1, part.getInt(2 * GIB / 4 - 1 - from), "from " + from);
        assertEquals(-1, part.getInt(GIB / 4 - from), "from " + from);
      }
      Tensor column = tensor.select(1, 0);
      assertRefuses(() -> column.getInt(2), "spans 2147483652 bytes");
      assertEquals(-2, column.slice(0, 1, 3).copy(ctx).getInt(1));
    }
  }

  @Test
  void whatABufferCannotReachIsRefusedAndSaysWhatCan() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.empty(DType.INT8, 3, GIB);
      Tensor strided = tensor.transpose();
      for (Tensor large : new Tensor[] {tensor, strided}) {
        assertRefuses(() -> large.getByteAt(0), "3221225472 bytes", "Segments.of");
        assertRefuses(() -> large.setByteAt(3 * GIB - 1, (byte) 0), "Segments.of");
        assertRefuses(() -> large.getByte(1, 1), "Segments.of");
        assertRefuses(() -> large.setByte((byte) 0, 1, 1), "Segments.of");
        assertRefuses(large::toByteArray, "Segments.of");
        assertRefuses(() -> large.fill(1), "Segments.of");
        assertRefuses(() -> large.contentEquals(large), "Segments.of");
        assertRefuses(
            IndexOutOfBoundsException.class, () -> large.getByteAt(3 * GIB), "3221225472");
      }
      assertRefuses(tensor::asByteBuffer, "Segments.of");
      assertRefuses(() -> strided.copy(ctx), "Segments.of");
      assertTrue(tensor.isWritable());
      assertEquals(3 * GIB, ctx.memoryUsage(), "and nothing was allocated");
    }
  }

  /** The limit is 2 GiB, so the paths behind it are taken here by a window of 16 bytes. */
  @Test
  void zeroingAndCopyingPastTheReachOfABufferIsDoneNatively() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor bytes = ctx.empty(DType.INT8, 100_000).fill(5);
      Window narrow = Window.justOver(bytes.address(), 16);
      Tensor large = new Tensor(narrow, 0, 3 * GIB, DType.INT8, Shape.of(99_999), ctx.innermost());
      assertRefuses(() -> large.getByteAt(0), "Segments.of");
      Tensor copy = large.copy(ctx);
      assertEquals(5, copy.getByte(99_998));
      Bulk.zero(large);
      byte[] expected = new byte[100_000];
      expected[99_999] = 5;
      assertArrayEquals(expected, bytes.toByteArray());
      large.copyFrom(copy.fill(6));
      assertEquals(6, bytes.getByte(99_998));
      assertEquals(5, bytes.getByte(99_999));
    }
  }

  @Test
  void zeroingUpToTheEndOfTheLargestWindowDoesNotWrap() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor bytes = ctx.empty(DType.INT8, Integer.MAX_VALUE);
      Tensor last = bytes.slice(0, Integer.MAX_VALUE - 100, Integer.MAX_VALUE).fill(5);
      Bulk.zero(last);
      assertEquals(0, bytes.getByte(Integer.MAX_VALUE - 1));
    }
  }

  @Test
  void aLargeTensorHasAChunkOfItsOwnAndTheContextGoesOnInTheOneItWasIn() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor before = ctx.empty(DType.INT8, 10).fill(1);
      Tensor large = ctx.empty(DType.INT8, 64 << 20).fill(2);
      Tensor after = ctx.empty(DType.INT8, 10).fill(3);
      assertEquals(before.address() + 64, after.address());
      assertEquals((64 << 20) + (64 << 10), ctx.arenaStats().reservedBytes());
      assertEquals((64 << 20) + 74, ctx.memoryUsage());
      assertEquals(0, ctx.arenaStats().refills());
      assertEquals(2, large.getByteAt((64 << 20) - 1));
      assertEquals(1, before.getByteAt(9));
      assertEquals(3, after.getByteAt(9));
    }
  }

  /**
   * Whatever stands before the scope: nothing, a small tensor, a large one, one of another slab.
   */
  @ParameterizedTest
  @ValueSource(longs = {0, 10, 1 << 20, 3 * GIB})
  void aScopeEndsItsLargeTensorsAndNoOthers(long first) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor outer = ctx.empty(DType.INT8, first);
      Tensor part = outer.slice(0, Math.max(0, first - 10), first).fill(7);
      for (int i = 0; i < 20; i++) {
        long used = ctx.memoryUsage();
        Scope scope = ctx.scope();
        ctx.allocSlice(1f, 2f);
        Tensor large = ctx.empty(DType.INT8, 2 << 20).fill(5);
        Scope inner = ctx.scope();
        ctx.empty(DType.INT8, 3 << 20).fill(6);
        inner.close();
        assertEquals(5, large.getByteAt((2 << 20) - 1));
        Tensor small = ctx.allocSlice(3f);
        assertEquals(3f, small.getFloat(0));
        scope.close();
        assertEquals(used, ctx.memoryUsage());
        assertTrue(ctx.arenaStats().chunks() <= 4, ctx.arenaStats()::toString);
        assertTrue(first < 10 || part.getByteAt(9) == 7);
      }
    }
  }

  @Test
  void aLargeTensorIsSharedKeptAndPinnedLikeOthers() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.allocSlice(1f);
      Scope scope = ctx.scope();
      Tensor shared = ctx.empty(DType.INT8, 1 << 20).fill(1);
      SharedTensor handle = shared.share();
      Tensor pinned = ctx.empty(DType.INT8, 1 << 20).fill(2);
      TensorPin pin = TensorPin.of(pinned);
      ctx.allocSlice(2f);
      Tensor result = ctx.empty(DType.INT8, 1 << 20).fill(3);
      Tensor kept = scope.closeKeeping(result);
      for (int i = 0; i < 5; i++) {
        ctx.empty(DType.INT8, 1 << 20).fill(9);
      }
      assertEquals(1, handle.getByteAt((1 << 20) - 1));
      assertEquals(3, kept.getByteAt((1 << 20) - 1));
      assertEquals(3, kept.getByteAt(0));
      kept.fill(4);
      assertEquals(1, handle.getByteAt(0));
      handle.close();
      pin.close();
      ctx.reset();
      assertTrue(ctx.arenaStats().chunks() <= 1);
    }
  }

  /** Native code that allocates from the same arena may move it on to a chunk of another slab. */
  @Test
  void javaNoticesThatNativeCodeHasMovedOn() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor before = ctx.allocSlice(1f);
      assertEquals(NativeArena.OK, NativeClient.reserve(ctx.nativeHandle(), 3 * GIB));
      Tensor after = ctx.allocSlice(2f, 3f);
      assertTrue(Math.abs(after.address() - before.address()) > 1 << 20);
      assertArrayEquals(new float[] {2, 3}, after.toFloatArray());
      assertEquals(NativeArena.bufferAddress(after.asByteBuffer()), after.address());
      SharedTensor shared = after.share();
      ctx.reset();
      assertArrayEquals(new float[] {2, 3}, shared.toFloatArray());
      shared.close();
    }
  }

  @Test
  void largeMemoryIsUsedAgain() {
    long reserved = 0;
    for (int i = 0; i < 5; i++) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.empty(DType.INT8, 3 * GIB).slice(0, 0, 1).fill(1);
      }
      assertTrue(i == 0 || reserved == ChunkPool.stats().reservedBytes());
      reserved = ChunkPool.stats().reservedBytes();
    }
  }
}
