package dev.tensorarena.blas;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;

/** How many threads the library computes on, as far as it is OpenBLAS and says so. */
final class Threads {
  /** What OpenBLAS said when it was loaded, or was told last. */
  private static volatile int known = ask(Cblas.LIBRARY);

  private Threads() {}

  /** Returns whether the library is known to compute on the calling thread alone. */
  static boolean isOne() {
    return known == 1;
  }

  /** Tells OpenBLAS; returns false if it is another library, which has other switches. */
  static boolean set(NativeLibrary library, int count) {
    Function set = BlasLibrary.function(library, "openblas_set_num_threads");
    if (set == null) {
      return false;
    }
    set.invokeVoid(new Object[] {count});
    known = ask(library); // it has a limit of its own
    return true;
  }

  /** Returns 0 for another library. */
  private static int ask(NativeLibrary library) {
    Function get = BlasLibrary.function(library, "openblas_get_num_threads");
    return get == null ? 0 : get.invokeInt(new Object[0]);
  }
}
