/**
 * Tensors as buffers of Netty, and Netty's buffers as tensors, without a copy.
 *
 * <h2>Start here</h2>
 *
 * <p>In an open context {@code ctx}, on any thread, with a {@code channel}:
 *
 * <pre>{@code
 * Tensor x = ctx.allocSlice(3f, 1f, 2f);
 * ChannelFuture written = channel.writeAndFlush(TensorBuffers.wrappedBuffer(x)); // no copy
 * }</pre>
 *
 * <p>Netty releases the buffer once it is written, on its own thread; until then it keeps the
 * bytes, also after the end of the context. And where a buffer {@code received} has arrived:
 *
 * <pre>{@code
 * Tensor y = TensorBuffers.wrap(ctx, received, DType.FLOAT32, Shape.of(3)); // no copy
 * received.release(); // y has a reference of its own, until its scope ends
 * }</pre>
 *
 * <p>Netty's numbers are big-endian, a tensor's in the order of the machine. So over a tensor read
 * {@code getFloatLE} on the usual machines, and let the sender of {@code received} write such.
 */
package dev.tensorarena.netty;
