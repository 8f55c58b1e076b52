package dev.tensorarena;

/**
 * What remains of an arena that became unreachable without having been closed: memory, which is
 * taken back unless somebody may still use it. It must not refer to the {@link Arena}.
 *
 * <p>The fields are plain: who writes them keeps the arena reachable, and they are read once it no
 * longer is.
 */
final class Remains {
  private final long handle;

  /**
   * Whether a raw view or an address was given out, which may be used by who holds nothing else.
   */
  private boolean exposed;

  Remains(long handle, boolean exposed) {
    this.handle = handle;
    this.exposed = exposed;
  }

  void expose() {
    exposed = true;
  }

  /**
   * Takes the memory back, unless it is exposed. To be called once, on any thread.
   *
   * @return what was done, for the report
   */
  String reclaim() {
    if (exposed) {
      return "its memory is lost, because raw views or addresses of it were given out";
    }
    NativeArena.abandon(handle);
    return "its memory was reclaimed, except for chunks that shared tensors pin";
  }
}
