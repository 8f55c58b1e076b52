package dev.tensorarena.jna;

import com.sun.jna.Memory;
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
  final Memory position;

  /** In the arena of a context: what is allocated from the mark on lives in it, also Java's. */
  final Scope scope;

  /** In an arena of JNA's own. */
  Mark(JnaArena arena, long number, Epoch epoch, Memory position) {
    this.arena = arena;
    this.number = number;
    this.epoch = epoch;
    this.position = position;
    this.scope = null;
  }

  /** In the arena of a context. */
  Mark(JnaArena arena, long number, Epoch epoch, Scope scope) {
    this.arena = arena;
    this.number = number;
    this.epoch = epoch;
    this.position = null;
    this.scope = scope;
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
