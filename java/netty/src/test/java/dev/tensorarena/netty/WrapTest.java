package dev.tensorarena.netty;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.LibraryLog;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.util.IllegalReferenceCountException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Netty's buffers as tensors. */
class WrapTest {
  private static final List<ByteBufAllocator> ALLOCATORS =
      List.of(
          ByteBufAllocator.DEFAULT,
          PooledByteBufAllocator.DEFAULT,
          UnpooledByteBufAllocator.DEFAULT);

  private static ByteBuf floats(ByteBufAllocator allocator, float... values) {
    return allocator.directBuffer(64).writeBytes(floats(values));
  }

  private static ByteBuffer floats(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.nativeOrder());
    bytes.asFloatBuffer().put(values);
    return bytes;
  }

  @Test
  void theReadableBytesOfEveryAllocatorAreATensorWhereTheyLie() {
    for (ByteBufAllocator allocator : ALLOCATORS) {
      ByteBuf buffer = floats(allocator, 9, 3, 1, 2, 9).readerIndex(4).writerIndex(16);
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = TensorBuffers.wrap(ctx, buffer, DType.FLOAT32, Shape.of(3));
        if (buffer.hasMemoryAddress()) {
          assertEquals(buffer.memoryAddress() + 4, tensor.address());
        }
        assertArrayEquals(new float[] {3, 1, 2}, tensor.toFloatArray());
        assertEquals(4, buffer.readerIndex());
        assertEquals(16, buffer.writerIndex());
        tensor.setFloat(7f, 0);
        assertEquals(7f, buffer.nioBuffer().order(ByteOrder.nativeOrder()).getFloat(0));
        assertEquals(2, buffer.refCnt());
      }
      assertEquals(1, buffer.refCnt());
      assertTrue(buffer.release());
    }
  }

  @Test
  void theReadableBytesMayBeginAnywhere() {
    ByteBuf buffer = UnpooledByteBufAllocator.DEFAULT.directBuffer(64);
    buffer.writeByte(0).writeBytes(floats(3, 1, 2)).readByte();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = TensorBuffers.wrap(ctx, buffer, DType.FLOAT32, Shape.of(3));
      assertArrayEquals(new float[] {3, 1, 2}, tensor.toFloatArray());
      assertArrayEquals(new float[] {3, 1, 2}, tensor.copy(ctx).toFloatArray());
      assertEquals(2f, tensor.getFloatAt(2));
      assertEquals(3f, tensor.asFloatBuffer().get(0));
    }
    buffer.release();
  }

  @Test
  void theOrderOfABufferIsNotAskedFor() {
    ByteBuf buffer = floats(UnpooledByteBufAllocator.DEFAULT, 3, 1, 2);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      for (ByteOrder order : List.of(ByteOrder.BIG_ENDIAN, ByteOrder.LITTLE_ENDIAN)) {
        ByteBuf swapped = inOrder(buffer, order);
        Tensor tensor = TensorBuffers.wrap(ctx, swapped, DType.FLOAT32, Shape.of(3));
        assertEquals(2f, tensor.getFloatAt(2));
      }
    }
    buffer.release();
  }

  @SuppressWarnings("deprecation")
  private static ByteBuf inOrder(ByteBuf buffer, ByteOrder order) {
    return buffer.order(order);
  }

  @Test
  void theReferenceIsLetGoWithTheLastHolderOnItsThread() throws Exception {
    for (ByteBufAllocator allocator : ALLOCATORS) {
      ByteBuf buffer = floats(allocator, 3, 1, 2);
      SharedTensor shared;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Scope scope = ctx.scope();
        Tensor tensor = TensorBuffers.wrap(ctx, buffer, DType.FLOAT32, Shape.of(3));
        shared = tensor.share();
        scope.close();
        assertFalse(tensor.isAlive());
      }
      assertFalse(buffer.release(), "theirs first");
      assertEquals(1, buffer.refCnt());
      assertEquals(1f, shared.getFloatAt(1));
      Thread thread = new Thread(shared::close);
      thread.start();
      thread.join();
      assertEquals(0, buffer.refCnt());
    }
  }

  @Test
  void slicesAndDuplicatesAndWhatIsRetainedAreTensors() {
    for (ByteBufAllocator allocator : ALLOCATORS) {
      ByteBuf buffer = floats(allocator, 3, 1, 2);
      ByteBuf slice = buffer.retainedSlice(4, 8);
      ByteBuf same = slice.duplicate().skipBytes(4);
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor two = TensorBuffers.wrap(ctx, slice, DType.FLOAT32, Shape.of(2));
        Tensor one = TensorBuffers.wrap(ctx, same, DType.FLOAT32, Shape.of(1));
        assertEquals(two.address() + 4, one.address());
        assertEquals(2f, one.getFloatAt(0));
        slice.release();
        buffer.release();
        assertEquals(1f, two.getFloatAt(0));
      }
      assertEquals(0, buffer.refCnt());
    }
  }

  @Test
  void overAReadOnlyBufferTheTensorIsFrozen() {
    ByteBuf buffer = floats(UnpooledByteBufAllocator.DEFAULT, 3, 1, 2);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = TensorBuffers.wrap(ctx, buffer.asReadOnly(), DType.FLOAT32, Shape.of(3));
      assertFalse(tensor.isWritable());
      assertThrows(IllegalStateException.class, () -> tensor.setFloat(1f, 0));
    }
    buffer.release();
  }

  @Test
  void aTensorsOwnBufferComesBackWhereItLay() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(3f, 1f, 2f);
      ByteBuf buffer = TensorBuffers.wrappedBuffer(tensor);
      Tensor back = TensorBuffers.wrap(ctx, buffer, DType.FLOAT32, Shape.of(3));
      buffer.release();
      assertEquals(tensor.address(), back.address());
      assertTrue(back.isWritable());
      assertEquals(2f, back.getFloatAt(2));
      tensor.share().close();
      ByteBuf frozen = TensorBuffers.wrappedBuffer(tensor);
      assertFalse(TensorBuffers.wrap(ctx, frozen, DType.FLOAT32, Shape.of(3)).isWritable());
      frozen.release();
    }
  }

  @Test
  void nothingReadableIsATensorWithoutElements() {
    ByteBuf buffer = UnpooledByteBufAllocator.DEFAULT.directBuffer(8);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      assertTrue(TensorBuffers.wrap(ctx, buffer, DType.INT64, Shape.of(0)).isEmpty());
      assertTrue(
          TensorBuffers.wrap(ctx, Unpooled.EMPTY_BUFFER, DType.INT64, Shape.of(0)).isEmpty());
    }
    assertTrue(buffer.release());
  }

  @Test
  void heapBuffersAndCompositesAreRefusedAndKeepTheirCounts() {
    ByteBuf heap = Unpooled.wrappedBuffer(new byte[4]);
    ByteBuf direct = floats(UnpooledByteBufAllocator.DEFAULT, 3);
    CompositeByteBuf one = Unpooled.compositeBuffer().addComponent(true, direct);
    ByteBuf two =
        Unpooled.wrappedBuffer(
            floats(UnpooledByteBufAllocator.DEFAULT, 1), direct.retainedDuplicate());
    ByteBuf fixed = fixed(floats(UnpooledByteBufAllocator.DEFAULT, 1), direct.retainedDuplicate());
    assertRefused(heap, "not a direct buffer");
    assertRefused(one, "a composite buffer");
    assertRefused(one.slice(), "a composite buffer");
    assertRefused(one.asReadOnly(), "a composite buffer");
    assertRefused(two, "a composite buffer");
    assertRefused(fixed, "consists of 2 pieces");
    assertRefused(fixed.slice(), "consists of 2 pieces");
    for (ByteBuf buffer : List.of(heap, one, two, fixed)) {
      buffer.release();
    }
    assertEquals(0, direct.refCnt());
  }

  private static void assertRefused(ByteBuf buffer, String why) {
    int before = buffer.refCnt();
    Shape shape = Shape.of(buffer.readableBytes());
    try (ExecutionContext ctx = ExecutionContext.open()) {
      String refusal =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> TensorBuffers.wrap(ctx, buffer, DType.INT8, shape))
              .getMessage();
      assertTrue(refusal.contains(why) && refusal.contains("widx: "), refusal);
    }
    assertEquals(before, buffer.refCnt());
  }

  /** A composite that is none by its type. */
  @SuppressWarnings("deprecation")
  private static ByteBuf fixed(ByteBuf... buffers) {
    return Unpooled.unmodifiableBuffer(buffers);
  }

  @Test
  void whatCannotBeATensorIsRefusedAndKeepsItsCount() {
    ByteBuf buffer = floats(UnpooledByteBufAllocator.DEFAULT, 3, 1, 2);
    ExecutionContext closed = ExecutionContext.open();
    closed.close();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      String refusal =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> TensorBuffers.wrap(ctx, buffer, DType.FLOAT32, Shape.of(2, 2)))
              .getMessage();
      assertTrue(refusal.contains("has 16 bytes") && refusal.contains("has 12 bytes"), refusal);
      assertTrue(refusal.contains("widx: 12"), refusal);
      assertThrows(
          IllegalStateException.class,
          () -> TensorBuffers.wrap(closed, buffer, DType.FLOAT32, Shape.of(3)));
      assertThrows(
          NullPointerException.class, () -> TensorBuffers.wrap(ctx, buffer, null, Shape.of(3)));
      assertThrows(
          NullPointerException.class, () -> TensorBuffers.wrap(ctx, buffer, DType.INT8, null));
      assertThrows(
          NullPointerException.class, () -> TensorBuffers.wrap(ctx, null, DType.INT8, Shape.of(3)));
      CompletableFuture.runAsync(
              () ->
                  assertThrows(
                      IllegalStateException.class,
                      () -> TensorBuffers.wrap(ctx, buffer, DType.FLOAT32, Shape.of(3))))
          .join();
      assertEquals(1, buffer.refCnt());
      buffer.release();
      assertThrows(
          IllegalReferenceCountException.class,
          () -> TensorBuffers.wrap(ctx, buffer, DType.FLOAT32, Shape.of(3)));
      assertEquals(0, ctx.arenaStats().allocatedBytes());
    }
  }

  @Test
  void whoReleasesTooOftenEndsTheTensorTooAndIsTold() {
    ByteBuf buffer = floats(UnpooledByteBufAllocator.DEFAULT, 3, 1, 2);
    List<Throwable> told = new ArrayList<>();
    LibraryLog.during(
        () -> {
          try (ExecutionContext ctx = ExecutionContext.open()) {
            Tensor tensor = TensorBuffers.wrap(ctx, buffer, DType.FLOAT32, Shape.of(3));
            buffer.release(2);
            assertThrows(IllegalStateException.class, () -> tensor.getFloatAt(0));
            assertFalse(tensor.isAlive());
          }
        },
        record -> told.add(record.getThrown()));
    assertEquals(1, told.size());
    assertEquals(IllegalReferenceCountException.class, told.get(0).getClass());
  }

  @Test
  void aBufferThatMovesEndsTheTensorWhichSaysSo() {
    for (ByteBufAllocator allocator : ALLOCATORS) {
      ByteBuf buffer = floats(allocator, 3, 1, 2);
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = TensorBuffers.wrap(ctx, buffer.slice(0, 12), DType.FLOAT32, Shape.of(3));
        buffer.writeBytes(new byte[1 << 20]);
        assertThrows(IllegalStateException.class, () -> tensor.getFloatAt(0));
        buffer.capacity(64);
        String refusal =
            assertThrows(IllegalStateException.class, () -> tensor.getFloatAt(0)).getMessage();
        assertTrue(refusal.contains("the memory that it wraps has gone away"), refusal);
      }
      assertTrue(buffer.release());
    }
  }

  @Test
  void whatIsWrittenIntoTheRoomOfABufferWithAnAddressEndsNothing() {
    ByteBuf buffer = floats(PooledByteBufAllocator.DEFAULT, 3, 1, 2);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = TensorBuffers.wrap(ctx, buffer, DType.FLOAT32, Shape.of(3));
      buffer.writeInt(1);
      buffer.clear();
      assertEquals(2f, tensor.getFloatAt(2));
    }
    buffer.release();
  }
}
