package dev.tensorarena.blas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.NativeLibrary;
import dev.tensorarena.ExecutionContext;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Whose number OpenBLAS's threads are. */
class ThreadsTest {
  private static int ask(String function) {
    return Cblas.LIBRARY.getFunction(function).invokeInt(new Object[0]);
  }

  /** Computes, and prints how many threads OpenBLAS has. */
  static final class Compute {
    public static void main(String[] args) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Blas.scal(2, ctx.allocSlice(1f));
      }
      System.out.println(ask("openblas_get_num_threads") + " of " + ask("openblas_get_num_procs"));
    }
  }

  private static void assertThreads(String variable, String expected) throws Exception {
    Jvm jvm =
        Jvm.run(
            Compute.class,
            Map.of("OPENBLAS_NUM_THREADS", variable, "GOTO_NUM_THREADS", "", "OMP_NUM_THREADS", ""),
            System.getProperty("java.class.path"),
            List.of());
    assertEquals(0, jvm.exit(), jvm.output());
    assertTrue(jvm.output().matches(expected), jvm.output());
  }

  @Test
  void whoeverSaysNothingGetsWhatOpenBlasChooses() throws Exception {
    assertThreads("", "(\\d+) of \\1\\s*");
    assertThreads("1", "1 of \\d+\\s*");
  }

  @Test
  void theNumberIsOpenBlasOwn() {
    int before = ask("openblas_get_num_threads");
    try {
      for (int count : new int[] {1, 2, 1}) {
        assertTrue(Blas.threads(count));
        assertEquals(count, ask("openblas_get_num_threads"));
        assertEquals(count == 1, Threads.isOne());
      }
    } finally {
      Blas.threads(before);
    }
  }

  @Test
  void anotherLibraryIsLeftAsItIs() {
    assertFalse(Threads.set(NativeLibrary.getInstance("libc.so.6"), 1));
  }

  @Test
  void fewerThanOneAreRefused() {
    for (int count : new int[] {0, -1}) {
      String message =
          assertThrows(IllegalArgumentException.class, () -> Blas.threads(count)).getMessage();
      assertTrue(message.endsWith(String.valueOf(count)), message);
    }
  }
}
