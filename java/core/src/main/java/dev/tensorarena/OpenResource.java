package dev.tensorarena;

/**
 * A resource that says whether it is open still, as all of this library do.
 *
 * <p>Where the stack ends while a scope or a shared handle closes what it {@linkplain Scope#track
 * tracks}, a resource that is open still stays tracked, and the next {@code close()} goes on with
 * it. Of an {@code AutoCloseable} that does not say so nobody can tell: it counts as closed.
 */
public interface OpenResource extends AutoCloseable {
  /**
   * Returns whether {@link #close}, called on this thread, has something left to do.
   *
   * @return false once it is closed
   */
  boolean isOpen();

  @Override
  void close();
}
