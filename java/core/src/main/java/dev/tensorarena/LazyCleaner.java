package dev.tensorarena;

import java.lang.ref.Cleaner;

/**
 * A {@link Cleaner} that is made when it is first needed. As the constant of a class it would be
 * lost for ever, and all that needs it, if the machine had no thread for it then; here the next one
 * tries again.
 */
final class LazyCleaner {
  private volatile Cleaner made;

  /** Has an action run once an object is unreachable, as {@link Cleaner#register} does. */
  Cleaner.Cleanable register(Object watched, Runnable action) {
    Cleaner cleaner = made;
    return (cleaner == null ? make() : cleaner).register(watched, new Logged(action));
  }

  private synchronized Cleaner make() {
    if (made == null) {
      made = Cleaner.create();
    }
    return made;
  }

  /** What an action throws, a Cleaner forgets: it may be an error of who had lent memory. */
  private record Logged(Runnable action) implements Runnable {
    @Override
    public void run() {
      try {
        action.run();
      } catch (Throwable e) {
        Released.logIfPossible("what nobody could reach failed to be let go of", e);
      }
    }
  }
}
