package dev.tensorarena.netty;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tensors on their way through a real socket, on this machine. */
class GatheringWriteTest {
  /** More than the socket's buffers take. */
  private static final int ELEMENTS = 4 << 20;

  private EventLoopGroup loops;
  private ServerSocket server;
  private Channel channel;
  private Socket reader;
  private final CompletableFuture<ByteBuf> arrived = new CompletableFuture<>();

  @BeforeEach
  @SuppressWarnings("deprecation") // what is to be used instead is not in all versions
  void connect() throws Exception {
    loops = new NioEventLoopGroup(1);
    server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    Bootstrap bootstrap =
        new Bootstrap()
            .group(loops)
            .channel(NioSocketChannel.class)
            .handler(
                new ChannelInboundHandlerAdapter() {
                  @Override
                  public void channelRead(ChannelHandlerContext ctx, Object message) {
                    arrived.complete((ByteBuf) message);
                  }
                });
    channel = bootstrap.connect(server.getLocalSocketAddress()).sync().channel();
    reader = server.accept();
  }

  @AfterEach
  void disconnect() throws Exception {
    channel.close().sync();
    reader.close();
    server.close();
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
  }

  @Test
  void twoTensorsGoOutInOneGatheringWriteWhichTheirContextDoesNotOutlive() throws Exception {
    long pinned = ChunkPool.stats().pinnedChunks();
    ChannelFuture first;
    ChannelFuture second;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor written = ctx.empty(DType.FLOAT32, ELEMENTS).fill(1.5f);
      Tensor frozen = ctx.empty(DType.FLOAT32, ELEMENTS).fill(2.5f);
      frozen.share().close();
      first = channel.write(TensorBuffers.wrappedBuffer(written));
      second = channel.write(TensorBuffers.wrappedBuffer(frozen));
      assertEquals(2, channel.eventLoop().submit(this::buffersOfOneWrite).get());
      channel.flush();
      assertFalse(second.isDone());
    }
    assertFalse(first.isDone() && second.isDone(), "nobody has read yet");
    try (ExecutionContext other = ExecutionContext.open()) {
      for (int i = 0; i < 4; i++) { // into their memory, if it were free
        other.empty(DType.FLOAT32, ELEMENTS).fill(-1f);
      }
      assertRead(1.5f);
      assertRead(2.5f);
    }
    first.sync();
    second.sync();
    assertEquals(pinned, ChunkPool.stats().pinnedChunks());
  }

  /** Returns how many buffers of the JDK Netty gives to the socket at once; on its thread. */
  private int buffersOfOneWrite() {
    ChannelOutboundBuffer waiting = channel.unsafe().outboundBuffer();
    waiting.addFlush();
    waiting.nioBuffers();
    return waiting.nioBufferCount();
  }

  private void assertRead(float value) throws IOException {
    byte[] bytes = new byte[1 << 16];
    byte[] expected = new byte[1 << 16];
    ByteBuffer floats = ByteBuffer.wrap(expected).order(ByteOrder.nativeOrder());
    while (floats.hasRemaining()) {
      floats.putFloat(value);
    }
    for (long done = 0; done < 4L * ELEMENTS; done += bytes.length) {
      assertEquals(bytes.length, reader.getInputStream().readNBytes(bytes, 0, bytes.length));
      assertArrayEquals(expected, bytes);
    }
  }

  @Test
  void whatArrivesIsATensorOnAnotherThreadThanNettys() throws Exception {
    byte[] sent = {1, 2, 3, 4};
    reader.getOutputStream().write(sent);
    ByteBuf received = arrived.get();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = TensorBuffers.wrap(ctx, received, DType.INT8, Shape.of(4));
      received.release();
      assertArrayEquals(sent, tensor.toByteArray());
      assertEquals(1, received.refCnt());
    }
    assertEquals(0, received.refCnt());
  }
}
