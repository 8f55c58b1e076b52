package dev.tensorarena.bench;

import org.openjdk.jmh.annotations.Benchmark;

/** What does it cost to get from Java to C and back? */
public class Binding extends AverageTime {
  /** A static native method without arguments that does nothing. */
  @Benchmark
  public void jni() {
    NativeLoops.nothing();
  }
}
