package dev.tensorarena.examples.reversedictionary;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The functions of OpenBLAS that {@link Blas} calls, direct mapped, with the names and parameters
 * of {@code cblas.h}. The library comes from the jar {@code org.bytedeco:openblas} of this
 * platform, or else from the system (Debian: {@code libopenblas0}).
 *
 * <p>It computes on the calling thread: a pipeline has threads of its own.
 */
final class OpenBlas {
  static final int ROW_MAJOR = 101;
  static final int NO_TRANSPOSE = 111;
  static final int TRANSPOSE = 112;

  /** What the library needs, and last the library. */
  private static final String[] FILES = {
    "libgcc_s.so.1", "libquadmath.so.0", "libgfortran.so.5", "libopenblas.so.0"
  };

  static {
    NativeLibrary library = fromJar();
    Native.register(
        OpenBlas.class, library != null ? library : NativeLibrary.getInstance(systemName()));
    openblas_set_num_threads(1);
  }

  private OpenBlas() {}

  static native float cblas_sdot(int n, Pointer x, int stepX, Pointer y, int stepY);

  static native void cblas_saxpy(int n, float alpha, Pointer x, int stepX, Pointer y, int stepY);

  static native void cblas_sgemv(
      int order,
      int transposeA,
      int rows,
      int columns,
      float alpha,
      Pointer a,
      int rowStepA,
      Pointer x,
      int stepX,
      float beta,
      Pointer y,
      int stepY);

  static native void cblas_sgemm(
      int order,
      int transposeA,
      int transposeB,
      int rows,
      int columns,
      int inner,
      float alpha,
      Pointer a,
      int rowStepA,
      Pointer b,
      int rowStepB,
      float beta,
      Pointer c,
      int rowStepC);

  private static native void openblas_set_num_threads(int threads);

  private static String systemName() {
    return Platform.isLinux() ? "libopenblas.so.0" : "openblas";
  }

  /** Unpacks and loads the jar's files; null if there is no jar for this platform. */
  private static NativeLibrary fromJar() {
    String platform = Platform.isARM() ? "linux-arm64" : "linux-x86_64";
    String folder = "/org/bytedeco/openblas/" + platform + "/";
    if (!Platform.isLinux() || OpenBlas.class.getResource(folder + FILES[3]) == null) {
      return null;
    }
    try {
      Path unpacked = Files.createTempDirectory("openblas");
      for (String file : FILES) {
        try (InputStream bytes = OpenBlas.class.getResourceAsStream(folder + file)) {
          if (bytes != null) { // not every platform needs them all
            Files.copy(bytes, unpacked.resolve(file));
          }
        }
      }
      // Its runpath is its own folder, so that it finds what it needs there.
      NativeLibrary library = NativeLibrary.getInstance(unpacked.resolve(FILES[3]).toString());
      for (String file : FILES) { // what is loaded needs its file no longer
        Files.deleteIfExists(unpacked.resolve(file));
      }
      Files.delete(unpacked);
      return library;
    } catch (IOException e) {
      throw new UncheckedIOException("OpenBLAS could not be unpacked to the temporary folder", e);
    }
  }
}
