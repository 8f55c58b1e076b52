package dev.tensorarena.jna;

import dev.tensorarena.Tensor;
import java.nio.ByteBuffer;

/** Bytes that a {@link JnaArena} has allocated, or some of them. */
final class ArenaMemory extends BoundedMemory {
  private final JnaArena arena;
  private final Epoch epoch;

  /** In the arena of a context, dead when the scope has ended; null in one of JNA's. */
  private final Tensor tensor;

  ArenaMemory(JnaArena arena, Epoch epoch, Tensor tensor, long address, long bytes) {
    super(address, bytes);
    this.arena = arena;
    this.epoch = epoch;
    this.tensor = tensor;
  }

  @Override
  void requireReadable() {
    arena.requireUsable();
    if (tensor != null) {
      tensor.rank(); // passes the gate
    }
    if (epoch.hasEnded()) {
      throw new IllegalStateException(this + " have ended: the arena was rewound or reset");
    }
  }

  @Override
  void requireWritable() {
    requireReadable();
  }

  @Override
  BoundedMemory part(long at, long bytes) {
    return new ArenaMemory(arena, epoch, tensor, address() + at, bytes);
  }

  @Override
  ByteBuffer view(long offset, long length) {
    return rawView(offset, length);
  }

  @Override
  public String toString() {
    return size() + " bytes of " + arena;
  }
}
