package dev.tensorarena.jna;

/**
 * Offsets and sizes of the structs of {@code tensorarena.h}, in bytes. They are in the core, too,
 * and are written down here once more on purpose: this module reads the ABI on its own, and its
 * tests show that both readers agree.
 */
final class ArenaLayout {
  /** {@code ta_arena}, the control block. */
  static final int CURSOR = 0;

  static final int BASE = 16;
  static final int CHUNK = 32;
  static final int CHARGED_BEFORE = 40;
  static final int GENERATION = 72;
  static final int NEWEST = 80;

  /**
   * {@code ta_options}, in words of 64 bits as the next two; without the budget at its end, which
   * callers may leave out.
   */
  static final int OPTIONS_WORDS = 3;

  static final int CAPACITY = 0;
  static final int OPTIONS_MEMORY_LIMIT = 1;

  /** {@code ta_arena_info}. */
  static final int INFO_WORDS = 7;

  static final int ALLOCATED = 0;
  static final int RESERVED = 1;
  static final int PEAK = 2;
  static final int WASTED = 3;
  static final int CHUNKS = 4;
  static final int REFILLS = 5;

  /** {@code ta_position}. */
  static final int POSITION_WORDS = 4;

  private ArenaLayout() {}
}
