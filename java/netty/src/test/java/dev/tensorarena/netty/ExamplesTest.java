package dev.tensorarena.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.embedded.EmbeddedChannel;
import org.junit.jupiter.api.Test;

/** What the README and the package's description show: the core compares them. */
class ExamplesTest {
  @Test
  void aTensorGoesOutAndComesIn() {
    EmbeddedChannel channel = new EmbeddedChannel();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      // example
      Tensor x = ctx.allocSlice(3f, 1f, 2f);
      ChannelFuture written = channel.writeAndFlush(TensorBuffers.wrappedBuffer(x)); // no copy
      // end of example
      assertTrue(written.isSuccess());
      ByteBuf received = channel.readOutbound();
      // example
      Tensor y = TensorBuffers.wrap(ctx, received, DType.FLOAT32, Shape.of(3)); // no copy
      received.release(); // y has a reference of its own, until its scope ends
      // end of example
      assertEquals(x.address(), y.address());
      assertEquals(2f, y.getFloatAt(2));
    }
    channel.finish();
  }
}
