/** Tensors in native bump arenas. The API is the package {@link dev.tensorarena}. */
module dev.tensorarena {
  exports dev.tensorarena;
}
