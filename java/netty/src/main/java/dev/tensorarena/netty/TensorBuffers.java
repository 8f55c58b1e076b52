package dev.tensorarena.netty;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPin;
import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;

/** Tensors as Netty's buffers, and Netty's buffers as tensors. Nothing is copied. */
public final class TensorBuffers {
  private TensorBuffers() {}

  /**
   * Returns a buffer over the bytes of a tensor, all of them readable. The buffer holds the bytes
   * until it is released, also after the end of the tensor's scope and context, and may be used and
   * released on any thread. It freezes nothing. Netty's leak detector watches it as one of an
   * allocator's.
   *
   * <p>The bytes are the tensor's as they lie, in {@linkplain java.nio.ByteOrder#nativeOrder()
   * native order}, while a buffer's numbers are big-endian: {@code getFloatLE} reads an element on
   * a little-endian machine. {@link ByteBuf#memoryAddress()} is the tensor's address, whether or
   * not Netty has Unsafe. {@link ByteBuf#capacity(int)} hides bytes and shows them again, up to the
   * tensor's size, and moves none.
   *
   * <p>The buffer of a frozen tensor is read-only. That of an unfrozen one stays writable when the
   * tensor is shared later, as a raw view does: who writes to it then changes what others read.
   * Netty itself, where it has Unsafe, writes to read-only buffers by their address in {@code
   * ByteBufUtil.writeUtf8}, in {@code setCharSequence} of a slice, and where one is the destination
   * of another buffer's {@code getBytes}.
   *
   * @param tensor a contiguous tensor of less than 2 GiB
   * @return a direct buffer, which the caller must release
   * @throws IllegalArgumentException if the tensor is a strided view or too large, or wraps memory
   *     that is not {@linkplain Tensor#isPinnable pinnable}
   * @throws IllegalStateException if the tensor is dead or another thread's
   */
  public static ByteBuf wrappedBuffer(Tensor tensor) {
    TensorPin.requirePinnable(tensor);
    if (!tensor.isContiguous()) {
      throw new IllegalArgumentException(
          tensor
              + " is a strided view, whose bytes are no buffer's; take a buffer of"
              + " contiguous(ctx)");
    }
    if (tensor.byteSize() > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          tensor
              + " has "
              + tensor.byteSize()
              + " bytes, and a ByteBuf at most "
              + Integer.MAX_VALUE
              + "; take buffers of its slices");
    }
    TensorByteBuf bytes = TensorByteBuf.over(tensor);
    ByteBuf watched = Watch.leaksOf(bytes);
    try {
      bytes.hold(TensorPin.of(tensor)); // last: what fails before has pinned nothing
    } catch (Throwable e) {
      watched.release();
      throw e;
    }
    return watched;
  }

  /**
   * Makes a tensor over the readable bytes of a buffer, from its reader index to its writer index,
   * neither of which moves. They are taken as they lie: the elements must be in {@linkplain
   * java.nio.ByteOrder#nativeOrder() native order}, whatever the buffer's order. Over a read-only
   * buffer the tensor is frozen.
   *
   * <p>The tensor has a reference to the buffer of its own, which is released when nobody holds the
   * bytes any longer: no scope, share, kept result or pin. The caller's reference stays his. If the
   * buffer is released too often nevertheless, or has its capacity changed, as by writing past its
   * end, its memory may move or be freed: the tensor has ended then, and says so when it is used
   * next; but raw views and addresses of it must not be used any longer.
   *
   * @param ctx a context of the calling thread, to which the tensor belongs
   * @param buffer a direct buffer of one piece
   * @param dtype the type of the elements
   * @param shape the shape
   * @return a tensor of the context's innermost open scope
   * @throws IllegalArgumentException if the buffer is on the heap, a composite or of several
   *     pieces, or if the size of its readable bytes does not match
   * @throws IllegalStateException if the buffer was released, or if the context is closed or
   *     belongs to another thread
   */
  public static Tensor wrap(ExecutionContext ctx, ByteBuf buffer, DType dtype, Shape shape) {
    requireOnePiece(buffer);
    buffer.retain();
    try {
      return ctx.wrap(new BufferMemory(buffer), dtype, shape);
    } catch (Throwable e) {
      buffer.release();
      throw e;
    }
  }

  private static void requireOnePiece(ByteBuf buffer) {
    if (!buffer.isDirect()) {
      throw new IllegalArgumentException(
          buffer + " is not a direct buffer, so that native code cannot have its bytes; copy them");
    }
    // Even of one component: it may be given up while the composite lives on.
    for (ByteBuf part = buffer; part != null; part = part.unwrap()) {
      if (part instanceof CompositeByteBuf) {
        throw new IllegalArgumentException(
            buffer + " is a composite buffer, whose bytes may lie anywhere; wrap copy() of it");
      }
    }
    if (buffer.nioBufferCount() != 1) {
      throw new IllegalArgumentException(
          buffer
              + " consists of "
              + buffer.nioBufferCount()
              + " pieces of memory, and a tensor of one; wrap copy() of it");
    }
  }

  /** Netty gives the watching of leaks to allocators only. */
  private abstract static class Watch extends AbstractByteBufAllocator {
    /** Returns the buffer itself, or one around it where the detector draws it. */
    static ByteBuf leaksOf(ByteBuf buffer) {
      return toLeakAwareBuffer(buffer);
    }
  }
}
