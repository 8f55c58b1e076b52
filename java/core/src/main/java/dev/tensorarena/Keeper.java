package dev.tensorarena;

/** Carries one result of an ending scope over into the enclosing scope. */
final class Keeper {
  private Keeper() {}

  /**
   * Before anything has ended: the tensor whose bytes can be moved. Bytes that were shared may
   * still be read by others, and strided ones would be scattered, so both are copied to the top
   * first.
   */
  static Tensor prepare(ExecutionContext context, Tensor result) {
    return result.wasShared() || !result.isContiguous() ? result.copy(context) : result;
  }

  /**
   * Rewinds an ended scope and moves the bytes of the tensor, which ended with it, down to its
   * mark.
   *
   * <p>This takes no memory that the scope did not have: the tensor's own chunk stays with the
   * arena, and the mark is not above the tensor. Bytes in a chunk that leaves because others pin
   * it, bytes of raw room, aligned as the user chose, and bytes that the rewind would overwrite
   * stay where they are and are pinned for the enclosing scope.
   */
  static Tensor moveDown(Scope ended, Tensor kept) {
    Scope scope = ended.parent;
    Arena arena = ended.context.arena();
    Pin shared = kept.origin().pin;
    if (shared != null && shared.tryRetain()) {
      // A resource of the scope shared it while it closed: frozen, it stays where others read it.
      ended.rewind();
      scope.add(shared);
      return kept.movedTo(kept.window, kept.offset, scope, shared);
    }
    long from = kept.start();
    long size = kept.byteCount();
    long chunk = size == 0 ? 0 : arena.chunkOf(from, size);
    if (chunk == 0) { // a user's own buffer, or no bytes at all
      ended.rewind();
      return kept.movedTo(kept.window, kept.offset, scope, null);
    }
    boolean leaves = chunk != ended.markChunk() && arena.isPinned(chunk);
    if (leaves || kept.window.isForeign() || arena.overwritesEnded()) {
      Pin pin = pinnedFor(ended.context, from, size);
      scope.add(pin); // before anything that finds no heap
      ended.rewind();
      Tensor moved = kept.movedTo(kept.window, kept.offset, scope, pin);
      pin.thaw(moved);
      return moved;
    }
    ended.rewind();
    if (arena.isInCurrentChunk(from, size)) {
      // Below the floor of a pinned chunk: nothing will be allocated over it.
      return kept.movedTo(kept.window, kept.offset, scope, null);
    }
    long to = arena.allocate(size, ended.context.alignmentOf(kept.dtype()));
    Window window = arena.window();
    NativeArena.move(from, to, size);
    return kept.movedTo(window, (int) (to - window.address), scope, null);
  }

  /** A pin that only an enclosing scope holds, which it is to be added to. */
  static Pin pinnedFor(ExecutionContext context, long address, long size) {
    Pin pin = new Pin(context);
    pin.begin(address, size);
    pin.tryRetain(); // the enclosing scope's
    pin.end(context.arena()); // the ended scope's
    return pin;
  }
}
