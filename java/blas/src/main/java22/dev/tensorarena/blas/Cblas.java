package dev.tensorarena.blas;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The functions that {@link Blas} calls, by {@code java.lang.foreign}: the same as those of the
 * class of this name in {@code src/main/java}, which older JDKs get. JNA finds and loads the
 * library for both.
 *
 * <p>A critical call leaves out the change of the thread's state, which is most of the price of a
 * call, but a garbage collection waits until it is over. So only what takes some 2 µs at most is
 * called that way.
 */
final class Cblas {
  static final int ROW_MAJOR = 101;
  static final int NO_TRANSPOSE = 111;
  static final int TRANSPOSE = 112;

  static final NativeLibrary LIBRARY = BlasLibrary.find();

  /** What a critical call may touch of each operand: 16,384 elements of FLOAT32 without gaps. */
  private static final long BRIEF_BYTES = 16_384 * Float.BYTES;

  /**
   * As {@link #BRIEF_BYTES}, where the library has threads to wait for: OpenBLAS uses them from
   * 9,216 elements on.
   */
  private static final long BRIEF_BYTES_WITH_THREADS = 8_192 * Float.BYTES;

  /** What memory is read in: of elements further apart, each costs as much as this. */
  private static final int LINE_BYTES = 64;

  private Cblas() {}

  /** A function, called in both ways. */
  private record Function(MethodHandle critical, MethodHandle ordinary) {
    static Function of(String name, FunctionDescriptor type) {
      return new Function(link(name, type, Linker.Option.critical(false)), link(name, type));
    }
  }

  @SuppressWarnings("restricted") // the user permits it, as the package's description says
  private static MethodHandle link(String name, FunctionDescriptor type, Linker.Option... options) {
    long address = Pointer.nativeValue(LIBRARY.getFunction(name));
    return Linker.nativeLinker().downcallHandle(MemorySegment.ofAddress(address), type, options);
  }

  // Each is linked when it is first called: all of them together take some 100 ms.

  private static final class Sdot {
    static final Function CALL =
        Function.of(
            "cblas_sdot",
            FunctionDescriptor.of(JAVA_FLOAT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
  }

  private static final class Ddot {
    static final Function CALL =
        Function.of(
            "cblas_ddot",
            FunctionDescriptor.of(JAVA_DOUBLE, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
  }

  private static final class Saxpy {
    static final Function CALL =
        Function.of(
            "cblas_saxpy",
            FunctionDescriptor.ofVoid(
                JAVA_INT, JAVA_FLOAT, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
  }

  private static final class Daxpy {
    static final Function CALL =
        Function.of(
            "cblas_daxpy",
            FunctionDescriptor.ofVoid(
                JAVA_INT, JAVA_DOUBLE, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
  }

  private static final class Sscal {
    static final Function CALL =
        Function.of(
            "cblas_sscal", FunctionDescriptor.ofVoid(JAVA_INT, JAVA_FLOAT, JAVA_LONG, JAVA_INT));
  }

  private static final class Dscal {
    static final Function CALL =
        Function.of(
            "cblas_dscal", FunctionDescriptor.ofVoid(JAVA_INT, JAVA_DOUBLE, JAVA_LONG, JAVA_INT));
  }

  private static final class Sgemv {
    static final Function CALL =
        Function.of(
            "cblas_sgemv",
            FunctionDescriptor.ofVoid(
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_FLOAT,
                JAVA_LONG,
                JAVA_INT,
                JAVA_LONG,
                JAVA_INT,
                JAVA_FLOAT,
                JAVA_LONG,
                JAVA_INT));
  }

  private static final class Dgemv {
    static final Function CALL =
        Function.of(
            "cblas_dgemv",
            FunctionDescriptor.ofVoid(
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_DOUBLE,
                JAVA_LONG,
                JAVA_INT,
                JAVA_LONG,
                JAVA_INT,
                JAVA_DOUBLE,
                JAVA_LONG,
                JAVA_INT));
  }

  private static final class Sgemm {
    static final MethodHandle CALL =
        link(
            "cblas_sgemm",
            FunctionDescriptor.ofVoid(
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_FLOAT,
                JAVA_LONG,
                JAVA_INT,
                JAVA_LONG,
                JAVA_INT,
                JAVA_FLOAT,
                JAVA_LONG,
                JAVA_INT));
  }

  private static final class Dgemm {
    static final MethodHandle CALL =
        link(
            "cblas_dgemm",
            FunctionDescriptor.ofVoid(
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_DOUBLE,
                JAVA_LONG,
                JAVA_INT,
                JAVA_LONG,
                JAVA_INT,
                JAVA_DOUBLE,
                JAVA_LONG,
                JAVA_INT));
  }

  static float cblas_sdot(int n, long x, int stepX, long y, int stepY) {
    try {
      return isBrief(n, stepX, Float.BYTES) && isBrief(n, stepY, Float.BYTES)
          ? (float) Sdot.CALL.critical.invokeExact(n, x, stepX, y, stepY)
          : (float) Sdot.CALL.ordinary.invokeExact(n, x, stepX, y, stepY);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static double cblas_ddot(int n, long x, int stepX, long y, int stepY) {
    try {
      return isBrief(n, stepX, Double.BYTES) && isBrief(n, stepY, Double.BYTES)
          ? (double) Ddot.CALL.critical.invokeExact(n, x, stepX, y, stepY)
          : (double) Ddot.CALL.ordinary.invokeExact(n, x, stepX, y, stepY);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void cblas_saxpy(int n, float alpha, long x, int stepX, long y, int stepY) {
    try {
      if (isBrief(n, stepX, Float.BYTES) && isBrief(n, stepY, Float.BYTES)) {
        Saxpy.CALL.critical.invokeExact(n, alpha, x, stepX, y, stepY);
      } else {
        Saxpy.CALL.ordinary.invokeExact(n, alpha, x, stepX, y, stepY);
      }
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void cblas_daxpy(int n, double alpha, long x, int stepX, long y, int stepY) {
    try {
      if (isBrief(n, stepX, Double.BYTES) && isBrief(n, stepY, Double.BYTES)) {
        Daxpy.CALL.critical.invokeExact(n, alpha, x, stepX, y, stepY);
      } else {
        Daxpy.CALL.ordinary.invokeExact(n, alpha, x, stepX, y, stepY);
      }
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void cblas_sscal(int n, float alpha, long x, int stepX) {
    try {
      if (isBrief(n, stepX, Float.BYTES)) {
        Sscal.CALL.critical.invokeExact(n, alpha, x, stepX);
      } else {
        Sscal.CALL.ordinary.invokeExact(n, alpha, x, stepX);
      }
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void cblas_dscal(int n, double alpha, long x, int stepX) {
    try {
      if (isBrief(n, stepX, Double.BYTES)) {
        Dscal.CALL.critical.invokeExact(n, alpha, x, stepX);
      } else {
        Dscal.CALL.ordinary.invokeExact(n, alpha, x, stepX);
      }
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void cblas_sgemv(
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
      int stepY) {
    try {
      if (isBrief(rows, columns, rowStepA, stepX, stepY, Float.BYTES)) {
        Sgemv.CALL.critical.invokeExact(
            order, transposeA, rows, columns, alpha, a, rowStepA, x, stepX, beta, y, stepY);
      } else {
        Sgemv.CALL.ordinary.invokeExact(
            order, transposeA, rows, columns, alpha, a, rowStepA, x, stepX, beta, y, stepY);
      }
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void cblas_dgemv(
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
      int stepY) {
    try {
      if (isBrief(rows, columns, rowStepA, stepX, stepY, Double.BYTES)) {
        Dgemv.CALL.critical.invokeExact(
            order, transposeA, rows, columns, alpha, a, rowStepA, x, stepX, beta, y, stepY);
      } else {
        Dgemv.CALL.ordinary.invokeExact(
            order, transposeA, rows, columns, alpha, a, rowStepA, x, stepX, beta, y, stepY);
      }
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void cblas_sgemm(
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
      int rowStepC) {
    try {
      Sgemm.CALL.invokeExact(
          order,
          transposeA,
          transposeB,
          rows,
          columns,
          inner,
          alpha,
          a,
          rowStepA,
          b,
          rowStepB,
          beta,
          c,
          rowStepC);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void cblas_dgemm(
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
      int rowStepC) {
    try {
      Dgemm.CALL.invokeExact(
          order,
          transposeA,
          transposeB,
          rows,
          columns,
          inner,
          alpha,
          a,
          rowStepA,
          b,
          rowStepB,
          beta,
          c,
          rowStepC);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Returns whether a vector is short enough for a critical call. */
  private static boolean isBrief(long n, int step, int elementBytes) {
    long bytes = n * Math.min((long) step * elementBytes, LINE_BYTES);
    return bytes <= (Threads.isOne() ? BRIEF_BYTES : BRIEF_BYTES_WITH_THREADS);
  }

  /**
   * Returns whether a matrix, with its rows as they are stored, is, and what it is multiplied by.
   */
  private static boolean isBrief(
      int rows, int columns, int rowStep, int stepX, int stepY, int elementBytes) {
    // A row that does not follow on the one before begins a line of its own.
    long row = Math.min(rowStep, (long) columns + LINE_BYTES / elementBytes);
    int longer = Math.max(rows, columns);
    return isBrief(rows * row, 1, elementBytes)
        && isBrief(longer, stepX, elementBytes)
        && isBrief(longer, stepY, elementBytes);
  }

  /** What a call throws is the JVM's: C throws nothing. */
  private static Error unexpected(Throwable thrown) {
    return thrown instanceof Error error ? error : new AssertionError(thrown);
  }
}
