package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** wrap: a tensor over a direct buffer, without a copy. */
@Tag("platform")
class WrapTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  private static ByteBuffer readOnly(ByteBuffer buffer) {
    return buffer.asReadOnlyBuffer().order(ByteOrder.nativeOrder());
  }

  @Test
  void nothingIsCopiedOrCharged() {
    ByteBuffer buffer = direct(24);
    buffer.putFloat(4, 5f);
    Tensor tensor = ctx.wrap(buffer, DType.FLOAT32, Shape.of(2, 3));
    assertEquals(5f, tensor.getFloat(0, 1));
    tensor.setFloat(7f, 1, 2);
    assertEquals(7f, buffer.getFloat(20));
    assertEquals(NativeArena.bufferAddress(buffer), tensor.address());
    assertEquals(0, ctx.memoryUsage());
    assertEquals(0, ctx.arenaStats().chunks());
  }

  @Test
  void rowsWithPaddingAreWrappedWithTheirStrides() {
    BufferMemory memory = new BufferMemory(4 * 5 * 2 - 8); // the last row has no padding behind it
    Tensor tensor = ctx.wrap(memory, DType.FLOAT32, Shape.of(2, 3), 5, 1);
    assertFalse(tensor.isContiguous());
    tensor.fill(2f).setFloat(7f, 1, 2);
    assertEquals(7f, memory.bytes.getFloat(4 * 7));
    assertEquals(0f, memory.bytes.getFloat(4 * 3), "padding");
    assertArrayEquals(new float[] {2, 2, 2, 2, 2, 7}, tensor.copy(ctx).toFloatArray());
    assertRefuses(
        IllegalArgumentException.class,
        () -> ctx.wrap(memory, DType.FLOAT32, Shape.of(2, 3), 6, 1),
        "36 bytes",
        "32 bytes");
    try (SharedTensor handle = tensor.share()) {
      ctx.reset();
      assertEquals(7f, handle.getFloat(1, 2));
    }
  }

  @Test
  void anotherOrderIsWrappedAsItIs() {
    BufferMemory memory = new BufferMemory(6);
    Tensor columns = ctx.wrap(memory, DType.INT8, Shape.of(2, 3), 1, 2);
    columns.setByte((byte) 9, 1, 2);
    assertEquals(9, memory.bytes.get(5));
    assertTrue(columns.transpose(1, 0).isContiguous());
    assertTrue(ctx.wrap(memory, DType.INT8, Shape.of(2, 3), 3, 1).isContiguous());
    assertEquals(0, ctx.wrap(new BufferMemory(0), DType.INT8, Shape.of(0, 3), -7, 0).size());
    assertEquals(
        Shape.scalar(), ctx.wrap(new BufferMemory(4), DType.INT32, Shape.scalar()).shape());
  }

  @Test
  void theTensorIsThePositionToTheLimit() {
    ByteBuffer buffer = direct(100);
    buffer.position(10).limit(18);
    Tensor tensor = ctx.wrap(buffer, DType.INT64, Shape.scalar());
    tensor.setLong(0x0102030405060708L);
    assertEquals(10, buffer.position());
    assertEquals(18, buffer.limit());
    assertEquals(0x0102030405060708L, buffer.getLong(10));
    assertEquals(0, buffer.get(9));
  }

  /** Which is the order that every new direct buffer has. */
  @Test
  void aBufferInTheOtherByteOrderIsRefusedUnlessElementsAreBytes() {
    ByteOrder other =
        ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN
            ? ByteOrder.LITTLE_ENDIAN
            : ByteOrder.BIG_ENDIAN;
    ByteBuffer buffer = direct(8).order(other);
    for (DType dtype : DType.values()) {
      Shape shape = Shape.of(8 / dtype.byteSize());
      if (dtype.byteSize() == 1) {
        ctx.wrap(buffer, dtype, shape);
        continue;
      }
      assertRefuses(
          IllegalArgumentException.class,
          () -> ctx.wrap(buffer, dtype, shape),
          dtype.toString(),
          other.toString(),
          "order(ByteOrder.nativeOrder())");
      assertEquals(other, buffer.order());
      ctx.wrap(buffer.duplicate().order(ByteOrder.nativeOrder()), dtype, shape);
    }
  }

  @Test
  void aMisalignedBufferWorksForEveryType() {
    for (DType dtype : DType.values()) {
      ByteBuffer buffer =
          direct(8 * dtype.byteSize() + 1).position(1).slice().order(ByteOrder.nativeOrder());
      Tensor tensor = ctx.wrap(buffer, dtype, Shape.of(8));
      Tensor copy = tensor.copy(ctx);
      assertTrue(tensor.contentEquals(copy));
      assertEquals(8 * dtype.byteSize(), tensor.asByteBuffer().capacity());
    }
    ByteBuffer buffer = direct(33).position(1).slice().order(ByteOrder.nativeOrder());
    Tensor doubles = ctx.wrap(buffer, DType.FLOAT64, Shape.of(4));
    doubles.copyFrom(new double[] {1, 2, 3, 4});
    assertArrayEquals(new double[] {1, 2, 3, 4}, doubles.toDoubleArray());
    assertEquals(3, doubles.asDoubleBuffer().get(2));
    Tensor floats = ctx.wrap(buffer, DType.FLOAT32, Shape.of(8));
    floats.copyFrom(new float[] {1, 2, 3, 4, 5, 6, 7, 8});
    assertEquals(8f, floats.slice(0, 7, 8).asFloatBuffer().get(0));
    assertEquals(8f, floats.toFloatArray()[7]);
    Tensor longs = ctx.wrap(buffer, DType.INT64, Shape.of(4)).copyFrom(new long[] {1, 2, 3, 4});
    assertEquals(4, longs.asLongBuffer().get(3) + longs.toLongArray()[3] - 4);
    Tensor ints = ctx.wrap(buffer, DType.INT32, Shape.of(8)).fill(6);
    assertEquals(6, ints.asIntBuffer().get(7));
    assertEquals(6, ints.copyFrom(ints.toIntArray()).getInt(7));
    Tensor shorts = ctx.wrap(buffer, DType.INT16, Shape.of(16)).fill(6);
    assertEquals(6, shorts.asShortBuffer().get(15));
    assertEquals(6, shorts.copyFrom(shorts.toShortArray()).getShort(15));
  }

  @Test
  void aBufferThatDoesNotMatchIsRefusedWithTheValues() {
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    assertRefuses(
        bad, () -> ctx.wrap(ByteBuffer.allocate(4), DType.FLOAT32, Shape.of(1)), "not a direct");
    for (int bytes : new int[] {0, 23, 25, 48}) {
      assertRefuses(
          bad,
          () -> ctx.wrap(direct(bytes), DType.FLOAT32, Shape.of(2, 3)),
          "FLOAT32",
          "[2, 3]",
          "24 bytes",
          "has " + bytes + " bytes");
    }
    assertRefuses(
        bad, () -> ctx.wrap(direct(8), DType.FLOAT64, Shape.of(1L << 61)), "2^63 - 1 bytes");
  }

  @Test
  void theTensorDiesWithItsScopeAndTheBufferDoesNot() {
    ByteBuffer buffer = direct(4);
    Scope scope = ctx.scope();
    Tensor tensor = ctx.wrap(buffer, DType.FLOAT32, Shape.of(1));
    tensor.setFloat(3f, 0);
    scope.close();
    assertRefuses(() -> tensor.getFloat(0), "its scope was closed");
    assertEquals(3f, buffer.getFloat(0));
  }

  @Test
  void overAReadOnlyBufferTheTensorIsFrozen() {
    ByteBuffer buffer = direct(8);
    Tensor tensor = ctx.wrap(readOnly(buffer), DType.FLOAT32, Shape.of(2));
    assertFalse(tensor.isWritable());
    assertRefuses(() -> tensor.setFloat(1f, 0), "is frozen", "read-only");
    assertRefuses(() -> tensor.slice(0, 0, 1).fill(1f), "is frozen");
    assertTrue(tensor.asFloatBuffer().isReadOnly());
    Tensor copy = tensor.mutable(ctx);
    copy.setFloat(1f, 0);
    assertEquals(0f, buffer.getFloat(0), "its bytes are never given to a writer");
    SharedTensor shared = tensor.share();
    ctx.reset();
    assertEquals(0f, shared.mutable(ctx).fill(2f).getFloat(0) - 2f);
    assertEquals(0f, buffer.getFloat(0));
  }

  @Test
  void aWrappedTensorIsSharedAndFrozenLikeAnyOther() {
    long pinned = ChunkPool.stats().pinnedChunks();
    ByteBuffer buffer = direct(8);
    SharedTensor shared = ctx.wrap(buffer, DType.FLOAT32, Shape.of(2)).fill(4f).share();
    ctx.close();
    assertEquals(pinned, ChunkPool.stats().pinnedChunks());
    assertArrayEquals(new float[] {4, 4}, shared.toFloatArray());
    assertFalse(shared.isWritable());
    try (ExecutionContext other = ExecutionContext.open()) {
      Tensor writable = shared.mutable(other);
      writable.setFloat(6f, 1);
      assertEquals(6f, buffer.getFloat(4), "the same bytes: nobody else held them");
    }
  }

  @Test
  void theBufferStaysReachableAsLongAsTheTensor() {
    WeakReference<ByteBuffer> reference;
    SharedTensor shared;
    {
      ByteBuffer buffer = direct(1 << 20);
      reference = new WeakReference<>(buffer);
      shared = ctx.wrap(buffer, DType.INT8, Shape.of(1 << 20)).fill(5).share();
      buffer = null;
    }
    ctx.close();
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    assertNotNull(reference.get());
    byte[] expected = new byte[1 << 20];
    Arrays.fill(expected, (byte) 5);
    assertArrayEquals(expected, shared.toByteArray());
    shared.close();
    shared = null;
    for (int i = 0; i < 100 && reference.get() != null; i++) {
      System.gc();
    }
    assertNull(reference.get(), "and no longer");
  }

  /**
   * As native code fills it: uninitialised bytes of the context is an arena's memory like any
   * other.
   */
  @Test
  void aWrapOfTheContextsOwnRoomIsKeptAliveByItsShares() {
    Tensor tensor = ctx.wrap(ctx.allocate(8, 64), DType.FLOAT32, Shape.of(2)).fill(4f);
    SharedTensor shared = tensor.share();
    SharedTensor part = tensor.slice(0, 1, 2).share();
    ctx.reset();
    ctx.empty(DType.INT8, 65_536).fill(1);
    assertArrayEquals(new float[] {4, 4}, shared.toFloatArray());
    shared.close();
    assertEquals(4f, part.getFloat(0));
    part.close();
  }

  @Test
  void aWrapOfTheContextsOwnRoomIsKeptByClosingItsScope() {
    long pinned = ChunkPool.stats().pinnedChunks();
    ctx.allocate(1, 1);
    for (long between : new long[] {0, 100, 65_536}) {
      Scope scope = ctx.scope();
      ctx.empty(DType.INT8, between);
      Tensor room = ctx.wrap(ctx.allocate(8, 1), DType.FLOAT32, Shape.of(2)).fill(4f);
      Tensor kept = scope.closeKeeping(room);
      ctx.empty(DType.INT8, 100_000).fill(1);
      assertArrayEquals(new float[] {4, 4}, kept.toFloatArray());
      kept.setFloat(5f, 0);
      assertEquals(5f, kept.getFloat(0));
    }
    ctx.reset();
    assertEquals(pinned, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void anEmptyBufferMakesAnEmptyTensor() {
    Tensor tensor = ctx.wrap(direct(0), DType.INT8, Shape.of(0, 5));
    assertTrue(tensor.isEmpty());
    assertEquals(0, tensor.toByteArray().length);
    tensor.share().close();
  }

  /** What threw once the memory is held would leave it taken, and whoever wrapped releases it. */
  @Test
  void ofLargeMemoryWithStridesNothingIsAskedOnceItIsHeld() {
    ByteBuffer block = direct(8);
    long address = NativeArena.bufferAddress(block);
    int[] asked = {0};
    int[] released = {0};
    ForeignMemory large =
        new ForeignMemory() {
          @Override
          public long byteSize() {
            return (2L << 30) + 10;
          }

          @Override
          public ByteBuffer part(long offset, int length) {
            if (asked[0]++ > 0) {
              throw new IllegalArgumentException("another part");
            }
            return NativeArena.view(address, length); // which nobody reads
          }

          @Override
          public void released() {
            released[0]++;
          }
        };
    ctx.wrap(large, DType.INT8, Shape.of(3, 10), 1 << 30, 1);
    assertEquals(1, asked[0]);
    assertEquals(0, released[0]);
    ctx.reset();
    assertEquals(1, released[0]);
    Reference.reachabilityFence(block);
  }
}
