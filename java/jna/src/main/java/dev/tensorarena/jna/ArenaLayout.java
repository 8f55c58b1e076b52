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
  static final int CHARGED_BEFORE = 40;
  static final int GENERATION = 72;
  static final int NEWEST = 80;

  /** {@code ta_options}. */
  static final int OPTIONS_BYTES = 24;

  static final int CAPACITY = 0;
  static final int OPTIONS_MEMORY_LIMIT = 8;

  /** {@code ta_arena_info}. */
  static final int INFO_BYTES = 56;

  static final int ALLOCATED = 0;
  static final int RESERVED = 8;
  static final int PEAK = 16;
  static final int WASTED = 24;
  static final int CHUNKS = 32;
  static final int REFILLS = 40;

  /** {@code ta_position}. */
  static final int POSITION_BYTES = 32;

  private ArenaLayout() {}
}
