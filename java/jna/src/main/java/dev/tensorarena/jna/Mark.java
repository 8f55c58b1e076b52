package dev.tensorarena.jna;

import dev.tensorarena.Scope;

/**
 * How far an arena had been used when {@link JnaArena#mark} was called. Nothing else makes marks,
 * and only {@link JnaArena#rewind} of the same arena takes them, each once.
 */
public final class Mark {
  final JnaArena arena;

  /** Where it is among the marks of its arena. */
  final long number;

  /** What is allocated from the mark on. */
  final Epoch epoch;

  /** A {@code ta_position}; null in the arena of a context. */
  final long[] position;

  /** In the arena of a context: what is allocated from the mark on lives in it, also Java's. */
  Scope scope;

  /** Without a scope, which can be opened once there is somebody to close it. */
  Mark(JnaArena arena, long number, Epoch epoch, long[] position) {
    this.arena = arena;
    this.number = number;
    this.epoch = epoch;
    this.position = position;
  }

  /** Returns whether a rewind, a reset or the end of a scope has gone back past it. */
  boolean hasEnded() {
    return epoch.hasEnded() || scope != null && !scope.isOpen();
  }

  @Override
  public String toString() {
    return "mark " + number + " of " + arena;
  }
}
