package dev.tensorarena;

/** What the library knows of arenas, whoever has opened them. */
public final class OpenArenas {
  private OpenArenas() {}

  /** Returns how many are open. */
  public static long count() {
    return ChunkPool.openContexts();
  }
}
