package dev.tensorarena.blas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.lang.reflect.Modifier;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How the library is called, and what else the process can do meanwhile. */
class CallsTest {
  private static final int COLLECTIONS = 15;

  @Test
  void itIsCalledAsTheBuildSays() {
    boolean byJna =
        Arrays.stream(Cblas.class.getDeclaredMethods())
            .filter(method -> method.getName().startsWith("cblas_"))
            .allMatch(method -> Modifier.isNative(method.getModifiers()));
    assertEquals(System.getProperty("blas.calls"), byJna ? "JNA" : "java.lang.foreign");
  }

  /** Collects while another thread is in a call that takes several ms. */
  static final class Collect {
    public static void main(String[] args) throws InterruptedException {
      String function = System.getProperty("function");
      AtomicInteger calls = new AtomicInteger(); // odd while one runs
      Thread computing = new Thread(() -> compute(function, calls));
      computing.start();
      for (int i = 0; i < COLLECTIONS; i++) {
        int before = calls.get();
        while ((calls.get() & 1) == 0 || calls.get() <= before) {
          Thread.onSpinWait(); // until the next call has begun
        }
        System.gc();
      }
      calls.set(Integer.MIN_VALUE / 2); // enough
      computing.join();
    }

    private static void compute(String function, AtomicInteger calls) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor vector = ctx.zeros(DType.FLOAT32, 16 << 20);
        Tensor matrix = vector.reshape(Shape.of(4096, 4096));
        Tensor x = vector.slice(0, 0, 4096);
        Tensor y = ctx.zeros(DType.FLOAT32, 4096);
        Tensor square = vector.slice(0, 0, 1000 * 1000).reshape(Shape.of(1000, 1000));
        Tensor product = ctx.zeros(DType.FLOAT32, 1000, 1000);
        while (calls.incrementAndGet() > 0) {
          switch (function) {
            case "dot" -> Blas.dot(vector, vector);
            case "gemv" -> Blas.gemv(1, matrix, x, 0, y);
            case "gemm" -> Blas.gemm(1, square, square, 0, product);
            default -> throw new AssertionError(function);
          }
          calls.incrementAndGet();
        }
      }
    }
  }

  /** What the JVM's own clock says: the time from the wish to collect until all threads let it. */
  @ParameterizedTest
  @ValueSource(strings = {"dot", "gemv", "gemm"})
  void aCollectionBesideALongCallWaitsLessThanAMillisecond(String function) throws Exception {
    Jvm jvm =
        Jvm.run(
            Collect.class,
            Map.of("OPENBLAS_NUM_THREADS", "1"), // so that there is a processor to collect on
            System.getProperty("java.class.path"),
            List.of("-Dfunction=" + function, "-Xlog:safepoint"));
    assertEquals(0, jvm.exit(), jvm.output());
    Matcher waits =
        Pattern.compile("Safepoint \"\\w*(?:Collect|GC)\\w*\".* Reaching safepoint: +(\\d+) ns")
            .matcher(jvm.output());
    long[] nanos = waits.results().mapToLong(wait -> Long.parseLong(wait.group(1))).toArray();
    assertTrue(nanos.length >= COLLECTIONS, jvm.output());
    Arrays.sort(nanos);
    // Half of them: the system may take the processor away from any one.
    assertTrue(nanos[nanos.length / 2] < 1_000_000, Arrays.toString(nanos));
  }

  @Test
  void aHandleThatAnotherThreadClosesMeanwhileKeepsItsBytesUntilTheCallIsOver() {
    int n = 1200;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor product = ctx.zeros(DType.FLOAT32, n, n).fill(-1f);
      SharedTensor ones;
      try (ExecutionContext other = ExecutionContext.builder().zeroOnRelease(true).open()) {
        ones = other.zeros(DType.FLOAT32, n, n).fill(1f).share();
      }
      FloatBuffer first = product.asFloatBuffer();
      CompletableFuture<Void> closed =
          CompletableFuture.runAsync(
              () -> {
                while (first.get(0) == -1) { // the library clears the product before it computes
                  Thread.onSpinWait();
                }
                ones.close();
              });
      Blas.gemm(1, ones, ones, 0, product);
      closed.join();
      float[] sums = product.toFloatArray();
      for (int i = 0; i < sums.length; i++) {
        assertEquals(n, sums[i], "at " + i);
      }
    }
  }
}
