package dev.tensorarena.bench;

import dev.tensorarena.blas.Blas;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;

/** What does a call of BLAS cost, by JNA and, in the sibling, by {@code java.lang.foreign}? */
public class BlasCall extends BlasOperands {
  /** Has the JVM take the classes for JDK 17 out of all jars, and so BLAS's calls by JNA. */
  static final String BY_JNA = "-Djdk.util.jar.enableMultiRelease=false";

  /**
   * {@code sdot} of two tensors, by JNA on every JDK.
   *
   * @return the dot product
   */
  @Benchmark
  @Fork(
      value = 3,
      jvmArgsAppend = {
        "--enable-native-access=ALL-UNNAMED",
        "-Xms512m",
        "-Xmx512m",
        "-XX:+AlwaysPreTouch",
        BY_JNA
      })
  public double dotByJna() {
    return Blas.dot(x, y);
  }
}
