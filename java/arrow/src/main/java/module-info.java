/**
 * Tensors and Apache Arrow. The API is the package {@link dev.tensorarena.arrow}.
 *
 * <p>Whoever uses {@link dev.tensorarena.arrow.CDataTensors} adds {@code org.apache.arrow.c}, which
 * is optional.
 */
module dev.tensorarena.arrow {
  requires com.fasterxml.jackson.databind;
  requires transitive dev.tensorarena;
  requires static transitive org.apache.arrow.c;
  requires transitive org.apache.arrow.memory.core;
  requires transitive org.apache.arrow.vector;

  exports dev.tensorarena.arrow;
}
