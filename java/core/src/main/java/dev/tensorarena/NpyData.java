package dev.tensorarena;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;

/**
 * The elements of a tensor to and from a file. Callers have passed the gate and keep the tensor
 * reachable. Views that are made here do not outlive the call, unless the channel is one of a
 * user's file system, which may keep what it is given: then they count as raw views.
 */
final class NpyData {
  /** What a window reaches from any address that it owns. */
  private static final long STEP = 1L << 30;

  /** In bytes; what is not in the file as it is in memory goes through blocks of this size. */
  private static final int BLOCK = 64 << 10;

  private NpyData() {}

  /** Reads a contiguous tensor whose elements have this byte order in the file. */
  static void read(NpyInput file, Tensor tensor, ByteOrder order) throws IOException {
    long end = tensor.start() + tensor.byteCount();
    for (long at = tensor.start(); at < end; at += STEP) {
      ByteBuffer part = bytes(tensor, at, Math.min(STEP, end - at), file.mayKeepBuffers());
      if (order == ByteOrder.nativeOrder()) {
        file.read(part, tensor);
      } else {
        readReversed(file, part, tensor);
      }
    }
  }

  /** In blocks, whose elements are reversed while they are still in the cache. */
  private static void readReversed(NpyInput file, ByteBuffer part, Tensor tensor)
      throws IOException {
    int size = part.capacity();
    for (int at = 0; at < size; at += BLOCK) {
      ByteBuffer block = part.slice(at, Math.min(BLOCK, size - at));
      file.read(block, tensor);
      tensor.living(); // the file may be one of a user's file system
      reverse(block.flip(), tensor.dtype.shift);
    }
  }

  /** Copies the elements onto themselves: between buffers of two byte orders that reverses them. */
  private static void reverse(ByteBuffer block, int shift) {
    ByteBuffer big = block.duplicate().order(ByteOrder.BIG_ENDIAN);
    ByteBuffer little = block.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    switch (shift) {
      case 1:
        little.asShortBuffer().put(big.asShortBuffer());
        break;
      case 2:
        little.asIntBuffer().put(big.asIntBuffer());
        break;
      default:
        little.asLongBuffer().put(big.asLongBuffer());
    }
  }

  /** Writes the header and, in row-major order, the elements. */
  static void write(WritableByteChannel file, byte[] header, Tensor tensor) throws IOException {
    writeAll(file, ByteBuffer.wrap(header), tensor);
    if (tensor.strides != null) {
      writeStrided(file, tensor);
      return;
    }
    long end = tensor.start() + tensor.byteCount();
    boolean kept = NpyInput.mayKeepBuffers(file);
    for (long at = tensor.start(); at < end; at += STEP) {
      writeAll(file, bytes(tensor, at, Math.min(STEP, end - at), kept).asReadOnlyBuffer(), tensor);
    }
  }

  private static ByteBuffer bytes(Tensor tensor, long at, long size, boolean kept) {
    Window window = tensor.window.seeing(at, size);
    tensor.living(); // foreign memory may have been asked for a part, or the user's file system
    if (kept) {
      tensor.expose();
      window.expose();
    }
    return window.bytesAt((int) (at - window.address), (int) size);
  }

  private static void writeStrided(WritableByteChannel file, Tensor tensor) throws IOException {
    Shape shape = tensor.shape;
    int last = shape.rank() - 1;
    long rowLength = shape.extent(last);
    int shift = tensor.dtype.shift;
    long step = tensor.strides[last] << shift;
    Window window = tensor.window;
    int size = (int) Math.min(BLOCK, tensor.byteCount());
    ByteBuffer block = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
    for (long first = 0; first < shape.numElements(); first += rowLength) {
      long at = tensor.start() + (Strides.place(shape, tensor.strides, first) << shift);
      for (long i = 0; i < rowLength; i++, at += step) {
        window = window.seeing(at, 1L << shift);
        tensor.living(); // as in bytes()
        append(block, window.bytes, (int) (at - window.address), shift);
        if (!block.hasRemaining()) {
          writeAll(file, block.flip(), tensor);
          block.clear();
        }
      }
    }
    writeAll(file, block.flip(), tensor);
  }

  private static void append(ByteBuffer block, ByteBuffer bytes, int at, int shift) {
    switch (shift) {
      case 0:
        block.put(bytes.get(at));
        break;
      case 1:
        block.putShort(bytes.getShort(at));
        break;
      case 2:
        block.putInt(bytes.getInt(at));
        break;
      default:
        block.putLong(bytes.getLong(at));
    }
  }

  /** A channel may take some of the bytes, and may be one of a user's file system. */
  private static void writeAll(WritableByteChannel file, ByteBuffer bytes, Tensor tensor)
      throws IOException {
    while (bytes.hasRemaining()) {
      tensor.living();
      file.write(bytes);
    }
  }
}
