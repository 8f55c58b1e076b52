package dev.tensorarena.bench;

import dev.tensorarena.ArenaStats;
import dev.tensorarena.ExecutionContext;

/**
 * A context that is reset every so many allocations, as a server does it query by query. So its
 * memory is warm, its size is known, and a row pays for its share of the resets.
 */
final class ArenaCycle implements AutoCloseable {
  private final ExecutionContext context = ExecutionContext.open();
  private final int tensors;
  private int left;
  private long refills;

  ArenaCycle(int tensors) {
    this.tensors = tensors;
    this.left = tensors;
  }

  /** The context, for exactly one allocation. */
  ExecutionContext next() {
    if (left == 0) {
      context.reset();
      left = tensors;
    }
    left--;
    return context;
  }

  ArenaStats stats() {
    return context.arenaStats();
  }

  /** Refills since the last call: in a steady state there are none. */
  long newRefills() {
    long before = refills;
    refills = stats().refills();
    return refills - before;
  }

  @Override
  public void close() {
    context.close();
  }
}
