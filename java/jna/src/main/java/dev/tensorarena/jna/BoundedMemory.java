package dev.tensorarena.jna;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLong;
import com.sun.jna.Pointer;
import com.sun.jna.WString;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;

/**
 * Bytes of an arena as JNA's {@link Memory}: every access asks first whether they may be used, then
 * whether it stays inside of them. {@code Memory} does the second for most methods; those that it
 * forgets, {@code setMemory}, {@code indexOf}, {@code clear} and strings without an end among them,
 * are here, and a test goes through all that JNA has.
 */
abstract class BoundedMemory extends Memory {
  private final long address;

  /** No memory: every access is refused. */
  BoundedMemory() {
    address = 0;
  }

  BoundedMemory(long address, long bytes) {
    this.address = address;
    this.peer = address;
    this.size = bytes;
  }

  /** Throws unless the bytes may be read now, on this thread. */
  abstract void requireReadable();

  /** Throws unless the bytes may be written now, on this thread. */
  abstract void requireWritable();

  /** Returns some of the bytes, with the same conditions; the range has been checked. */
  abstract BoundedMemory part(long at, long bytes);

  final long address() {
    return address;
  }

  @Override
  protected final void boundsCheck(long offset, long bytes) {
    requireReadable();
    if (peer != address) { // Pointer.nativeValue(pointer, value) sets it
      throw new IllegalStateException(
          this + " was given the other address 0x" + Long.toHexString(peer));
    }
    if (offset < 0 || bytes < 0 || bytes > size - offset) {
      throw new IndexOutOfBoundsException(
          bytes + " bytes at offset " + offset + " of a " + this + " of " + size + " bytes");
    }
  }

  private void writeCheck(long offset, long bytes) {
    boundsCheck(offset, bytes);
    requireWritable();
  }

  /** Does nothing: the memory is an arena's. */
  @Override
  public final void close() {}

  // ---- parts and views

  @Override
  public final Pointer share(long offset) {
    return share(offset, size - offset);
  }

  @Override
  public final Pointer share(long offset, long bytes) {
    boundsCheck(offset, bytes);
    return part(offset, bytes);
  }

  @Override
  public final Memory align(int boundary) {
    boundsCheck(0, 0);
    return super.align(boundary);
  }

  @Override
  public final ByteBuffer getByteBuffer(long offset, long length) {
    boundsCheck(offset, length);
    return view(offset, length);
  }

  /** A raw view, read-only if the bytes may not be written; the range has been checked. */
  abstract ByteBuffer view(long offset, long length);

  final ByteBuffer rawView(long offset, long length) {
    return super.getByteBuffer(offset, length);
  }

  @Override
  public final String dump(long offset, int length) {
    boundsCheck(offset, length);
    return super.dump(offset, length);
  }

  @Override
  public final String dump() {
    boundsCheck(0, 0);
    return dump(0, Math.toIntExact(size));
  }

  // ---- what has no length of its own

  @Override
  public final long indexOf(long offset, byte value) {
    boundsCheck(offset, 0);
    for (long i = offset; i < size; i++) {
      if (getByte(i) == value) {
        return i - offset;
      }
    }
    return -1;
  }

  @Override
  public final String getString(long offset) {
    return getString(offset, Native.getDefaultStringEncoding());
  }

  @Override
  public final String getString(long offset, String encoding) {
    long length = indexOf(offset, (byte) 0);
    requireEnd(length, offset);
    byte[] bytes = new byte[Math.toIntExact(length)];
    read(offset, bytes, 0, bytes.length);
    return new String(bytes, Charset.forName(encoding));
  }

  @Override
  public final String getWideString(long offset) {
    boundsCheck(offset, 0);
    int step = Native.WCHAR_SIZE;
    for (long i = offset; i <= size - step; i += step) {
      if (getChar(i) == 0) {
        return super.getWideString(offset); // it ends in here
      }
    }
    requireEnd(-1, offset);
    return null;
  }

  private void requireEnd(long length, long offset) {
    if (length < 0) {
      throw new IndexOutOfBoundsException(
          "no end of a string at or behind offset " + offset + " of a " + this);
    }
  }

  @Override
  public final String[] getStringArray(long offset) {
    throw noPointers();
  }

  @Override
  public final String[] getStringArray(long offset, int length) {
    throw noPointers();
  }

  @Override
  public final String[] getStringArray(long offset, String encoding) {
    throw noPointers();
  }

  @Override
  public final String[] getStringArray(long offset, int length, String encoding) {
    throw noPointers();
  }

  @Override
  public final String[] getWideStringArray(long offset) {
    throw noPointers();
  }

  @Override
  public final String[] getWideStringArray(long offset, int length) {
    throw noPointers();
  }

  private UnsupportedOperationException noPointers() {
    requireReadable();
    return new UnsupportedOperationException(
        this + " is data: its bytes are no addresses of strings that could be followed");
  }

  // ---- arrays: JNA would make them before it looks whether there is so much

  @Override
  public final byte[] getByteArray(long offset, int length) {
    boundsCheck(offset, (long) length * 1);
    return super.getByteArray(offset, length);
  }

  @Override
  public final char[] getCharArray(long offset, int length) {
    boundsCheck(offset, (long) length * Native.WCHAR_SIZE);
    return super.getCharArray(offset, length);
  }

  @Override
  public final short[] getShortArray(long offset, int length) {
    boundsCheck(offset, (long) length * Short.BYTES);
    return super.getShortArray(offset, length);
  }

  @Override
  public final int[] getIntArray(long offset, int length) {
    boundsCheck(offset, (long) length * Integer.BYTES);
    return super.getIntArray(offset, length);
  }

  @Override
  public final long[] getLongArray(long offset, int length) {
    boundsCheck(offset, (long) length * Long.BYTES);
    return super.getLongArray(offset, length);
  }

  @Override
  public final float[] getFloatArray(long offset, int length) {
    boundsCheck(offset, (long) length * Float.BYTES);
    return super.getFloatArray(offset, length);
  }

  @Override
  public final double[] getDoubleArray(long offset, int length) {
    boundsCheck(offset, (long) length * Double.BYTES);
    return super.getDoubleArray(offset, length);
  }

  @Override
  public final Pointer[] getPointerArray(long offset, int length) {
    boundsCheck(offset, (long) length * Native.POINTER_SIZE);
    return super.getPointerArray(offset, length);
  }

  @Override
  public final void write(long offset, byte[] from, int index, int length) {
    requireWritable();
    super.write(offset, from, index, length);
  }

  @Override
  public final void write(long offset, short[] from, int index, int length) {
    requireWritable();
    super.write(offset, from, index, length);
  }

  @Override
  public final void write(long offset, char[] from, int index, int length) {
    requireWritable();
    super.write(offset, from, index, length);
  }

  @Override
  public final void write(long offset, int[] from, int index, int length) {
    requireWritable();
    super.write(offset, from, index, length);
  }

  @Override
  public final void write(long offset, long[] from, int index, int length) {
    requireWritable();
    super.write(offset, from, index, length);
  }

  @Override
  public final void write(long offset, float[] from, int index, int length) {
    requireWritable();
    super.write(offset, from, index, length);
  }

  @Override
  public final void write(long offset, double[] from, int index, int length) {
    requireWritable();
    super.write(offset, from, index, length);
  }

  @Override
  public final void write(long offset, Pointer[] from, int index, int length) {
    requireWritable();
    super.write(offset, from, index, length);
  }

  // ---- one value

  @Override
  public final void setByte(long offset, byte value) {
    requireWritable();
    super.setByte(offset, value);
  }

  @Override
  public final void setChar(long offset, char value) {
    requireWritable();
    super.setChar(offset, value);
  }

  @Override
  public final void setShort(long offset, short value) {
    requireWritable();
    super.setShort(offset, value);
  }

  @Override
  public final void setInt(long offset, int value) {
    requireWritable();
    super.setInt(offset, value);
  }

  @Override
  public final void setLong(long offset, long value) {
    requireWritable();
    super.setLong(offset, value);
  }

  @Override
  public final void setNativeLong(long offset, NativeLong value) {
    requireWritable();
    super.setNativeLong(offset, value);
  }

  @Override
  public final void setFloat(long offset, float value) {
    requireWritable();
    super.setFloat(offset, value);
  }

  @Override
  public final void setDouble(long offset, double value) {
    requireWritable();
    super.setDouble(offset, value);
  }

  @Override
  public final void setPointer(long offset, Pointer value) {
    requireWritable();
    super.setPointer(offset, value);
  }

  // ---- many bytes at once

  @Override
  public final void setMemory(long offset, long length, byte value) {
    writeCheck(offset, length);
    super.setMemory(offset, length, value);
  }

  @Override
  public final void clear(long bytes) {
    setMemory(0, bytes, (byte) 0);
  }

  @Override
  public final void clear() {
    clear(size);
  }

  @Override
  public final void setString(long offset, String value, String encoding) {
    byte[] bytes = value.getBytes(Charset.forName(encoding));
    writeCheck(offset, bytes.length + 1L);
    write(offset, bytes, 0, bytes.length);
    setByte(offset + bytes.length, (byte) 0);
  }

  @Override
  public final void setString(long offset, String value) {
    setString(offset, value, Native.getDefaultStringEncoding());
  }

  @Override
  public final void setString(long offset, WString value) {
    setWideString(offset, value.toString());
  }

  @Override
  public final void setWideString(long offset, String value) {
    writeCheck(offset, (value.length() + 1L) * Native.WCHAR_SIZE);
    super.setWideString(offset, value);
  }
}
