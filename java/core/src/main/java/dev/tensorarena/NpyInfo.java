package dev.tensorarena;

/**
 * What a {@code .npy} file holds, see {@link Npy#info}.
 *
 * @param dtype the type of the elements
 * @param shape the shape of the array
 * @param fortranOrder whether the elements lie in column-major order: those of the first axis side
 *     by side
 * @param dataOffset where the elements begin in the file, in bytes; they reach to its end
 */
public record NpyInfo(DType dtype, Shape shape, boolean fortranOrder, long dataOffset) {}
