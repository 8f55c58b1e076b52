package dev.tensorarena;

import java.util.function.Function;

/**
 * Something of a user's that takes part in the end of a scope or of a shared handle, and may refuse
 * it: what views the same memory by other means, and must end together with it.
 *
 * <p>There is one of each class for a scope or a handle at most, made by {@link Scope#guard} or
 * {@link Tensor#guard} when it is first asked for. It is closed when its lifetime is about to end,
 * on the thread that ends it, before what is tracked and while the tensors are alive. It refuses by
 * throwing: nothing has ended then, and who asked for the end gets the exception.
 */
public abstract class Guard implements AutoCloseable {
  /** The one that was made before it; itself until it is part of a lifetime. */
  private Guard next = this;

  /** Makes a guard that is not yet part of a lifetime. */
  protected Guard() {}

  /**
   * Ends what this guard stands for. Called again if it has refused and the end is asked for once
   * more.
   *
   * @throws RuntimeException to refuse the end of the scope or the handle
   */
  @Override
  public abstract void close();

  /** The guard of a class in a list, or null. */
  static <T extends Guard> T find(Guard first, Class<T> type) {
    for (Guard guard = first; guard != null; guard = guard.next) {
      if (guard.getClass() == type) {
        return type.cast(guard);
      }
    }
    return null;
  }

  static <A, T extends Guard> T make(
      Class<T> type, Function<? super A, ? extends T> maker, A guarded) {
    T made = maker.apply(guarded);
    if (made.getClass() != type) {
      throw new IllegalArgumentException(
          "a guard of " + made.getClass() + " was made where one of " + type + " was asked for");
    }
    return made;
  }

  /**
   * Makes this the first of a list.
   *
   * @throws IllegalArgumentException if it is part of one
   */
  final Guard linkedTo(Guard first) {
    if (next != this) {
      throw new IllegalArgumentException(
          this + " guards something already: a new guard was to be made");
    }
    next = first;
    return this;
  }

  /**
   * Closes this guard, the first of its list.
   *
   * @return the rest of the list
   * @throws RuntimeException if it refuses
   */
  final Guard closed() {
    close();
    return next;
  }
}
