package dev.tensorarena;

/** Handles on their way from the owner's thread to another, as through a queue of one. */
class HandedOver {
  static final long VALUE = 7;

  private volatile SharedTensor[] handles;

  final void put(SharedTensor... shared) {
    handles = shared;
  }

  /** Shares so many tensors, the first of which the scope will let go of first; hands them over. */
  final SharedTensor[] putShares(ExecutionContext ctx, int count) {
    SharedTensor[] shared = new SharedTensor[count];
    for (int i = count; --i >= 0; ) { // a scope begins with the last one
      shared[i] = ctx.allocSlice((long) i).share();
    }
    put(shared);
    return shared;
  }

  final SharedTensor[] takeAll() {
    for (; ; Thread.onSpinWait()) {
      SharedTensor[] taken = handles;
      if (taken != null) {
        return taken;
      }
    }
  }

  final SharedTensor take() {
    return takeAll()[0];
  }

  /** Reads what was handed over, lets go, and returns the sum. */
  final int readAndClose() {
    int sum = 0;
    for (SharedTensor each : takeAll()) {
      try (SharedTensor taken = each) {
        sum += (int) taken.getLongAt(0);
      }
    }
    return sum;
  }
}
