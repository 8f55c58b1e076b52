/**
 * Tensors as arguments of functions that JNA calls, and the C API of the arena itself mapped with
 * JNA.
 */
package dev.tensorarena.jna;
