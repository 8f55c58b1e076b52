package dev.tensorarena;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Tensors in files of NumPy's <a
 * href="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html">{@code .npy}
 * format</a>, straight between file and arena memory.
 *
 * <p>The types, as they are written:
 *
 * <pre>
 *   FLOAT32  &lt;f4     INT64  &lt;i8     INT8   |i1
 *   FLOAT64  &lt;f8     INT32  &lt;i4     UINT8  |u1
 *   FLOAT16  &lt;f2     INT16  &lt;i2     BOOL   |b1
 * </pre>
 *
 * <p>They are read under each of NumPy's names, such as {@code =f4}, {@code f} and {@code float32},
 * and in either byte order: tensors are little-endian, and big-endian elements ({@code >f4}) are
 * converted while they are read. {@code l} and {@code long} are 64 bits wide, as NumPy has them
 * everywhere but on Windows.
 *
 * <p>{@link DType#BFLOAT16} has no NumPy type. The bytes of a {@link DType#BOOL} are taken as they
 * are: 0 is false, anything else true, in NumPy too. On a big-endian machine all methods throw
 * {@link UnsupportedOperationException}. A thread that is interrupted meanwhile gets a {@link
 * java.nio.channels.ClosedByInterruptException}, as from any {@link FileChannel}.
 */
public final class Npy {
  private Npy() {}

  /**
   * Reads a file of version 1.0, 2.0 or 3.0. Memory is taken only once header and size of the file
   * were found to agree; after any exception the context's memory is what it was.
   *
   * <p>What NumPy refuses is refused: among others more than 64 axes, and headers of more than
   * 10,000 bytes. So are bytes behind the data, and headers in Python that no program writes, such
   * as comments, numbers in hexadecimal digits or a key twice.
   *
   * <p>An array in Fortran order becomes a strided tensor of the same shape: the transposed view of
   * the bytes as they lie in the file.
   *
   * @param ctx where the tensor lives; a context of the calling thread
   * @param path a regular file
   * @return a writable tensor of the context's innermost open scope
   * @throws IOException if the file cannot be read, is malformed, has a type that is not in the
   *     table above, or has fewer or more bytes than its header says; with what is wrong and where.
   *     An {@code .npz} or gzip file, a Git LFS pointer and an HTML page are called by their name
   * @throws MemoryLimitExceededException if a limit would be passed
   * @throws OutOfMemoryError if the system refuses memory
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public static Tensor read(ExecutionContext ctx, Path path) throws IOException {
    ctx.innermost();
    requireLittleEndian();
    requireRegularFile(path);
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return read(ctx, new NpyInput(channel, path.toString()));
    }
  }

  static Tensor read(ExecutionContext ctx, NpyInput file) throws IOException {
    NpyHeader header = NpyHeader.read(file);
    try (Scope reading = ctx.scope()) {
      Tensor rows = readRows(ctx, file, header);
      return header.array(reading.closeKeeping(rows)); // it is where it was
    }
  }

  /** Reads what stands behind the header, as it lies there. */
  static Tensor readRows(ExecutionContext ctx, NpyInput file, NpyHeader header) throws IOException {
    file.requireData(header);
    Tensor rows = ctx.empty(header.dtype(), header.storedShape());
    NpyData.read(file, rows, header.byteOrder());
    return rows;
  }

  /**
   * Returns what a file holds and where its elements begin, from its header: to plan for it, or to
   * map it.
   *
   * @param path a regular file
   * @return what it holds
   * @throws IOException as {@link #read} throws it
   */
  public static NpyInfo info(Path path) throws IOException {
    requireLittleEndian();
    requireRegularFile(path);
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      NpyInput file = new NpyInput(channel, path.toString());
      NpyHeader header = NpyHeader.read(file);
      file.requireData(header);
      return new NpyInfo(
          header.dtype(),
          header.shape(),
          header.fortranOrder(),
          file.position(),
          header.byteOrder());
    }
  }

  /**
   * Writes a file, byte for byte as NumPy writes the same array: a tensor whose transpose is
   * contiguous in Fortran order, any other in row-major order.
   *
   * <p>The bytes go to a new file in the same folder, which takes the place of the old one when all
   * is written: readers see the old file or the new one, and after any exception the old one is
   * still there. It keeps its mode and, where the system lets this user, its owner and group. A
   * symbolic link is followed.
   *
   * <p>A file that cannot be replaced so is written into once all bytes are in a temporary file:
   * one with other hard links, which it keeps, one that is mounted, as into a container, and one in
   * a folder that takes no new files. Readers may see it while it changes then, and a disk that
   * fills up in these moments leaves it changed in part.
   *
   * @param tensor what to write; may be shared or strided
   * @param path where to; a file that exists is replaced
   * @throws IOException if it can neither be replaced nor written, with its path and why; or if
   *     there is something that is no regular file
   * @throws IllegalArgumentException for what NumPy does not have: {@link DType#BFLOAT16}, more
   *     than 64 axes, and extents whose product without those of 0 passes 2^63 - 1 bytes
   * @throws IllegalStateException if the tensor is dead, or another thread's
   */
  public static void write(Tensor tensor, Path path) throws IOException {
    NpyOutput output = NpyOutput.of(tensor);
    requireLittleEndian();
    requireRegularFile(path);
    FileReplacement.write(path, output::writeTo);
  }

  static void requireRegularFile(Path path) throws IOException {
    if (Files.exists(path) && !Files.isRegularFile(path)) {
      throw new IOException(path + ": not a regular file");
    }
  }

  static void requireLittleEndian() {
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new UnsupportedOperationException(
          ".npy files are read and written on little-endian machines only; this one is "
              + ByteOrder.nativeOrder());
    }
  }
}
