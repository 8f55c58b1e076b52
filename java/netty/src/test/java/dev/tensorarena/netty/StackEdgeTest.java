package dev.tensorarena.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ForkedJvm;
import dev.tensorarena.Shape;
import dev.tensorarena.StackEdge;
import dev.tensorarena.Tensor;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/** A last release where the stack ends: refused with nothing done, or done. In a JVM of its own. */
class StackEdgeTest {
  @Test
  void aReleaseThatFindsNoStackKeepsItsReference() throws Exception {
    for (String mode : new String[] {"-Xint", "-Xmixed"}) {
      ForkedJvm.run(Releases.class, mode, "--enable-native-access=ALL-UNNAMED");
    }
  }

  static final class Releases {
    private static int told;

    public static void main(String[] args) throws Exception {
      for (int i = 0; i < 20; i++) {
        int room = (256 << 10) + 512 * i;
        try (ExecutionContext ctx = ExecutionContext.open()) {
          releaseAtTheEdge(ctx.zeros(DType.INT8, 8), room);
          ByteBuffer memory = ByteBuffer.allocateDirect(8);
          releaseAtTheEdge(ctx.wrap(memory, DType.INT8, Shape.of(8), () -> told++), room);
        }
        assertEquals(0, ChunkPool.stats().pinnedChunks());
      }
      assertEquals(20, told);
      assertTrue(StackEdge.overflows() > 100, "overflows: " + StackEdge.overflows());
    }

    private static void releaseAtTheEdge(Tensor tensor, int room) throws InterruptedException {
      ByteBuf buffer = TensorBuffers.wrappedBuffer(tensor);
      Thread thread = new Thread(null, () -> StackEdge.atTheEdge(buffer::release), "small", room);
      thread.start();
      thread.join();
      assertEquals(0, buffer.refCnt());
    }
  }
}
