package dev.tensorarena.blas;

import com.sun.jna.Native;
import com.sun.jna.Pointer;

/**
 * The functions that {@link Blas} calls, direct mapped, with the names and parameters of {@code
 * cblas.h}: {@code s} is for {@code FLOAT32}, {@code d} for {@code FLOAT64}.
 */
final class Cblas {
  static final int ROW_MAJOR = 101;
  static final int NO_TRANSPOSE = 111;
  static final int TRANSPOSE = 112;

  static {
    Native.register(Cblas.class, BlasLibrary.find());
  }

  private Cblas() {}

  static native float cblas_sdot(int n, Pointer x, int stepX, Pointer y, int stepY);

  static native double cblas_ddot(int n, Pointer x, int stepX, Pointer y, int stepY);

  static native void cblas_saxpy(int n, float alpha, Pointer x, int stepX, Pointer y, int stepY);

  static native void cblas_daxpy(int n, double alpha, Pointer x, int stepX, Pointer y, int stepY);

  static native void cblas_sscal(int n, float alpha, Pointer x, int stepX);

  static native void cblas_dscal(int n, double alpha, Pointer x, int stepX);

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

  static native void cblas_dgemv(
      int order,
      int transposeA,
      int rows,
      int columns,
      double alpha,
      Pointer a,
      int rowStepA,
      Pointer x,
      int stepX,
      double beta,
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

  static native void cblas_dgemm(
      int order,
      int transposeA,
      int transposeB,
      int rows,
      int columns,
      int inner,
      double alpha,
      Pointer a,
      int rowStepA,
      Pointer b,
      int rowStepB,
      double beta,
      Pointer c,
      int rowStepC);
}
