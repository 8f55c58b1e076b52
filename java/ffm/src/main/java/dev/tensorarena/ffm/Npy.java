package dev.tensorarena.ffm;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.NpyInfo;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Tensors over mapped files of NumPy's {@code .npy} format: nothing is read before it is used, and
 * files may be larger than memory. {@link dev.tensorarena.Npy} tells the types, and reads files
 * into arenas instead, big-endian ones too, which cannot be mapped.
 *
 * <p>Whoever changes a mapped file changes the tensor; who cuts it short makes the tensor's methods
 * throw {@link InternalError} where they read or write the lost part. Three things crash the JVM
 * all the same: native code that was given the bytes; the JDK's comparisons of segments and of raw
 * views, such as {@link java.lang.foreign.MemorySegment#mismatch(java.lang.foreign.MemorySegment)
 * MemorySegment.mismatch}, where {@code Tensor.mismatch} throws; and, by a fault of HotSpot's on
 * x86-64, compiled code that widens an {@code int} to {@code long} while it reads it, as {@code sum
 * += tensor.getIntAt(i)} does with a {@code long} sum. Read into a context by {@link
 * dev.tensorarena.Npy}, or {@code copy(ctx)} first, where files may be cut short.
 */
public final class Npy {
  private Npy() {}

  /**
   * Maps a file for reading. The tensor is frozen; its shares outlive the scope, and the file stays
   * mapped until the garbage collector finds that no handle, view or segment of it is left.
   *
   * @param ctx where the tensor lives; a context of the calling thread
   * @param path a regular file
   * @return a tensor of the context's innermost open scope; the transposed view for an array in
   *     Fortran order
   * @throws IOException if the file cannot be mapped, is malformed, big-endian, of an unsupported
   *     type, or has fewer or more bytes than its header says; with what is wrong and where
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public static Tensor map(ExecutionContext ctx, Path path) throws IOException {
    return map(ctx, path, Arena.ofAuto());
  }

  /**
   * Maps a file for reading, as {@link #map(ExecutionContext, Path)}, until an arena is closed.
   * Then the tensor, its views and its shares are dead at once, and the file is no longer mapped.
   *
   * @param ctx where the tensor lives; a context of the calling thread
   * @param path a regular file
   * @param arena how long it is mapped, and for which threads
   * @return a tensor of the context's innermost open scope
   * @throws IOException as the other method throws it
   * @throws WrongThreadException if the arena is another thread's
   * @throws IllegalStateException if the arena or the context is closed, or on another thread
   */
  public static Tensor map(ExecutionContext ctx, Path path, Arena arena) throws IOException {
    ctx.memoryUsage(); // a closed context is refused before the file is touched
    NpyInfo info = dev.tensorarena.Npy.info(path);
    if (info.byteOrder() != ByteOrder.nativeOrder()) {
      throw new IOException(
          path
              + ": big-endian elements of "
              + info.dtype()
              + " cannot be mapped; dev.tensorarena.Npy.read reads and converts them");
    }
    Shape shape = info.fortranOrder() ? reversed(info.shape()) : info.shape();
    Tensor stored = Tensors.wrap(ctx, bytes(path, info, arena), info.dtype(), shape);
    return info.fortranOrder() ? stored.transpose() : stored;
  }

  private static MemorySegment bytes(Path path, NpyInfo info, Arena arena) throws IOException {
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ)) {
      long size = info.shape().numElements() * info.dtype().byteSize();
      return file.map(MapMode.READ_ONLY, info.dataOffset(), size, arena);
    }
  }

  private static Shape reversed(Shape shape) {
    int rank = shape.rank();
    long[] dims = new long[rank];
    for (int axis = 0; axis < rank; axis++) {
      dims[axis] = shape.dim(rank - 1 - axis);
    }
    return Shape.of(dims);
  }
}
