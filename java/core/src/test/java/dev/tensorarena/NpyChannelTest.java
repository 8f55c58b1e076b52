package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A channel of a user's file system that keeps the buffers of a {@code .npy} file. */
class NpyChannelTest {
  private static final byte[] HEADER = {};

  /** Takes everything, and remembers the last buffer. */
  private static final class Keeping extends BytesChannel {
    ByteBuffer kept;

    Keeping() {
      super(new byte[0]);
    }

    @Override
    public int write(ByteBuffer bytes) {
      int count = bytes.remaining();
      kept = bytes.duplicate();
      bytes.position(bytes.limit());
      return count;
    }
  }

  @Test
  void whatIsWrittenCannotBeChangedByIt() throws IOException {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(1f, 2f);
      Keeping channel = new Keeping();
      NpyData.write(channel, HEADER, tensor);
      assertEquals(8, channel.kept.capacity());
      assertThrows(ReadOnlyBufferException.class, () -> channel.kept.put(0, (byte) 9));
    }
  }

  @Test
  void aViewOfAHandleIsWrittenAsTheHandleIs() throws IOException {
    try (ExecutionContext ctx = ExecutionContext.open();
        SharedTensor handle = ctx.allocSlice(1f, 2f, 3f).share()) {
      Keeping channel = new Keeping();
      NpyData.write(channel, HEADER, handle.slice(0, 1, 3));
      assertEquals(2f, channel.kept.order(ByteOrder.nativeOrder()).getFloat(0));
    }
  }

  @Test
  void memoryAtAnAddressIsNotReleasedWhileItHasABuffer() throws Exception {
    AtomicInteger times = new AtomicInteger();
    ByteBuffer block = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
    Keeping channel = new Keeping();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ForeignMemory memory =
          ForeignMemory.ofAddress(NativeArena.bufferAddress(block), 8, times::incrementAndGet);
      NpyData.write(channel, HEADER, ctx.wrap(memory, DType.FLOAT32, Shape.of(2)).fill(2f));
    }
    for (int i = 0; i < 5; i++) {
      System.gc();
      Thread.sleep(10);
    }
    assertEquals(0, times.get());
    assertEquals(2f, channel.kept.order(ByteOrder.nativeOrder()).getFloat(4));
    channel.kept = null;
    for (int i = 0; i < 500 && times.get() == 0; i++) {
      System.gc();
      Thread.sleep(10);
    }
    assertEquals(1, times.get(), "and released once nobody can read it");
    Reference.reachabilityFence(block);
  }

  @Test
  void onlyTheJdksOwnChannelsAreTrusted() throws IOException {
    assertTrue(NpyInput.mayKeepBuffers(new Keeping()));
    Path file = Files.createTempFile("channel", ".npy");
    try (FileChannel jdks = FileChannel.open(file)) {
      assertFalse(NpyInput.mayKeepBuffers(jdks));
    } finally {
      Files.delete(file);
    }
  }
}
