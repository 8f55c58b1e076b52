package dev.tensorarena;

/**
 * What an {@link ExecutionContext}'s memory was used for at one moment.
 *
 * @param allocatedBytes what the memory limit counts: all bytes handed out and not ended, their
 *     alignment padding, and {@code wastedBytes}
 * @param reservedBytes the size of the chunks that the context holds; a chunk that left it because
 *     a shared tensor keeps it does not count
 * @param peakBytes the highest {@code allocatedBytes} so far
 * @param wastedBytes bytes of ended tensors that cannot be used again until shared tensors above
 *     them are closed
 * @param chunks the number of chunks that the context holds
 * @param refills how often the context took a chunk while it held one; does not grow in a steady
 *     workload
 */
public record ArenaStats(
    long allocatedBytes,
    long reservedBytes,
    long peakBytes,
    long wastedBytes,
    long chunks,
    long refills) {
  // Words of ta_arena_info, which HeaderTest compares.
  private static final int ALLOCATED = 0;
  private static final int RESERVED = 1;
  private static final int PEAK = 2;
  private static final int WASTED = 3;
  private static final int CHUNKS = 4;
  private static final int REFILLS = 5;
  private static final int WORDS = 7;

  /** Of an arena that has no memory. */
  static final ArenaStats NOTHING = new ArenaStats(0, 0, 0, 0, 0, 0);

  /** Asks the arena, which must be open. */
  static ArenaStats of(Arena arena, long handle) {
    long[] info = new long[WORDS];
    int status = NativeArena.arenaStats(arena, handle, info);
    if (status != NativeArena.OK) {
      throw new IllegalStateException("unexpected status " + status + " of " + arena.label());
    }
    return new ArenaStats(
        info[ALLOCATED], info[RESERVED], info[PEAK], info[WASTED], info[CHUNKS], info[REFILLS]);
  }
}
