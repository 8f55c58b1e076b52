/**
 * Tensors in native bump arenas: {@link dev.tensorarena.ExecutionContext} allocates and frees them,
 * {@link dev.tensorarena.Tensor} is a handle of one, {@link dev.tensorarena.SharedTensor} is one
 * that outlives its context and its thread.
 */
package dev.tensorarena;
