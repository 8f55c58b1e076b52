package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What the machine has no thread for once is had by the next call. */
@EnabledOnOs(OS.LINUX) // where a shell can limit the addresses
class FewThreadsTest {
  @Test
  void aRawViewForWhichThereWasNoThreadIsGivenByTheNextCall() throws Exception {
    List<String> command = new ArrayList<>();
    command.addAll(List.of("sh", "-c", "ulimit -v 33554432; exec \"$@\"", "sh"));
    command.addAll(
        TestSupport.command(
            System.getProperty("java.class.path"),
            List.of(
                "-Xmx64m",
                "-XX:CompressedClassSpaceSize=64m",
                "-XX:ThreadStackSize=524288", // so that there are addresses for some dozens
                "-Dtensorarena.leakDetection=off"),
            RawView.class));
    TestSupport.run(command).assertSucceeded();
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
      exhausted(
          () ->
              assertThrows(
                  OutOfMemoryError.class,
                  () -> ctx.wrap(memory, DType.INT8, Shape.of(10)).asByteBuffer()));
      assertEquals(7, ctx.wrap(memory, DType.INT8, Shape.of(10)).asByteBuffer().get(9));
      ctx.reset();
    }

    /** Runs a task while no thread can be started. */
    private static void exhausted(Runnable task) throws InterruptedException {
      CountDownLatch end = new CountDownLatch(1);
      List<Thread> threads = new ArrayList<>();
      assertThrows(
          OutOfMemoryError.class,
          () -> {
            while (true) {
              Thread thread = new Thread(() -> await(end));
              thread.start();
              threads.add(thread);
            }
          });
      try {
        task.run();
      } finally {
        end.countDown();
      }
      for (Thread thread : threads) {
        thread.join();
      }
    }

    private static void await(CountDownLatch end) {
      try {
        end.await();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }
}
