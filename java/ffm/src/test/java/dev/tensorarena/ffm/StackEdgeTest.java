package dev.tensorarena.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ForkedJvm;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.StackEdge;
import dev.tensorarena.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/**
 * What is done at the end of the stack. In a JVM of its own, since what is linked or loaded there
 * takes most stack the first time.
 */
class StackEdgeTest {
  @Test
  void aStructThatIsNotMadeOrTakenPinsNothing() throws Exception {
    ForkedJvm.run(Structs.class, "-Xint", "--enable-native-access=ALL-UNNAMED");
  }

  static final class Structs {
    public static void main(String[] args) throws Exception {
      long[] struct = new long[1];
      for (int i = 0; i < 40; i++) {
        boolean taken = i % 2 == 1; // what the thread before has made
        StackEdge.onStack((512 << 10) + 512 * i, () -> run(taken, struct));
        assertEquals(struct[0] == 0 ? 0 : 1, ChunkPool.stats().pinnedChunks());
      }
      assertTrue(StackEdge.overflows() > 100, "overflows: " + StackEdge.overflows());
    }

    private static void run(boolean taken, long[] struct) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        if (taken) {
          StackEdge.atTheEdge(() -> Dlpack.fromDlpack(ctx, struct[0]));
          struct[0] = 0;
        } else {
          Tensor tensor = ctx.zeros(DType.INT64, 1000);
          Dlpack.fromDlpack(ctx, Dlpack.toDlpack(tensor)); // links and loads
          StackEdge.atTheEdge(() -> struct[0] = Dlpack.toDlpack(tensor));
        }
      }
    }
  }

  /**
   * A handle that is closed while another thread has a segment of it: the segment keeps its bytes,
   * and nothing keeps them once it is unreachable.
   */
  @Test
  void aSegmentOfAnotherThreadKeepsItsBytesAndNoLonger() throws Exception {
    ForkedJvm.run(Edge.class, "--enable-native-access=ALL-UNNAMED");
  }

  static final class Edge {
    public static void main(String[] args) throws Exception {
      for (int round = 0; round < 5; round++) {
        close(7 + round);
      }
      assertTrue(StackEdge.overflows() > 5);
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
      StackEdge.onStack(512 << 10, () -> StackEdge.atTheEdge(handle::close));
      closed.countDown();
      user.join();
      assertEquals(value, read[0]);
    }
  }
}
