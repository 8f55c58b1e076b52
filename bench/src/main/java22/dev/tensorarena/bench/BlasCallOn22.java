package dev.tensorarena.bench;

import dev.tensorarena.blas.Blas;
import org.openjdk.jmh.annotations.Benchmark;

/** The rows of {@link BlasCall} whose call goes by {@code java.lang.foreign}. */
public class BlasCallOn22 extends BlasOperands {
  /**
   * {@code sdot} of two tensors.
   *
   * @return the dot product
   */
  @Benchmark
  public double dot() {
    return Blas.dot(x, y);
  }
}
