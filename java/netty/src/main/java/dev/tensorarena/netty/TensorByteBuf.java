package dev.tensorarena.netty;

import dev.tensorarena.Tensor;
import dev.tensorarena.TensorMemory;
import dev.tensorarena.TensorPin;
import io.netty.buffer.AbstractReferenceCountedByteBuf;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.GatheringByteChannel;
import java.nio.channels.ScatteringByteChannel;

/**
 * A buffer over the bytes of a tensor, which a {@link TensorPin} holds until the last reference is
 * released. Unlike Netty's own direct buffers it has an address also where Netty has no Unsafe, and
 * never allocates: a change of its capacity only hides bytes.
 *
 * <p>All access goes by absolute methods of one {@link ByteBuffer}, which checks once more what
 * Netty has checked, or was told not to check. Nothing is kept between calls but indices and
 * capacity, so that threads may read at the same time.
 */
class TensorByteBuf extends AbstractReferenceCountedByteBuf {
  /** What streams are read and written by. */
  private static final int BLOCK = 8192;

  /** All bytes of the tensor, big-endian, as Netty's numbers are. */
  private final ByteBuffer bytes;

  private final long address;
  private int capacity;

  /** Null until all that can fail is done. */
  private TensorPin pin;

  TensorByteBuf(ByteBuffer view, long address, int maxCapacity) {
    super(maxCapacity);
    this.bytes = view.order(ByteOrder.BIG_ENDIAN);
    this.address = address;
    this.capacity = view.capacity();
    writerIndex(capacity);
  }

  /** Makes a buffer that holds nothing yet. */
  static TensorByteBuf over(Tensor tensor) {
    TensorMemory memory = tensor.memory();
    ByteBuffer view = tensor.asByteBuffer();
    return view.isReadOnly()
        ? new FrozenByteBuf(view, memory.address())
        : new TensorByteBuf(view, memory.address(), view.capacity());
  }

  /** Takes over what holds the bytes. */
  final void hold(TensorPin pin) {
    this.pin = pin;
  }

  @Override
  public final boolean release() {
    return release(1);
  }

  /** Tries the stack first: once the count is zero nobody could let go of the bytes again. */
  @Override
  public final boolean release(int decrement) {
    if (pin != null) {
      pin.requireRoomToClose();
    }
    return super.release(decrement);
  }

  @Override
  protected final void deallocate() {
    if (pin != null) {
      pin.close();
    }
  }

  // ---- what it is

  @Override
  public final int capacity() {
    return capacity;
  }

  @Override
  public ByteBuf capacity(int newCapacity) {
    checkNewCapacity(newCapacity);
    if (newCapacity < capacity) {
      setIndex(Math.min(readerIndex(), newCapacity), Math.min(writerIndex(), newCapacity));
    }
    capacity = newCapacity;
    return this;
  }

  @Override
  public final ByteBufAllocator alloc() {
    return UnpooledByteBufAllocator.DEFAULT;
  }

  @Override
  @SuppressWarnings("deprecation") // to call
  public final ByteOrder order() {
    return ByteOrder.BIG_ENDIAN;
  }

  @Override
  public final ByteBuf unwrap() {
    return null;
  }

  @Override
  public final boolean isDirect() {
    return true;
  }

  @Override
  public final boolean isContiguous() {
    return true;
  }

  @Override
  public final boolean hasMemoryAddress() {
    return true;
  }

  @Override
  public final long memoryAddress() {
    ensureAccessible();
    return address;
  }

  @Override
  public final boolean hasArray() {
    return false;
  }

  @Override
  public final byte[] array() {
    throw new UnsupportedOperationException("a buffer over a tensor has no array: " + this);
  }

  @Override
  public final int arrayOffset() {
    throw new UnsupportedOperationException("a buffer over a tensor has no array: " + this);
  }

  // ---- its bytes as buffers of the JDK's

  @Override
  public final int nioBufferCount() {
    return 1;
  }

  @Override
  public final ByteBuffer nioBuffer(int index, int length) {
    checkIndex(index, length);
    return bytes.slice(index, length);
  }

  /** Returns a new one each time, so that what one user does with it is nothing to another. */
  @Override
  public final ByteBuffer internalNioBuffer(int index, int length) {
    return nioBuffer(index, length);
  }

  @Override
  public final ByteBuffer[] nioBuffers(int index, int length) {
    return new ByteBuffer[] {nioBuffer(index, length)};
  }

  @Override
  public final ByteBuf copy(int index, int length) {
    checkIndex(index, length);
    return alloc().directBuffer(length, maxCapacity()).writeBytes(bytes.slice(index, length));
  }

  // ---- numbers, at indices that the caller has checked

  @Override
  protected final byte _getByte(int index) {
    return bytes.get(index);
  }

  @Override
  protected final short _getShort(int index) {
    return bytes.getShort(index);
  }

  @Override
  protected final short _getShortLE(int index) {
    return Short.reverseBytes(bytes.getShort(index));
  }

  @Override
  protected final int _getUnsignedMedium(int index) {
    return (bytes.getShort(index) & 0xffff) << 8 | bytes.get(index + 2) & 0xff;
  }

  @Override
  protected final int _getUnsignedMediumLE(int index) {
    return Integer.reverseBytes(_getUnsignedMedium(index)) >>> 8;
  }

  @Override
  protected final int _getInt(int index) {
    return bytes.getInt(index);
  }

  @Override
  protected final int _getIntLE(int index) {
    return Integer.reverseBytes(bytes.getInt(index));
  }

  @Override
  protected final long _getLong(int index) {
    return bytes.getLong(index);
  }

  @Override
  protected final long _getLongLE(int index) {
    return Long.reverseBytes(bytes.getLong(index));
  }

  @Override
  protected final void _setByte(int index, int value) {
    bytes.put(index, (byte) value);
  }

  @Override
  protected final void _setShort(int index, int value) {
    bytes.putShort(index, (short) value);
  }

  @Override
  protected final void _setShortLE(int index, int value) {
    bytes.putShort(index, Short.reverseBytes((short) value));
  }

  @Override
  protected final void _setMedium(int index, int value) {
    bytes.putShort(index, (short) (value >> 8));
    bytes.put(index + 2, (byte) value);
  }

  @Override
  protected final void _setMediumLE(int index, int value) {
    _setMedium(index, Integer.reverseBytes(value) >>> 8);
  }

  @Override
  protected final void _setInt(int index, int value) {
    bytes.putInt(index, value);
  }

  @Override
  protected final void _setIntLE(int index, int value) {
    bytes.putInt(index, Integer.reverseBytes(value));
  }

  @Override
  protected final void _setLong(int index, long value) {
    bytes.putLong(index, value);
  }

  @Override
  protected final void _setLongLE(int index, long value) {
    bytes.putLong(index, Long.reverseBytes(value));
  }

  // ---- many bytes out

  @Override
  public final ByteBuf getBytes(int index, byte[] target, int targetIndex, int length) {
    checkDstIndex(index, length, targetIndex, target.length);
    bytes.get(index, target, targetIndex, length);
    return this;
  }

  @Override
  public final ByteBuf getBytes(int index, ByteBuffer target) {
    checkIndex(index, target.remaining());
    target.put(bytes.slice(index, target.remaining()));
    return this;
  }

  @Override
  public final ByteBuf getBytes(int index, ByteBuf target, int targetIndex, int length) {
    checkDstIndex(index, length, targetIndex, target.capacity());
    target.setBytes(targetIndex, bytes.slice(index, length));
    return this;
  }

  @Override
  public final ByteBuf getBytes(int index, OutputStream out, int length) throws IOException {
    checkIndex(index, length);
    byte[] block = new byte[Math.min(length, BLOCK)];
    for (int done = 0; done < length; done += block.length) {
      int count = Math.min(length - done, block.length);
      bytes.get(index + done, block, 0, count);
      out.write(block, 0, count);
    }
    return this;
  }

  @Override
  public final int getBytes(int index, GatheringByteChannel out, int length) throws IOException {
    return out.write(nioBuffer(index, length));
  }

  @Override
  public final int getBytes(int index, FileChannel out, long position, int length)
      throws IOException {
    return out.write(nioBuffer(index, length), position);
  }

  // ---- many bytes in

  @Override
  public final ByteBuf setBytes(int index, byte[] source, int sourceIndex, int length) {
    checkSrcIndex(index, length, sourceIndex, source.length);
    bytes.put(index, source, sourceIndex, length);
    return this;
  }

  @Override
  public final ByteBuf setBytes(int index, ByteBuffer source) {
    checkIndex(index, source.remaining());
    bytes.slice(index, source.remaining()).put(source);
    return this;
  }

  @Override
  public final ByteBuf setBytes(int index, ByteBuf source, int sourceIndex, int length) {
    checkSrcIndex(index, length, sourceIndex, source.capacity());
    source.getBytes(sourceIndex, bytes.slice(index, length));
    return this;
  }

  /** Waits for the first bytes only, as streams that read ahead do. */
  @Override
  public int setBytes(int index, InputStream in, int length) throws IOException {
    checkIndex(index, length);
    byte[] block = new byte[Math.min(length, BLOCK)];
    int done = 0;
    while (true) {
      int count = in.read(block, 0, Math.min(length - done, block.length));
      if (count < 0) {
        return done == 0 ? count : done;
      }
      bytes.put(index + done, block, 0, count);
      done += count;
      if (done == length || count < block.length || in.available() <= 0) {
        return done;
      }
    }
  }

  @Override
  public int setBytes(int index, ScatteringByteChannel in, int length) throws IOException {
    ByteBuffer target = nioBuffer(index, length);
    try {
      return in.read(target);
    } catch (ClosedChannelException e) {
      return -1; // as Netty's own buffers say
    }
  }

  @Override
  public int setBytes(int index, FileChannel in, long position, int length) throws IOException {
    ByteBuffer target = nioBuffer(index, length);
    try {
      return in.read(target, position);
    } catch (ClosedChannelException e) {
      return -1; // as Netty's own buffers say
    }
  }
}
