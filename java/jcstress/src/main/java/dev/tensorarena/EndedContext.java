package dev.tensorarena;

/**
 * A shared handle whose context has ended, so that everybody counts it in the atomic word. A second
 * allocation in the same chunk stays shared: the chunk then has one pin when all holders of the
 * first allocation are gone, none when one of them was counted out twice, and two when one was
 * lost.
 */
class EndedContext {
  static final long VALUE = 7;

  /** The only handle of its allocation. */
  final SharedTensor handle;

  private final SharedTensor keeper;
  private final long chunk;

  EndedContext() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(VALUE);
      chunk = Chunks.of(tensor);
      handle = tensor.share();
      keeper = ctx.allocSlice(0L).share();
    }
  }

  int pins() {
    return Chunks.pins(chunk);
  }

  /** In the arbiter, when all holders should be gone: the pins that are left. */
  int end() {
    int pins = pins();
    keeper.close();
    return pins;
  }
}
