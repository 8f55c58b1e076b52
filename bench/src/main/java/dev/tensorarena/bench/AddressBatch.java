package dev.tensorarena.bench;

import java.util.function.LongConsumer;

/** A {@link Batch} of bare addresses. */
final class AddressBatch implements AutoCloseable {
  private final long[] live;
  private final LongConsumer release;
  private int count;

  AddressBatch(int capacity, LongConsumer release) {
    this.live = new long[capacity];
    this.release = release;
  }

  /** To be called before the allocation, so that never more than a batch is live. */
  void makeRoom() {
    if (count == live.length) {
      releaseAll();
    }
  }

  long add(long address) {
    live[count++] = address;
    return address;
  }

  /** Gives back all that was added, in that order. */
  void releaseAll() {
    for (int i = 0; i < count; i++) {
      release.accept(live[i]);
    }
    count = 0;
  }

  @Override
  public void close() {
    releaseAll();
  }
}
