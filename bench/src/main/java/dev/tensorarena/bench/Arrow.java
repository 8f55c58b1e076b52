package dev.tensorarena.bench;

import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;

/** Arrow's allocator for the process, over {@code arrow-memory-unsafe}. */
final class Arrow {
  static final BufferAllocator ROOT = new RootAllocator(Long.MAX_VALUE);

  private Arrow() {}
}
