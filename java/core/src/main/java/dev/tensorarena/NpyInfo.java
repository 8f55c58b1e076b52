package dev.tensorarena;

import java.nio.ByteOrder;

/**
 * What a {@code .npy} file holds, see {@link Npy#info}.
 *
 * @param dtype the type of the elements
 * @param shape the shape of the array
 * @param fortranOrder whether the elements lie in column-major order: those of the first axis side
 *     by side
 * @param dataOffset where the elements begin in the file, in bytes; they reach to its end
 * @param byteOrder the order of the bytes of an element in the file; {@link
 *     ByteOrder#LITTLE_ENDIAN} where elements have a single byte. {@link Npy#read} converts
 *     big-endian elements, a mapped file shows them as they are
 */
public record NpyInfo(
    DType dtype, Shape shape, boolean fortranOrder, long dataOffset, ByteOrder byteOrder) {

  /**
   * Describes a file of little-endian elements.
   *
   * @param dtype the type of the elements
   * @param shape the shape of the array
   * @param fortranOrder whether the elements lie in column-major order
   * @param dataOffset where the elements begin in the file, in bytes
   */
  public NpyInfo(DType dtype, Shape shape, boolean fortranOrder, long dataOffset) {
    this(dtype, shape, fortranOrder, dataOffset, ByteOrder.LITTLE_ENDIAN);
  }
}
