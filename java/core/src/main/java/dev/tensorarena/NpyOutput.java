package dev.tensorarena;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;

/**
 * What {@link Npy#write} writes of a tensor.
 *
 * @param header the bytes before the elements
 * @param stored the elements, in row-major order
 */
record NpyOutput(byte[] header, Tensor stored) {

  /**
   * Looks how a tensor is to be written.
   *
   * @throws IllegalArgumentException if NumPy does not have it
   * @throws IllegalStateException if it is dead, or another thread's
   */
  static NpyOutput of(Tensor tensor) {
    Tensor columns = tensor.transpose(); // passes the gate
    boolean fortranOrder = !tensor.isContiguous() && columns.isContiguous();
    NpyHeader header =
        new NpyHeader(tensor.dtype, tensor.shape, fortranOrder, ByteOrder.LITTLE_ENDIAN);
    return new NpyOutput(header.toBytes(), fortranOrder ? columns : tensor);
  }

  long byteSize() {
    return header.length + stored.byteCount();
  }

  void writeTo(WritableByteChannel file) throws IOException {
    SharedAllocation held = stored.holdToRead();
    try {
      NpyData.write(file, header, stored);
    } finally {
      Tensor.giveBack(held);
      Reference.reachabilityFence(stored);
    }
  }
}
