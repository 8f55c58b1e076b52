package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A share that is closed again on its own thread is optimised away. */
class GarbageTest {
  /** The JIT compiles at the same calls each time, and no thread goes on meanwhile. */
  @Test
  void aShareThatItsOwnThreadClosesIsNoGarbage() throws Exception {
    TestSupport.fork(
            List.of(
                "-XX:TieredStopAtLevel=4",
                "-Xbatch",
                "-XX:-UseOnStackReplacement",
                "-Dtensorarena.leakDetection=off"),
            Shares.class)
        .assertSucceeded();
  }

  static final class Shares {
    private static final int WARM_UP = 50_000;
    private static final int COUNTED = 100_000;

    private static float share(Tensor tensor) {
      try (SharedTensor handle = tensor.share()) {
        return handle.getFloatAt(0);
      }
    }

    private static float share(Tensor tensor, int times) {
      float sum = 0;
      for (int i = 0; i < times; i++) {
        sum += share(tensor);
      }
      return sum;
    }

    public static void main(String[] args) {
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      long thread = Thread.currentThread().getId();
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = ctx.allocSlice(1f);
        threads.getThreadAllocatedBytes(thread);
        share(tensor, WARM_UP);
        long before = threads.getThreadAllocatedBytes(thread);
        float sum = share(tensor, COUNTED);
        long garbage = threads.getThreadAllocatedBytes(thread) - before;
        assertTrue(sum == COUNTED && garbage < COUNTED, garbage + " bytes");
      }
    }
  }
}
