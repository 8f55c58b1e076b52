package dev.tensorarena.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.SharedTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/**
 * A handle that is closed while another thread has a segment of it, at the end of the closing
 * thread's stack: the segment keeps its bytes, and nothing keeps them once it is unreachable. In a
 * JVM of its own, since what is linked or loaded there takes most stack the first time.
 */
class StackEdgeTest {
  @Test
  void aSegmentOfAnotherThreadKeepsItsBytesAndNoLonger() throws Exception {
    Process jvm =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Edge.class.getName())
            .redirectErrorStream(true)
            .start();
    String output = new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, jvm.waitFor(), output);
  }

  static final class Edge {
    private static int overflows;

    private static void closeAtTheEdge(SharedTensor handle) {
      try {
        closeAtTheEdge(handle);
      } catch (StackOverflowError e) {
        overflows++;
        handle.close();
      }
    }

    public static void main(String[] args) throws Exception {
      for (int round = 0; round < 5; round++) {
        close(7 + round);
      }
      assertTrue(overflows > 5);
      for (int i = 0; i < 2000 && ChunkPool.stats().inUseChunks() != 0; i++) {
        System.gc();
        Thread.sleep(1);
      }
      assertEquals(0, ChunkPool.stats().inUseChunks());
    }

    private static void close(long value) throws Exception {
      SharedTensor handle;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        handle = ctx.zeros(DType.INT64, 1000).fill(value).share();
      }
      CountDownLatch taken = new CountDownLatch(1);
      CountDownLatch closed = new CountDownLatch(1);
      long[] read = new long[1];
      Thread user =
          new Thread(
              () -> {
                MemorySegment segment = Segments.of(handle);
                taken.countDown();
                try {
                  closed.await();
                } catch (InterruptedException e) {
                  throw new AssertionError(e);
                }
                try (ExecutionContext ctx = ExecutionContext.open()) {
                  ctx.zeros(DType.INT64, 1000).fill(99L);
                  read[0] = segment.get(ValueLayout.JAVA_LONG, 8);
                }
              });
      user.start();
      taken.await();
      Thread closer = new Thread(null, () -> closeAtTheEdge(handle), "small", 512 << 10);
      closer.start();
      closer.join();
      closed.countDown();
      user.join();
      assertEquals(value, read[0]);
    }
  }
}
