package dev.tensorarena;

/**
 * The bytes that scopes have left below the cursor when they ended, because a pin or a quarantine
 * kept it up. The nodes of the list are the scopes that ended, each with its mark and where its
 * bytes end, so that an end allocates nothing, and knows of pins that native code has made. The
 * scope around it has the list, the newest first, and everything in it ends with that one.
 */
final class Leftovers {
  private Leftovers() {}

  /**
   * Notes what an ended scope has left in the one around it; may be repeated.
   *
   * @param start where the cursor was after the rewind, which counts if the mark stood in no chunk
   * @param end where the bytes end
   */
  static void add(Scope around, Scope ended, long start, long end) {
    if (ended.markCursor <= ControlBlock.NOWHERE) {
      ended.markCursor = start; // or all that lies below would have ended
    }
    Scope last = around.leftovers;
    if (last != null
        && last.markNewest == ended.markNewest
        && last.leftoversEnd == ended.markCursor) {
      last.leftoversEnd = end; // nothing lies between them
      return;
    }
    ended.leftoversEnd = end;
    if (last != ended) {
      ended.leftovers = last; // in place of its own: those have ended with it
      around.leftovers = ended;
    }
  }

  /** Returns whether bytes below the cursor have ended all the same; some of them, or all. */
  static boolean have(Scope innermost, long address, long size) {
    for (Scope open = innermost; open != null; open = open.parent) {
      for (Scope ended = open.leftovers; ended != null; ended = ended.leftovers) {
        if (address < ended.leftoversEnd && address + size > ended.markCursor) {
          return Held.chunkOf(innermost, address, size) == 0; // else an outer scope's, among them
        }
      }
    }
    return false;
  }
}
