package dev.tensorarena.bench;

import dev.tensorarena.ExecutionContext;

/**
 * A context for every so many allocations, closed after them and another one opened, as a query has
 * one. {@link ArenaCycle} resets one instead.
 */
final class ContextCycle implements AutoCloseable {
  private final int tensors;
  private ExecutionContext context = ExecutionContext.open();
  private int left;

  ContextCycle(int tensors) {
    this.tensors = tensors;
    this.left = tensors;
  }

  /** The context, for exactly one allocation. */
  ExecutionContext next() {
    if (left == 0) {
      context.close();
      context = ExecutionContext.open();
      left = tensors;
    }
    left--;
    return context;
  }

  @Override
  public void close() {
    context.close();
  }
}
