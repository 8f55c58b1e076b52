package dev.tensorarena.bench;

import com.sun.jna.Library;
import com.sun.jna.Native;

/**
 * Two C functions ({@code native/src/bindings.c}) by each way to C that JDK 17 has. They are called
 * by one thread.
 */
final class Bindings {
  static {
    BenchLibrary.use();
  }

  private Bindings() {}

  /** Does nothing, through JNI. */
  static native void nothing();

  /**
   * Allocates from an arena in C, which is reset every 16 allocations, through JNI.
   *
   * @return the address
   */
  static native long allocate(long bytes);

  /** JNA's interface mapping: a proxy. */
  interface Mapped extends Library {
    Mapped INSTANCE = Native.load(BenchLibrary.PATH.toString(), Mapped.class);

    void bench_nothing();

    long bench_allocate(long bytes);
  }

  /** JNA's direct mapping: native methods that it registers. */
  static final class Direct {
    static {
      Native.register(Direct.class, BenchLibrary.PATH.toString());
    }

    private Direct() {}

    static native void bench_nothing();

    static native long bench_allocate(long bytes);
  }
}
