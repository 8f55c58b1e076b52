package dev.tensorarena.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.ExecutionContext;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.function.Executable;

/** Tests with a context of their own; every chunk must have come home when it is closed. */
abstract class InContext {
  private final long chunksBefore = ChunkPool.stats().inUseChunks();

  final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void closeContext() {
    ctx.close();
    assertEquals(chunksBefore, ChunkPool.stats().inUseChunks(), "chunks in use");
  }

  /** Runs a task on a new thread and waits for it. */
  static <T> T onThread(Callable<T> task) throws Exception {
    FutureTask<T> future = new FutureTask<>(task);
    Thread thread = new Thread(future, "another");
    thread.start();
    thread.join();
    try {
      return future.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw (Exception) e.getCause();
    }
  }

  /** Asserts an exception and that its message gives the values. */
  static <T extends Throwable> T assertRefuses(Class<T> type, Executable call, String... parts) {
    T thrown = assertThrows(type, call);
    for (String part : parts) {
      assertTrue(
          String.valueOf(thrown.getMessage()).contains(part),
          () -> "\"" + part + "\" is not in: " + thrown.getMessage());
    }
    return thrown;
  }

  /** Asserts the exception of what is dead or cannot be ended. */
  static void assertRefuses(Executable call, String... parts) {
    assertRefuses(IllegalStateException.class, call, parts);
  }
}
