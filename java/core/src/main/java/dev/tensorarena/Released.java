package dev.tensorarena;

/**
 * Something that is told when its last holder has let it go, as a link of the list that a context
 * keeps of them: an end may let go of many, and tells each once it is complete.
 */
abstract class Released {
  /** The next one in the list. */
  Released next;

  /** Does whatever the user likes: no end is half done, and no lock is held. */
  abstract void released();

  /**
   * Calls {@link #released}; an exception of its is logged. An error is thrown, and so is what a
   * listener of the log throws: whoever is left in the list is told by the next end.
   */
  final void tell() {
    try {
      released();
    } catch (Exception e) {
      log(this + " failed when it was released", e);
    }
  }

  /** Logs an error after which the caller goes on, unless the log itself fails. */
  static void logIfPossible(String what, Throwable thrown) {
    try {
      log(what, thrown);
    } catch (Throwable e) {
      return; // there is nowhere to log it
    }
  }

  /** Looks for the log only now: nearly no program needs it. */
  private static void log(String what, Throwable thrown) {
    System.getLogger("dev.tensorarena").log(System.Logger.Level.WARNING, what, thrown);
  }
}
