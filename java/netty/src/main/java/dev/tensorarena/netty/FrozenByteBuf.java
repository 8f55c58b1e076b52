package dev.tensorarena.netty;

import io.netty.buffer.ByteBuf;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.FileChannel;
import java.nio.channels.ScatteringByteChannel;
import java.nio.charset.Charset;

/**
 * The buffer of a frozen tensor, where all that writes throws {@link ReadOnlyBufferException}. The
 * read-only {@link ByteBuffer} refuses most; here is what would come later, or by the address.
 */
final class FrozenByteBuf extends TensorByteBuf {
  /** Without a largest capacity, so that a write past the end wants another one, and is refused. */
  FrozenByteBuf(ByteBuffer readOnly, long address) {
    super(readOnly, address, Integer.MAX_VALUE);
  }

  @Override
  public boolean isReadOnly() {
    return true;
  }

  @Override
  public boolean isWritable() {
    return false;
  }

  @Override
  public boolean isWritable(int bytes) {
    return false;
  }

  @Override
  public ByteBuf ensureWritable(int bytes) {
    throw new ReadOnlyBufferException();
  }

  /** Says by 1 that there is no room, and that there will be none. */
  @Override
  public int ensureWritable(int bytes, boolean force) {
    return 1;
  }

  @Override
  public ByteBuf capacity(int newCapacity) {
    throw new ReadOnlyBufferException();
  }

  @Override
  public int setBytes(int index, InputStream in, int length) {
    throw new ReadOnlyBufferException();
  }

  @Override
  public int setBytes(int index, ScatteringByteChannel in, int length) {
    throw new ReadOnlyBufferException();
  }

  @Override
  public int setBytes(int index, FileChannel in, long position, int length) {
    throw new ReadOnlyBufferException();
  }

  @Override
  public int setCharSequence(int index, CharSequence text, Charset charset) {
    throw new ReadOnlyBufferException();
  }

  @Override
  public int writeCharSequence(CharSequence text, Charset charset) {
    throw new ReadOnlyBufferException();
  }
}
