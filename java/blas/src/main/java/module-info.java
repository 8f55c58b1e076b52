/** Linear algebra on tensors. The API is the package {@link dev.tensorarena.blas}. */
module dev.tensorarena.blas {
  requires com.sun.jna;
  requires transitive dev.tensorarena;

  exports dev.tensorarena.blas;
}
