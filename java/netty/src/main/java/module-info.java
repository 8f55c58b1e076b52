/** Tensors as buffers of Netty, and back. The API is the package {@link dev.tensorarena.netty}. */
module dev.tensorarena.netty {
  requires transitive dev.tensorarena;
  requires transitive io.netty.buffer;

  exports dev.tensorarena.netty;
}
