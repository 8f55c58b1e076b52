package dev.tensorarena;

/** A handle on its way from the owner's thread to another, as through a queue of one. */
class HandedOver {
  static final long VALUE = 7;

  private volatile SharedTensor handle;

  final void put(SharedTensor shared) {
    handle = shared;
  }

  final SharedTensor take() {
    for (; ; Thread.onSpinWait()) {
      SharedTensor taken = handle;
      if (taken != null) {
        return taken;
      }
    }
  }

  /** Reads what was handed over, and lets go. */
  final int readAndClose() {
    try (SharedTensor taken = take()) {
      return (int) taken.getLongAt(0);
    }
  }
}
