package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import org.junit.jupiter.api.Test;

/** An argument that the end of the stack refuses pins nothing. */
class StackEdgeTest {
  private static final int ROUNDS = 5;

  /** So large that the method which fills it is compiled, and its frames small. */
  private static final long STACK = 8 << 20;

  private static int overflows;
  private static Object argument;

  /** Fills the stack, then makes an argument in ever fewer frames until there is room. */
  private static void makeArgumentAtTheEdge(TensorPointer pointer) {
    try {
      makeArgumentAtTheEdge(pointer);
    } catch (StackOverflowError e) {
      overflows++;
    }
    if (argument == null) {
      try {
        argument = pointer.toNative();
      } catch (StackOverflowError e) {
        overflows++;
      }
    }
  }

  private static void makeArguments() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      TensorPointer pointer = TensorPointer.of(ctx.empty(DType.INT8, 10));
      pointer.toNative(); // links and loads
      makeArgumentAtTheEdge(pointer);
      argument = null;
    }
  }

  @Test
  void anArgumentThatTheStackRefusesPinsNothing() throws Exception {
    long before = ChunkPool.stats().inUseChunks();
    for (int i = 0; i < ROUNDS; i++) {
      Thread thread = new Thread(null, StackEdgeTest::makeArguments, "small", STACK);
      thread.start();
      thread.join();
    }
    assertTrue(overflows > ROUNDS);
    for (int i = 0; i < 2000 && ChunkPool.stats().inUseChunks() != before; i++) {
      System.gc(); // the last thing that could release a pin
      Thread.sleep(1);
    }
    assertEquals(before, ChunkPool.stats().inUseChunks());
  }
}
