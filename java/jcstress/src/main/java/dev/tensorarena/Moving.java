package dev.tensorarena;

/** A context on its way from one thread to another, as through a queue of one. */
class Moving {
  static final long VALUE = 7;

  Tensor original;

  /** A handle that both threads use. */
  SharedTensor common;

  private volatile DetachedContext moving;

  final void put(DetachedContext detached) {
    moving = detached;
  }

  final DetachedContext take() {
    for (; ; Thread.onSpinWait()) {
      DetachedContext taken = moving;
      if (taken != null) {
        return taken;
      }
    }
  }

  /**
   * Gives a context away and goes on to share and close handles, as everybody does then; returns
   * what a handle reads.
   */
  final int giveAwayAndShare() {
    ExecutionContext ctx = ExecutionContext.open();
    original = ctx.allocSlice(VALUE);
    common = original.share();
    SharedTensor mine = original.share();
    SharedTensor early = original.share();
    put(ctx.detach());
    early.close();
    SharedTensor another = mine.tryShare();
    common.close();
    mine.close();
    if (another == null) {
      return 0;
    }
    int read = (int) another.getLongAt(0);
    another.close();
    return read;
  }
}
