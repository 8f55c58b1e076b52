package dev.tensorarena;

import static dev.tensorarena.TestSupport.fork;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Native code that gives back pins which nobody holds. */
class StrayPinTest {
  @Test
  void aReleaseTooManyIsLoggedOnceAndHarmsNobody() throws Exception {
    TestSupport.Outcome outcome = fork(List.of(), Program.class).assertSucceeded();
    outcome.assertPrinted("pins that nobody held, 2 since", "pins that nobody held, 1 since");
    String[] reports = outcome.output().split("pins that nobody held", -1);
    assertArrayEquals(new int[] {3}, new int[] {reports.length}, outcome.output());
  }

  /** Releases a chunk three times after it has come home. */
  static final class Program {
    public static void main(String[] args) {
      long chunk;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.allocSlice(1, 2, 3);
        chunk =
            NativeArena.view(ctx.nativeHandle(), ControlBlock.BYTES)
                .order(ByteOrder.nativeOrder())
                .getLong(8 * ControlBlock.CHUNK);
      }
      NativeArena.releaseChunk(chunk);
      NativeArena.releaseChunk(chunk);
      ChunkPool.stats();
      ChunkPool.stats();
      NativeArena.releaseChunk(chunk);
      ChunkPool.stats();
      ChunkPool.stats();
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = ctx.allocSlice(4, 5, 6);
        try (SharedTensor shared = tensor.share()) {
          ctx.reset();
          ctx.allocSlice(7, 8, 9);
          assertArrayEquals(new int[] {4, 5, 6}, shared.toIntArray());
        }
      }
      if (ChunkPool.stats().inUseChunks() != 0) {
        throw new AssertionError(ChunkPool.stats());
      }
    }
  }
}
