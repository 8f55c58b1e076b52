package dev.tensorarena.interop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Scope;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPin;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.AsynchronousServerSocketChannel;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Channels that go on after the scope that gave them a tensor has ended. */
class AsynchronousChannelsTest {
  private static final int LARGE = 4 << 20;

  @TempDir Path folder;

  private static long pinned() {
    return ChunkPool.stats().pinnedChunks();
  }

  private AsynchronousFileChannel create(Path path) throws IOException {
    return AsynchronousFileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
  }

  /** Two ends of a connection. */
  private record Connection(AsynchronousSocketChannel ours, AsynchronousSocketChannel theirs)
      implements AutoCloseable {
    static Connection open() throws Exception {
      try (AsynchronousServerSocketChannel server = AsynchronousServerSocketChannel.open()) {
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        Future<AsynchronousSocketChannel> accepted = server.accept();
        AsynchronousSocketChannel ours = AsynchronousSocketChannel.open();
        ours.connect(server.getLocalAddress()).get();
        return new Connection(ours, accepted.get());
      }
    }

    @Override
    public void close() throws IOException {
      ours.close();
      theirs.close();
    }
  }

  private static Throwable failure(CompletableFuture<Void> done) {
    return assertThrows(ExecutionException.class, done::get).getCause();
  }

  @Test
  void aFileHasTheBytesOfATensorWhoseScopeEndedAndWhosePlaceIsAnothers() throws Exception {
    Path path = folder.resolve("rows");
    try (AsynchronousFileChannel file = create(path);
        ExecutionContext ctx = ExecutionContext.open()) {
      Scope scope = ctx.scope();
      Tensor x = ctx.empty(DType.INT8, LARGE).fill(3);
      long address = x.address();
      CompletableFuture<Void> done = JdkExamplesTest.write(x, file, 8);
      scope.close();
      Tensor next = ctx.empty(DType.INT8, LARGE).fill(9);
      if (!done.isDone()) {
        assertNotEquals(address, next.address());
      }
      done.get();
    }
    byte[] written = Files.readAllBytes(path);
    assertEquals(8 + LARGE, written.length);
    for (int i = 8; i < written.length; i++) {
      assertEquals(3, written[i]);
    }
    assertEquals(0, pinned());
  }

  /** The handler runs on a thread of the channel's, and is where the pin is closed. */
  @Test
  void theBytesAreHeldUntilTheHandlerRuns() throws Exception {
    CountDownLatch mayGoOn = new CountDownLatch(1);
    CompletableFuture<Thread> closedOn = new CompletableFuture<>();
    try (Connection connection = Connection.open()) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor x = ctx.allocSlice(3f, 1f, 2f);
        connection
            .ours()
            .write(
                x.asByteBuffer(),
                TensorPin.of(x),
                new CompletionHandler<Integer, TensorPin>() {
                  @Override
                  public void completed(Integer count, TensorPin pin) {
                    CompletableFuture.runAsync(
                        () -> {
                          try {
                            mayGoOn.await();
                          } catch (InterruptedException e) {
                            throw new AssertionError(e);
                          }
                          pin.close();
                          closedOn.complete(Thread.currentThread());
                        });
                  }

                  @Override
                  public void failed(Throwable failure, TensorPin pin) {
                    closedOn.completeExceptionally(failure);
                  }
                });
      }
      assertEquals(1, pinned());
      mayGoOn.countDown();
      assertNotEquals(Thread.currentThread(), closedOn.get());
      assertEquals(0, pinned());
    }
  }

  @Test
  void aFileIsReadIntoATensorWhereItLies() throws Exception {
    Path path = folder.resolve("rows");
    Files.write(path, new byte[] {1, 2, 3, 4});
    try (AsynchronousFileChannel file = AsynchronousFileChannel.open(path);
        ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.zeros(DType.INT8, 6);
      CompletableFuture<Integer> done = new CompletableFuture<>();
      file.read(
          x.asByteBuffer(),
          0,
          TensorPin.of(x),
          new CompletionHandler<Integer, TensorPin>() {
            @Override
            public void completed(Integer count, TensorPin pin) {
              pin.close();
              done.complete(count);
            }

            @Override
            public void failed(Throwable failure, TensorPin pin) {
              pin.close();
              done.completeExceptionally(failure);
            }
          });
      assertEquals(4, done.get(), "no more than there is: its reader asks for the rest");
      assertArrayEquals(new byte[] {1, 2, 3, 4, 0, 0}, x.toByteArray());
    }
  }

  @Test
  void aLargeTensorArrivesThroughASocketInPieces() throws Exception {
    try (Connection connection = Connection.open();
        ExecutionContext ctx = ExecutionContext.open()) {
      Tensor sent = ctx.empty(DType.INT32, LARGE / 4);
      for (int i = 0; i < LARGE / 4; i++) {
        sent.setIntAt(i, i);
      }
      Tensor received = ctx.zeros(DType.INT32, LARGE / 4);
      CompletableFuture<Void> done = JdkExamplesTest.fill(received, connection.ours());
      ByteBuffer bytes = sent.asByteBuffer();
      while (bytes.hasRemaining()) {
        connection.theirs().write(bytes).get();
      }
      done.get();
      assertTrue(sent.contentEquals(received));
    }
  }

  @Test
  void aSocketThatEndsTooEarlySaysHowMuchIsMissing() throws Exception {
    try (Connection connection = Connection.open();
        ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.zeros(DType.INT8, 10);
      CompletableFuture<Void> done = JdkExamplesTest.fill(x, connection.ours());
      connection.theirs().write(ByteBuffer.wrap(new byte[] {1, 2, 3})).get();
      connection.theirs().close();
      Throwable failure = failure(done);
      assertInstanceOf(EOFException.class, failure);
      assertEquals("7 bytes are missing", failure.getMessage());
      assertEquals(3, x.getByteAt(2));
    }
  }

  @Test
  void aReadThatIsUnderWayKeepsTheBytesOfAnEndedContextUntilTheChannelIsClosed() throws Exception {
    CompletableFuture<Void> done;
    try (Connection connection = Connection.open()) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        done = JdkExamplesTest.fill(ctx.zeros(DType.INT8, 10), connection.ours());
      }
      assertEquals(1, pinned());
    }
    assertInstanceOf(ClosedChannelException.class, failure(done));
    assertEquals(0, pinned());
  }

  @Test
  void whatIsRefusedIsNotHeld() throws Exception {
    Path path = folder.resolve("rows");
    Files.write(path, new byte[4]);
    try (AsynchronousFileChannel readOnly = AsynchronousFileChannel.open(path);
        Connection connection = Connection.open();
        ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.allocSlice(3f);
      assertThrows(NonWritableChannelException.class, () -> JdkExamplesTest.write(x, readOnly, 0));
      assertThrows(IllegalArgumentException.class, () -> JdkExamplesTest.write(x, readOnly, -1));
      try (SharedTensor frozen = x.share()) {
        assertThrows(
            IllegalArgumentException.class,
            () -> JdkExamplesTest.fill(frozen, connection.ours()),
            "a frozen tensor's view is read-only");
      }
    }
  }

  @Test
  void aChannelThatIsClosedAlreadyFailsAndNothingIsHeld() throws Exception {
    AsynchronousFileChannel file = create(folder.resolve("rows"));
    file.close();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      CompletableFuture<Void> done = JdkExamplesTest.write(ctx.allocSlice(3f), file, 0);
      assertInstanceOf(ClosedChannelException.class, failure(done));
    }
  }

  @Test
  void aFrozenTensorIsWritten() throws Exception {
    Path path = folder.resolve("rows");
    CompletableFuture<Void> done;
    try (AsynchronousFileChannel file = create(path)) {
      try (ExecutionContext ctx = ExecutionContext.open();
          SharedTensor shared = ctx.allocSlice((byte) 1, (byte) 2).share()) {
        done = JdkExamplesTest.write(shared, file, 0);
      }
      done.get();
    }
    assertArrayEquals(new byte[] {1, 2}, Files.readAllBytes(path));
  }
}
