package dev.tensorarena.jna;

/**
 * The time between a mark and the next one: what was allocated in it ends with it. Epochs are a
 * list, the newest first, and only the arena's thread ends them.
 */
final class Epoch {
  final Epoch before;
  private boolean ended;

  Epoch(Epoch before) {
    this.before = before;
  }

  boolean hasEnded() {
    return ended;
  }

  /** Ends this one and those before it, back to the given one and with it; all for null. */
  void endBackTo(Epoch last) {
    for (Epoch epoch = this; epoch != null; epoch = epoch == last ? null : epoch.before) {
      epoch.ended = true;
    }
  }
}
