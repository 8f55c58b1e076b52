/** Tensors as memory segments. The API is the package {@link dev.tensorarena.ffm}. */
module dev.tensorarena.ffm {
  requires transitive dev.tensorarena;

  exports dev.tensorarena.ffm;
}
