package dev.tensorarena;

/**
 * The words of an arena's control block, {@code ta_arena} of {@code tensorarena.h}, which explains
 * them.
 *
 * <pre>
 *   words of 64 bits   0 cursor  1 limit           2 base   3 slab
 *                      4 chunk   5 charged before  6 peak   7 wasted
 *                      8 opened, in milliseconds since 1970
 *                      9 generation, odd while the arena is open
 *                     10 newest chunk
 * </pre>
 *
 * <p>Behind it lies the rest of the record, which is the library's own; {@code jni_binding.c}
 * asserts where the words are of which statistics are made.
 */
final class ControlBlock {
  static final int CURSOR = 0;
  static final int LIMIT = 1;
  static final int BASE = 2;
  static final int CHUNK = 4;
  static final int CHARGED_BEFORE = 5;
  static final int PEAK = 6;
  static final int WASTED = 7;
  static final int GENERATION = 9;
  static final int NEWEST = 10;

  /** Where cursor and base of an arena without a chunk stand: above its limit of 0. */
  static final long NOWHERE = 64;

  /** Its size. */
  static final int WORDS = 11;

  static final int BYTES = WORDS * Long.BYTES;

  // Behind it.
  static final int RESERVED = 16;
  static final int CHUNKS = 17;
  static final int REFILLS = 18;

  /** The size of all that Java reads. */
  static final int BYTES_READ = (REFILLS + 1) * Long.BYTES;

  private ControlBlock() {}
}
