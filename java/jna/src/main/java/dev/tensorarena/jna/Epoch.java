package dev.tensorarena.jna;

import dev.tensorarena.Tensor;

/**
 * The time between a mark and the next one: what was allocated in it ends with it. Epochs are a
 * list, the newest first, and only the arena's thread ends them.
 */
final class Epoch {
  final Epoch before;

  /**
   * A tensor of the scope in which JNA last moved the context's cursor, or marked where it stood.
   * When it has died, Java has taken the cursor back, and may have brought it where it was. Null
   * where JNA has not moved it, and in an arena of its own.
   */
  Tensor witness;

  private boolean ended;

  Epoch(Epoch before) {
    this.before = before;
    this.witness = before == null ? null : before.witness;
  }

  boolean isOutlived() {
    return witness != null && !witness.isAlive();
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
