/**
 * Tensors in native bump arenas: {@link dev.tensorarena.ExecutionContext} allocates and frees them,
 * {@link dev.tensorarena.Tensor} is a handle of one, {@link dev.tensorarena.SharedTensor} is one
 * that outlives its context and its thread.
 *
 * <p>Where a method does not say otherwise, {@code null} is a {@link NullPointerException}; after
 * it, as after every other exception that a method refuses its arguments with, nothing has changed.
 */
package dev.tensorarena;
