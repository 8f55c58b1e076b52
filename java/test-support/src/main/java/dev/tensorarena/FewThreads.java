package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * A JVM that runs out of threads: their stacks are so large that there are addresses for some
 * dozens. For Linux, where a shell can limit them.
 */
public final class FewThreads {
  private FewThreads() {}

  /** Runs a main class in such a JVM, and fails if it fails. */
  public static void run(Class<?> main, String... jvmArguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.addAll(List.of("sh", "-c", "ulimit -v 33554432; exec \"$@\"", "sh"));
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    arguments.addAll(List.of("-XX:CompressedClassSpaceSize=64m", "-XX:ThreadStackSize=524288"));
    arguments.addAll(List.of(jvmArguments));
    command.addAll(ForkedJvm.command(main, arguments));
    ForkedJvm.run(command);
  }

  /** Runs a task while no thread can be started. */
  public static void exhausted(Runnable task) throws InterruptedException {
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
