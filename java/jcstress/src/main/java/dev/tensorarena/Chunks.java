package dev.tensorarena;

import java.nio.LongBuffer;

/** What the tests see of the chunks behind the tensors. */
final class Chunks {
  private Chunks() {}

  /** The chunk of a tensor that is not shared, as long as its context lives. */
  static long of(Tensor tensor) {
    return tensor.scope.context.arena().chunkOf(tensor.start(), tensor.byteCount());
  }

  /** How many pin a chunk that its context has let go of. */
  static int pins(long chunk) {
    Window slab = Window.over(chunk, Long.BYTES);
    LongBuffer descriptors = slab.longs;
    return (int) (descriptors.get(slab.wordOf(chunk)) >> 1);
  }

  /**
   * How many chunks are in use: 0 in an arbiter, if the test's states hold none and its actors
   * close what they open, since no actor runs while arbiters do.
   */
  static int leaked() {
    return (int) ChunkPool.stats().inUseChunks();
  }
}
