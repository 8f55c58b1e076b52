package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What the machine has no thread for once is had by the next call. */
@EnabledOnOs(OS.LINUX) // where a shell can limit the addresses
class FewThreadsTest {
  @Test
  void aRawViewForWhichThereWasNoThreadIsGivenByTheNextCall() throws Exception {
    FewThreads.run(RawView.class, "-Dtensorarena.leakDetection=off");
  }

  static final class RawView {
    public static void main(String[] args) throws Exception {
      AtomicInteger released = new AtomicInteger();
      try (ExecutionContext ctx = ExecutionContext.open();
          ExecutionContext of = ExecutionContext.open()) {
        viewAndReset(ctx, of.empty(DType.INT8, 10).fill(7).address(), released);
        for (int i = 0; i < 1000 && released.get() == 0; i++) {
          System.gc();
          Thread.sleep(10);
        }
        assertEquals(1, released.get());
      }
    }

    private static void viewAndReset(ExecutionContext ctx, long address, AtomicInteger released)
        throws InterruptedException {
      ForeignMemory memory = ForeignMemory.ofAddress(address, 10, released::incrementAndGet);
      FewThreads.exhausted(
          () ->
              assertThrows(
                  OutOfMemoryError.class,
                  () -> ctx.wrap(memory, DType.INT8, Shape.of(10)).asByteBuffer()));
      assertEquals(7, ctx.wrap(memory, DType.INT8, Shape.of(10)).asByteBuffer().get(9));
      ctx.reset();
    }
  }
}
