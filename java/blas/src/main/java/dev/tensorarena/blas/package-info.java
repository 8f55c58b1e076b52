/**
 * Linear algebra on tensors by a BLAS library, on the bytes where they lie.
 *
 * <h2>Start here</h2>
 *
 * <p>In an open context {@code ctx}:
 *
 * <pre>{@code
 * Tensor index = ctx.copyOf(Shape.of(2, 3), 1f, 2f, 3f, 4f, 5f, 6f); // two vectors of three
 * Tensor query = ctx.allocSlice(1f, 0f, 2f);
 * Tensor scores = ctx.empty(DType.FLOAT32, 2);
 * Blas.gemv(1, index, query, 0, scores); // scores = index times query: 7, 16
 * Blas.scal(0.5, scores);                // 3.5, 8
 * }</pre>
 *
 * <ul>
 *   <li>{@link dev.tensorarena.blas.Blas} has the functions, for {@code FLOAT32} and {@code
 *       FLOAT64}.
 *   <li>{@link dev.tensorarena.blas.DotProduct} is one of them in plain Java, for heap arrays.
 * </ul>
 *
 * <h2>Where the library comes from</h2>
 *
 * <p>These are tried in this order when a function is first called, and the first that has the
 * functions is taken:
 *
 * <ol>
 *   <li>what {@code -Dtensorarena.blas.library} names, a file or a name as the system's loader
 *       knows it; if it is set, nothing else is tried;
 *   <li>OpenBLAS in the jar {@code org.bytedeco:openblas} of this platform ({@code linux-x86_64} or
 *       {@code linux-arm64}), if it is there;
 *   <li>the system's {@code libopenblas.so.0}, {@code libblas.so.3} and {@code libcblas.so.3}
 *       (elsewhere than on Linux: {@code openblas}, {@code blas} and {@code cblas}, as the system
 *       completes such names).
 * </ol>
 *
 * <p>If none is found, the call throws {@link java.lang.UnsatisfiedLinkError} with all that was
 * tried and how to install one; later calls throw {@link java.lang.NoClassDefFoundError} with that
 * as its cause.
 *
 * <h2>How it is called</h2>
 *
 * <p>JNA finds and loads the library. On JDK 22 and later {@code java.lang.foreign} calls it, on
 * older ones JNA does, which takes some 90 ns more a call; results and errors are the same. A call
 * of at most some 2 µs (vectors of up to 16,384 {@code FLOAT32} elements without gaps, half as many
 * where OpenBLAS has {@linkplain dev.tensorarena.blas.Blas#threads more than one thread}, and
 * {@code gemv} with a matrix of as many; never {@code gemm}) is one during which a garbage
 * collection waits; beside longer ones, and beside JNA's, it does not.
 *
 * <p>On JDK 22 and later give {@code --enable-native-access=ALL-UNNAMED}; on the module path,
 * {@code --enable-native-access=dev.tensorarena,dev.tensorarena.blas,com.sun.jna}, and leave the
 * jar with OpenBLAS on the class path.
 */
package dev.tensorarena.blas;
