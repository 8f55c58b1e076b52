package dev.tensorarena.blas;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;

/**
 * The functions that {@link Blas} calls, direct mapped by JNA, with the names and parameters of
 * {@code cblas.h}: {@code s} is for {@code FLOAT32}, {@code d} for {@code FLOAT64}. An address is
 * that of an {@link Operand}, which the caller holds. On JDK 22 and later the class of the same
 * name in {@code src/main/java22} takes this one's place.
 */
final class Cblas {
  static final int ROW_MAJOR = 101;
  static final int NO_TRANSPOSE = 111;
  static final int TRANSPOSE = 112;

  static final NativeLibrary LIBRARY = BlasLibrary.find();

  static {
    Native.register(Cblas.class, LIBRARY);
  }

  private Cblas() {}

  static native float cblas_sdot(int n, long x, int stepX, long y, int stepY);

  static native double cblas_ddot(int n, long x, int stepX, long y, int stepY);

  static native void cblas_saxpy(int n, float alpha, long x, int stepX, long y, int stepY);

  static native void cblas_daxpy(int n, double alpha, long x, int stepX, long y, int stepY);

  static native void cblas_sscal(int n, float alpha, long x, int stepX);

  static native void cblas_dscal(int n, double alpha, long x, int stepX);

  static native void cblas_sgemv(
      int order,
      int transposeA,
      int rows,
      int columns,
      float alpha,
      long a,
      int rowStepA,
      long x,
      int stepX,
      float beta,
      long y,
      int stepY);

  static native void cblas_dgemv(
      int order,
      int transposeA,
      int rows,
      int columns,
      double alpha,
      long a,
      int rowStepA,
      long x,
      int stepX,
      double beta,
      long y,
      int stepY);

  static native void cblas_sgemm(
      int order,
      int transposeA,
      int transposeB,
      int rows,
      int columns,
      int inner,
      float alpha,
      long a,
      int rowStepA,
      long b,
      int rowStepB,
      float beta,
      long c,
      int rowStepC);

  static native void cblas_dgemm(
      int order,
      int transposeA,
      int transposeB,
      int rows,
      int columns,
      int inner,
      double alpha,
      long a,
      int rowStepA,
      long b,
      int rowStepB,
      double beta,
      long c,
      int rowStepC);
}
