package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the stack's end breaks off in a process that has never done it before. */
class FirstAtTheEdgeTest {
  /** The first thing that is watched overflows as all others do, whatever the JVM has to link. */
  @Test
  void theFirstWatchOverflowsAsAllDo() throws Exception {
    TestSupport.fork(List.of("-Dtensorarena.leakDetection=all"), First.class, "share")
        .assertSucceeded();
  }

  /** A class that could not be initialised would be lost for ever. */
  @Test
  @Tag("reliability")
  void theFirstSplitOverflowsAndTheNextDoesNot() throws Exception {
    TestSupport.fork(List.of("-Xcomp"), First.class, "split").assertSucceeded();
  }

  static final class First {
    private static OpenResource made;

    public static void main(String[] args) throws InterruptedException {
      StackEdge.onSmallStack(
          () -> {
            ExecutionContext ctx = ExecutionContext.open();
            Tensor tensor = ctx.allocSlice(1f, 2f);
            boolean shares = args[0].equals("share");
            StackEdge.atTheEdge(() -> made = shares ? tensor.share() : tensor.split(0, 2));
            made.close();
            ctx.close();
          });
      assertEquals(0, ChunkPool.stats().inUseChunks());
    }
  }
}
