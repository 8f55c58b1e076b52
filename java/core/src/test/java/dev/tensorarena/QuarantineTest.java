package dev.tensorarena;

import static dev.tensorarena.TestSupport.fork;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** -Dtensorarena.quarantine retires ended bytes, to find raw views that are used too long. */
class QuarantineTest {
  private static final byte PATTERN = (byte) 0xDD;

  @Test
  void endedBytesAreFilledAndNotHandedOutUntilSoManyHaveEnded() throws Exception {
    fork(List.of("-Dtensorarena.quarantine=64m"), Ended.class).assertSucceeded();
  }

  @Test
  void theQuarantineEndsWhenSoManyHaveEnded() throws Exception {
    fork(List.of("-Dtensorarena.quarantine=1m"), Bounded.class).assertSucceeded();
  }

  @Test
  void allElseWorksAsWithoutIt() throws Exception {
    fork(List.of("-Dtensorarena.quarantine=8m"), Works.class).assertSucceeded();
  }

  @Test
  void aSizeThatIsNoNumberOfBytesIsNamed() throws Exception {
    TestSupport.Outcome outcome = fork(List.of("-Dtensorarena.quarantine=much"), Works.class);
    assertTrue(outcome.exit() != 0);
    outcome.assertPrinted("tensorarena.quarantine=much", "number of bytes");
  }

  private static void assertPattern(ByteBuffer bytes) {
    for (int i = 0; i < bytes.capacity(); i++) {
      assertEquals(PATTERN, bytes.get(i));
    }
  }

  static final class Ended {
    public static void main(String[] args) {
      ByteBuffer last;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.empty(DType.INT8, 64);
        Set<Long> seen = new HashSet<>();
        for (int i = 0; i < 100; i++) {
          Scope scope = ctx.scope();
          Tensor tensor = ctx.empty(DType.INT8, 1000).fill(1);
          ByteBuffer stale = tensor.asByteBuffer();
          assertTrue(seen.add(tensor.address()), "never the same bytes");
          scope.close();
          assertPattern(stale);
        }
        ByteBuffer stale = ctx.empty(DType.INT8, 200_000).fill(1).asByteBuffer();
        ctx.reset();
        assertPattern(stale);
        for (int i = 0; i < 5; i++) { // also when one chunk is all that there is
          ByteBuffer small = ctx.empty(DType.INT8, 100).fill(1).asByteBuffer();
          ctx.reset();
          assertPattern(small);
        }
        Tensor next = ctx.empty(DType.INT8, 200_000);
        assertFalse(seen.contains(next.address()));
        last = next.fill(1).asByteBuffer();
      }
      assertPattern(last);
    }
  }

  static final class Bounded {
    public static void main(String[] args) {
      long reserved = 0;
      for (int i = 0; i < 2000; i++) {
        try (ExecutionContext ctx = ExecutionContext.open()) {
          for (int j = 0; j < 10; j++) {
            Scope scope = ctx.scope();
            ctx.empty(DType.INT8, 60_000).fill(1);
            scope.close();
          }
        }
        reserved = i == 100 ? ChunkPool.stats().committedBytes() : reserved;
      }
      assertEquals(reserved, ChunkPool.stats().committedBytes());
      assertEquals(0, ChunkPool.stats().inUseChunks());
    }
  }

  static final class Works {
    public static void main(String[] args) {
      try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(1 << 20)) {
        for (int cycle = 0; cycle < 50; cycle++) {
          Tensor outer = ctx.allocSlice(1f, 2f);
          Scope scope = ctx.scope();
          ctx.empty(DType.INT8, 70_000);
          SharedTensor shared = ctx.allocSlice(3f).share();
          Tensor kept = scope.closeKeeping(ctx.allocSlice(4f, 5f));
          assertTrue(kept.isWritable());
          kept.setFloat(6f, 0);
          Scope next = ctx.scope();
          Tensor strided = ctx.copyOf(Shape.of(2, 2), 1f, 2f, 3f, 4f).transpose();
          Tensor keptToo = next.closeKeeping(strided);
          ctx.empty(DType.INT8, 10_000).fill(-1);
          assertArrayEquals(new float[] {1, 2}, outer.toFloatArray());
          assertArrayEquals(new float[] {6, 5}, kept.toFloatArray());
          assertArrayEquals(new float[] {1, 3, 2, 4}, keptToo.toFloatArray());
          assertEquals(3f, shared.getFloat(0));
          ctx.reset();
          assertEquals(0, ctx.memoryUsage());
          assertEquals(3f, shared.getFloat(0));
          shared.close();
        }
      }
      assertEquals(0, ChunkPool.stats().inUseChunks());
      assertEquals(0, ChunkPool.stats().pinnedChunks());
    }
  }
}
