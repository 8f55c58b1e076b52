package dev.tensorarena.netty;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorParts;
import io.netty.buffer.ByteBuf;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Frozen tensors as Netty's buffers, which are read-only. */
class FrozenBufferTest {
  @Test
  void theBufferOfAFrozenTensorIsReadOnly() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(3f, 1f, 2f);
      try (SharedTensor shared = tensor.share()) {
        ByteBuf buffer = TensorBuffers.wrappedBuffer(shared);
        assertTrue(buffer.isReadOnly());
        assertTrue(buffer.hasMemoryAddress());
        assertEquals(shared.address(), buffer.memoryAddress());
        assertEquals(2f, buffer.nioBuffer().order(ByteOrder.nativeOrder()).getFloat(8));
        assertFalse(buffer.isWritable());
        assertFalse(buffer.clear().isWritable());
        assertFalse(buffer.isWritable(1));
        assertEquals(1, buffer.ensureWritable(1, true));
        assertTrue(buffer.nioBuffer(0, 4).isReadOnly());
        assertTrue(buffer.internalNioBuffer(0, 4).isReadOnly());
        assertTrue(buffer.asReadOnly().isReadOnly());
        for (Executable write : writes(buffer)) {
          assertThrows(ReadOnlyBufferException.class, write);
        }
        assertArrayEquals(new float[] {3, 1, 2}, shared.toFloatArray());
        buffer.release();
      }
    }
  }

  @Test
  void aReadOnlyBufferTakesNothingOfAStreamOrAChannelFirst(@TempDir Path folder) throws Exception {
    Path file = Files.write(folder.resolve("file"), new byte[] {1, 2, 3, 4});
    try (ExecutionContext ctx = ExecutionContext.open();
        FileChannel channel = FileChannel.open(file)) {
      Tensor tensor = ctx.zeros(DType.INT8, 4);
      tensor.share().close();
      ByteBuf buffer = TensorBuffers.wrappedBuffer(tensor);
      InputStream stream = new ByteArrayInputStream(new byte[4]);
      assertThrows(ReadOnlyBufferException.class, () -> buffer.setBytes(0, stream, 4));
      assertThrows(ReadOnlyBufferException.class, () -> buffer.clear().writeBytes(stream, 4));
      assertThrows(ReadOnlyBufferException.class, () -> buffer.setBytes(0, channel, 4));
      assertThrows(ReadOnlyBufferException.class, () -> buffer.setBytes(0, channel, 0L, 4));
      assertEquals(4, stream.available());
      assertEquals(0, channel.position());
      buffer.release();
    }
  }

  /** With room before the writer index, and with none. */
  private static Executable[] writes(ByteBuf buffer) {
    return new Executable[] {
      () -> buffer.clear().writeByte(1),
      () -> buffer.writerIndex(12).writeByte(1),
      () -> buffer.writerIndex(12).writeLong(1),
      () -> buffer.writerIndex(12).writeBytes(new byte[3]),
      () -> buffer.setByte(0, 1),
      () -> buffer.slice(4, 4).setByte(0, 1),
      () -> buffer.duplicate().setByte(0, 1),
      () -> buffer.setBytes(0, new byte[0]),
      () -> buffer.setCharSequence(0, "ab", StandardCharsets.UTF_8),
      () -> buffer.clear().writeCharSequence("ab", StandardCharsets.UTF_8),
      () -> buffer.setIndex(4, 8).discardReadBytes(),
      () -> buffer.ensureWritable(1),
      () -> buffer.capacity(4),
    };
  }

  @Test
  void aTensorThatIsFrozenForAWhileGivesAReadOnlyBuffer() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.zeros(DType.INT8, 4);
      ByteBuf frozen;
      try (TensorParts parts = tensor.split(0, 2)) {
        assertEquals(2, parts.count());
        frozen = TensorBuffers.wrappedBuffer(tensor);
      }
      assertThrows(ReadOnlyBufferException.class, () -> frozen.setByte(0, 1));
      ByteBuf writable = TensorBuffers.wrappedBuffer(tensor).setByte(0, 1);
      assertEquals(1, frozen.getByte(0));
      frozen.release();
      writable.release();
    }
  }
}
