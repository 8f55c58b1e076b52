package dev.tensorarena.netty;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.ClosableMemory;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ForeignMemory;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.util.IllegalReferenceCountException;
import io.netty.util.internal.PlatformDependent;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Tensors as Netty's buffers. */
class TensorBuffersTest {
  private static final boolean IS_LITTLE = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

  private static float element(ByteBuf buffer, int index) {
    return IS_LITTLE ? buffer.getFloatLE(index * 4) : buffer.getFloat(index * 4);
  }

  @Test
  void nettyHasUnsafeWhereTheRunSaysSo() {
    boolean hasUnsafe = !Boolean.getBoolean("io.netty.noUnsafe");
    assertEquals(hasUnsafe, PlatformDependent.hasUnsafe());
  }

  @Test
  void aBufferIsTheTensorsBytesWhereTheyLie() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(3f, 1f, 2f);
      ByteBuf buffer = TensorBuffers.wrappedBuffer(tensor);
      assertTrue(buffer.isDirect());
      assertTrue(buffer.hasMemoryAddress());
      assertEquals(tensor.address(), buffer.memoryAddress());
      assertEquals(0, buffer.readerIndex());
      assertEquals(12, buffer.readableBytes());
      assertEquals(12, buffer.maxCapacity());
      assertEquals(2f, element(buffer, 2));
      assertEquals(2f, buffer.nioBuffer().order(ByteOrder.nativeOrder()).getFloat(8));
      assertEquals(tensor.address() + 4, buffer.slice(4, 8).memoryAddress());
      assertEquals(tensor.address(), buffer.duplicate().memoryAddress());
      assertFalse(buffer.hasArray());
      assertThrows(UnsupportedOperationException.class, buffer::array);
      assertThrows(UnsupportedOperationException.class, buffer::arrayOffset);
      assertEquals(1, buffer.refCnt());
      assertTrue(buffer.release());
      assertThrows(IllegalReferenceCountException.class, buffer::memoryAddress);
      assertThrows(IllegalReferenceCountException.class, () -> buffer.getByte(0));
      assertThrows(IllegalReferenceCountException.class, () -> buffer.nioBuffer(0, 4));
      assertThrows(IllegalReferenceCountException.class, buffer::release);
    }
  }

  @Test
  void writesReachAnUnfrozenTensorWhichIsNotFrozenByIt() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.zeros(DType.INT8, 4);
      ByteBuf buffer = TensorBuffers.wrappedBuffer(tensor);
      buffer.clear().writeByte(7).writeBytes(new byte[] {1, 2, 3});
      assertArrayEquals(new byte[] {7, 1, 2, 3}, tensor.toByteArray());
      tensor.setByte((byte) 9, 0);
      assertEquals(9, buffer.getByte(0));
      assertThrows(IndexOutOfBoundsException.class, () -> buffer.writeByte(1));
      buffer.release();
    }
  }

  @Test
  void capacityHidesBytesAndMovesNone() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.copyOf(Shape.of(4), (byte) 1, (byte) 2, (byte) 3, (byte) 4);
      ByteBuf buffer = TensorBuffers.wrappedBuffer(tensor);
      buffer.readerIndex(3).capacity(2);
      assertEquals(2, buffer.capacity());
      assertEquals(2, buffer.readerIndex());
      assertEquals(2, buffer.writerIndex());
      assertThrows(IndexOutOfBoundsException.class, () -> buffer.getByte(2));
      assertThrows(IndexOutOfBoundsException.class, () -> buffer.nioBuffer(1, 2));
      buffer.writeByte(7); // wants more
      assertEquals(tensor.address(), buffer.memoryAddress());
      buffer.capacity(4);
      assertArrayEquals(new byte[] {1, 2, 7, 4}, tensor.toByteArray());
      assertEquals(4, buffer.getByte(3));
      assertThrows(IllegalArgumentException.class, () -> buffer.capacity(5));
      assertThrows(IllegalArgumentException.class, () -> buffer.capacity(-1));
      assertEquals(tensor.address(), buffer.memoryAddress());
      buffer.release();
    }
  }

  @Test
  void longStreamsAreReadAndWrittenWhole() throws Exception {
    byte[] bytes = new byte[100_000];
    new Random(1).nextBytes(bytes);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ByteBuf buffer = TensorBuffers.wrappedBuffer(ctx.empty(DType.UINT8, bytes.length));
      InputStream in = new ByteArrayInputStream(bytes);
      assertEquals(bytes.length - 10, buffer.setBytes(0, in, bytes.length - 10));
      assertEquals(10, buffer.setBytes(bytes.length - 10, in, 10));
      assertEquals(-1, buffer.setBytes(0, in, 1));
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      buffer.getBytes(0, out, bytes.length);
      assertArrayEquals(bytes, out.toByteArray());
      buffer.release();
    }
  }

  @Test
  void aStreamIsWaitedForOnce() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ByteBuf buffer = TensorBuffers.wrappedBuffer(ctx.empty(DType.UINT8, 20_000));
      InputStream slow =
          new ByteArrayInputStream(new byte[20_000]) {
            @Override
            public synchronized int available() {
              return 0; // the next read would wait
            }
          };
      int first = buffer.setBytes(0, slow, 20_000);
      assertTrue(first > 0 && first < 20_000, () -> "read " + first);
      buffer.release();
    }
  }

  @Test
  void memoryThatGoesAwayInTheMiddleLeavesNothingHeldOrReported() {
    assertEquals(List.of(), NoBufferLeaks.found());
    int refused = 0;
    for (int uses = 0; uses < 20; uses++) {
      AtomicInteger told = new AtomicInteger();
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Dying memory = new Dying(told);
        Tensor tensor = ctx.wrap(memory, DType.INT8, Shape.of(4));
        memory.uses = uses;
        try {
          TensorBuffers.wrappedBuffer(tensor).release();
        } catch (IllegalStateException e) {
          refused++;
        }
      }
      assertEquals(1, told.get(), "after " + uses);
    }
    assertTrue(refused > 2 && refused < 20, "refused " + refused);
    assertEquals(List.of(), NoBufferLeaks.found());
  }

  /** Memory that goes away after it was asked so often. */
  private static final class Dying implements ForeignMemory {
    private final ByteBuffer bytes = ByteBuffer.allocateDirect(4);
    private final AtomicInteger told;
    private int uses = Integer.MAX_VALUE;

    Dying(AtomicInteger told) {
      this.told = told;
    }

    @Override
    public long byteSize() {
      return 4;
    }

    @Override
    public ByteBuffer part(long offset, int length) {
      return bytes.slice((int) offset, length);
    }

    @Override
    public boolean isAlive() {
      return uses-- > 0;
    }

    @Override
    public void released() {
      told.incrementAndGet();
    }
  }

  @Test
  void theBufferKeepsTheBytesAfterScopeAndContextUntilAnyThreadReleasesIt() throws Exception {
    long pinned = ChunkPool.stats().pinnedChunks();
    ByteBuf buffer;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      try (Scope scope = ctx.scope()) {
        buffer = TensorBuffers.wrappedBuffer(ctx.allocSlice(3f, 1f, 2f));
        assertTrue(scope.isOpen());
      }
      ctx.empty(DType.FLOAT32, 1000).fill(-1f); // would be there otherwise
      assertEquals(2f, element(buffer, 2));
    }
    assertEquals(pinned + 1, ChunkPool.stats().pinnedChunks());
    try (ExecutionContext other = ExecutionContext.open()) {
      other.empty(DType.FLOAT32, 10_000).fill(-1f);
      ByteBuf part = buffer.retainedSlice(4, 8);
      assertFalse(buffer.release());
      assertEquals(1f, element(part, 0));
      Thread thread = new Thread(part::release);
      thread.start();
      thread.join();
      assertEquals(0, buffer.refCnt());
    }
    assertEquals(pinned, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void releasedFirstItLeavesTheTensorAlone() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(3f, 1f, 2f);
      TensorBuffers.wrappedBuffer(tensor).release();
      tensor.setFloat(5f, 0);
      assertEquals(5f, tensor.getFloatAt(0));
    }
  }

  @Test
  void theOwnerOfWrappedMemoryIsToldWhenTheBufferIsReleased() {
    AtomicInteger told = new AtomicInteger();
    ByteBuffer direct = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
    ByteBuf buffer;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.wrap(direct, DType.INT64, Shape.of(1), told::incrementAndGet);
      buffer = TensorBuffers.wrappedBuffer(tensor);
      assertEquals(tensor.address(), buffer.memoryAddress());
    }
    assertEquals(0, told.get());
    direct.putLong(0, 1);
    assertEquals(IS_LITTLE ? 1 : 0, buffer.getByte(0));
    buffer.release();
    assertEquals(1, told.get());
  }

  @Test
  void emptyTensorsAndScalarsAreBuffers() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ByteBuf none = TensorBuffers.wrappedBuffer(ctx.empty(DType.FLOAT32, 0, 3));
      assertEquals(0, none.capacity());
      assertFalse(none.isReadable());
      assertEquals(0, none.nioBuffer().remaining());
      none.release();
      ByteBuf scalar = TensorBuffers.wrappedBuffer(ctx.empty(DType.BFLOAT16, Shape.scalar()));
      assertEquals(2, scalar.readableBytes());
      scalar.release();
    }
  }

  @Test
  void aPartOfATensorThatHasNoGapsIsABufferAndOneWithGapsIsRefused() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.copyOf(Shape.of(2, 3), 1, 2, 3, 4, 5, 6);
      ByteBuf row = TensorBuffers.wrappedBuffer(tensor.select(0, 1));
      assertEquals(tensor.address() + 12, row.memoryAddress());
      assertEquals(12, row.readableBytes());
      row.release();
      String refusal =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> TensorBuffers.wrappedBuffer(tensor.transpose()))
              .getMessage();
      assertTrue(refusal.contains("[3, 2]") && refusal.contains("contiguous(ctx)"), refusal);
    }
  }

  @Test
  void twoGibibytesAreRefusedAndOneByteLessIsABuffer() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor large = ctx.empty(DType.UINT8, 1L << 31); // untouched
      String refusal =
          assertThrows(IllegalArgumentException.class, () -> TensorBuffers.wrappedBuffer(large))
              .getMessage();
      assertTrue(refusal.contains("2147483648 bytes"), refusal);
      ByteBuf most = TensorBuffers.wrappedBuffer(large.slice(0, 1, 1L << 31));
      assertEquals(Integer.MAX_VALUE, most.capacity());
      assertEquals(0, most.setByte(Integer.MAX_VALUE - 1, 3).getByte(Integer.MAX_VALUE - 2));
      most.release();
    }
  }

  @Test
  void whatHasEndedOrIsAnotherThreadsOrCannotBeHeldIsRefused() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(3f);
      CompletableFuture.runAsync(
              () ->
                  assertThrows(
                      IllegalStateException.class, () -> TensorBuffers.wrappedBuffer(tensor)))
          .join();
      SharedTensor closed = tensor.share();
      closed.close();
      assertThrows(IllegalStateException.class, () -> TensorBuffers.wrappedBuffer(closed));
      ctx.reset();
      assertThrows(IllegalStateException.class, () -> TensorBuffers.wrappedBuffer(tensor));
      if (ClosableMemory.IS_SUPPORTED) {
        try (ClosableMemory memory = new ClosableMemory()) {
          Tensor wrapped = ctx.wrap(memory.buffer(8), DType.INT64, Shape.of(1));
          assertThrows(IllegalArgumentException.class, () -> TensorBuffers.wrappedBuffer(wrapped));
        }
      }
    }
    assertThrows(NullPointerException.class, () -> TensorBuffers.wrappedBuffer(null));
  }

  @Test
  void aCopyIsAnotherBufferOfNettys() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(3f, 1f, 2f);
      ByteBuf buffer = TensorBuffers.wrappedBuffer(tensor);
      ByteBuf copy = buffer.copy();
      buffer.release();
      tensor.fill(0f);
      assertEquals(2f, element(copy, 2));
      copy.release();
    }
  }

  @Test
  void twoBuffersOfOneTensorAreIndependent() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(3f, 1f, 2f);
      ByteBuf first = TensorBuffers.wrappedBuffer(tensor);
      ByteBuf second = TensorBuffers.wrappedBuffer(tensor);
      first.readerIndex(4).release();
      assertEquals(0, second.readerIndex());
      ByteBuf both = Unpooled.wrappedBuffer(second, TensorBuffers.wrappedBuffer(tensor));
      assertEquals(24, both.readableBytes());
      assertEquals(2, both.nioBufferCount());
      both.release();
      assertEquals(0, second.refCnt());
    }
  }

  @Test
  void nettysOwnBuffersTakeItForTheOtherSideOfACopy() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.copyOf(Shape.of(4), (byte) 1, (byte) 2, (byte) 3, (byte) 4);
      ByteBuf buffer = TensorBuffers.wrappedBuffer(tensor);
      for (ByteBuf other : othersOfEightBytes()) {
        other.writeBytes(buffer, 0, 4).setBytes(5, buffer, 1, 3);
        assertEquals("0102030400020304", ByteBufUtil.hexDump(other, 0, 8), other::toString);
        assertEquals(buffer, other);
        assertEquals(other, buffer);
        assertEquals(0, other.compareTo(buffer));
        other.getBytes(4, buffer, 0, 4);
        assertArrayEquals(new byte[] {0, 2, 3, 4}, tensor.toByteArray(), other.toString());
        other.readBytes(buffer.clear());
        assertArrayEquals(new byte[] {1, 2, 3, 4}, tensor.toByteArray(), other.toString());
        other.release();
      }
      buffer.release();
    }
  }

  private static List<ByteBuf> othersOfEightBytes() {
    ByteBuf pieces =
        Unpooled.wrappedBuffer(
            Unpooled.wrappedBuffer(new byte[3]), Unpooled.directBuffer(5).writeZero(5));
    return Stream.of(
            Unpooled.buffer(8),
            Unpooled.directBuffer(8),
            PooledByteBufAllocator.DEFAULT.heapBuffer(8),
            PooledByteBufAllocator.DEFAULT.directBuffer(8),
            ByteBufAllocator.DEFAULT.heapBuffer(8),
            ByteBufAllocator.DEFAULT.directBuffer(8),
            pieces)
        .map(buffer -> buffer.setZero(0, 8).clear())
        .toList();
  }
}
