package dev.tensorarena;

import java.util.function.Function;

/**
 * An object of the user's that takes part in the end of a scope or of a shared handle, and may
 * refuse it. It is meant for objects that access the same memory by other means, as segments do,
 * and must end together with it.
 *
 * <p>A scope or a handle has at most one guard of each class. {@link Scope#guard} or {@link
 * Tensor#guard} makes it when it is first asked for. It is closed when its lifetime is about to
 * end, on the thread that ends it, before the tracked resources and while the tensors are alive. It
 * refuses by throwing: its scope or handle has not ended then, and the caller that asked for the
 * end gets the exception.
 *
 * <p>Where several scopes end together, the guards of all of them are closed before anything else
 * of any of them ends, those of the outermost scope first: what is in use while something calls
 * back lies outside of what the callback opens.
 */
public abstract class Guard implements AutoCloseable {
  /**
   * The guard that was made before this one, or null, in the list that {@link Resources} keeps;
   * this one itself until it guards something.
   */
  Guard next = this;

  /** Makes a guard that is not yet part of a lifetime. */
  protected Guard() {}

  /**
   * Ends what this guard stands for. If it refuses, it is called again when the end is next asked
   * for.
   *
   * @throws RuntimeException to refuse the end of the scope or the handle
   */
  @Override
  public abstract void close();

  /**
   * Asked before a context {@linkplain ExecutionContext#detach is detached}, which closes the
   * guards of its open scopes, and before any of them is closed. What must end on this thread, and
   * not so early, refuses; by default nothing does.
   *
   * @throws RuntimeException to refuse; then nothing has ended and the context has not moved
   */
  protected void beforeDetach() {}

  /** Returns the guard of a class in a list, or null. */
  static <T extends Guard> T find(Guard first, Class<T> type) {
    for (Guard guard = first; guard != null; guard = guard.next) {
      if (guard.getClass() == type) {
        return type.cast(guard);
      }
    }
    return null;
  }

  /**
   * Makes a guard, which is not yet part of a lifetime. The maker may have done anything meanwhile,
   * also end what is to be guarded: the caller asks for that again.
   *
   * @throws IllegalArgumentException if it is of another class, or guards something already
   */
  static <A, T extends Guard> T make(
      Class<T> type, Function<? super A, ? extends T> maker, A guarded) {
    T made = maker.apply(guarded);
    if (made.getClass() != type) {
      throw new IllegalArgumentException(
          "the maker returned a guard of "
              + made.getClass()
              + ", but one of "
              + type
              + " was asked for");
    }
    if (((Guard) made).next != made) {
      throw new IllegalArgumentException(
          made + " guards something already; the maker must return a new guard");
    }
    return made;
  }
}
