package dev.tensorarena.bench;

import io.netty.buffer.AdaptiveByteBufAllocator;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;

/**
 * Netty's allocators, as its event loops have them: with a cache for each thread that allocates.
 * JMH's threads are none of Netty's, so they ask for it.
 */
final class Netty {
  /** Each thread has a cache: the last argument. */
  static final ByteBufAllocator POOLED =
      new PooledByteBufAllocator(
          true,
          PooledByteBufAllocator.defaultNumHeapArena(),
          PooledByteBufAllocator.defaultNumDirectArena(),
          PooledByteBufAllocator.defaultPageSize(),
          PooledByteBufAllocator.defaultMaxOrder(),
          PooledByteBufAllocator.defaultSmallCacheSize(),
          PooledByteBufAllocator.defaultNormalCacheSize(),
          true);

  /** The default of Netty 4.2; each thread has a magazine: the last argument. */
  static final ByteBufAllocator ADAPTIVE = new AdaptiveByteBufAllocator(true, true);

  private Netty() {}
}
