package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterEach;

/** A context that adopts others; after each test all chunks have come home. */
abstract class Adopting {
  final long inUse = ChunkPool.stats().inUseChunks();
  final ExecutionContext ctx = ExecutionContext.builder().name("query").open();

  @AfterEach
  void nothingIsLost() {
    ctx.close();
    assertEquals(inUse, ChunkPool.stats().inUseChunks());
  }

  static ExecutionContext child() {
    return ExecutionContext.builder().name("child").open();
  }
}
