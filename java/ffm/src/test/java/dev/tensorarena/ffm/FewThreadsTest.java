package dev.tensorarena.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.FewThreads;
import dev.tensorarena.SharedTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What the machine has no thread for once is had by the next call. */
@EnabledOnOs(OS.LINUX)
class FewThreadsTest {
  @Test
  void aHandleWithASegmentOfAnotherThreadIsClosedByTheNextCall() throws Exception {
    FewThreads.run(Closing.class, "--enable-native-access=ALL-UNNAMED");
  }

  static final class Closing {
    private static int read;

    public static void main(String[] args) throws Exception {
      SharedTensor handle;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        handle = ctx.allocSlice(7).share();
      }
      CountDownLatch taken = new CountDownLatch(1);
      CountDownLatch closed = new CountDownLatch(1);
      Thread reader =
          new Thread(
              () -> {
                MemorySegment mine = Segments.of(handle);
                taken.countDown();
                try {
                  closed.await();
                } catch (InterruptedException e) {
                  throw new AssertionError(e);
                }
                read = mine.get(ValueLayout.JAVA_INT, 0);
              });
      reader.setDaemon(true); // a failure is no wait for ever
      reader.start();
      taken.await();
      FewThreads.exhausted(() -> assertThrows(OutOfMemoryError.class, handle::close));
      assertTrue(handle.isOpen());
      handle.close();
      closed.countDown();
      reader.join();
      assertEquals(7, read);
      for (int i = 0; i < 1000 && ChunkPool.stats().inUseChunks() != 0; i++) {
        System.gc();
        Thread.sleep(10);
      }
      assertEquals(0, ChunkPool.stats().inUseChunks());
    }
  }
}
