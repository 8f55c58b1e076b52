package dev.tensorarena.bench;

import java.util.function.Consumer;

/**
 * Allocations that live together, as those of a query do: when so many are there, each is given
 * back. So a rival's row pays for its releases as {@link ArenaCycle}'s does for its resets.
 */
final class Batch<T> implements AutoCloseable {
  private final Object[] live;
  private final Consumer<? super T> release;
  private int count;

  Batch(int capacity, Consumer<? super T> release) {
    this.live = new Object[capacity];
    this.release = release;
  }

  /** To be called before the allocation, so that never more than a batch is live. */
  void makeRoom() {
    if (count == live.length) {
      releaseAll();
    }
  }

  T add(T allocation) {
    live[count++] = allocation;
    return allocation;
  }

  /** Gives back all that was added, in that order. */
  @SuppressWarnings("unchecked") // only add stores
  void releaseAll() {
    for (int i = 0; i < count; i++) {
      release.accept((T) live[i]);
    }
    count = 0;
  }

  @Override
  public void close() {
    releaseAll();
  }
}
