/** Tensors as arguments of JNA functions. The API is the package {@link dev.tensorarena.jna}. */
module dev.tensorarena.jna {
  requires transitive com.sun.jna;
  requires transitive dev.tensorarena;

  exports dev.tensorarena.jna;
}
