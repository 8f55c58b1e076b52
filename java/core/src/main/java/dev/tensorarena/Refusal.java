package dev.tensorarena;

/** Why something of a scope cannot be used by the calling thread. */
final class Refusal {
  private Refusal() {}

  /**
   * Returns the exception.
   *
   * @param owner what the scope's owner is, by a racy read
   * @param how what has ended the scope; another thread may not see it yet
   */
  static IllegalStateException of(String what, Scope scope, Object owner, End how) {
    if (owner == null) {
      return new IllegalStateException(
          what
              + " of "
              + scope.context
              + " is dead: "
              + (how == null ? "its scope ended" : how.reason));
    }
    return new IllegalStateException(
        what
            + (owner instanceof DetachedContext moving
                ? " is in transit, detached by thread \"" + moving.from.getName()
                : " belongs to thread \"" + ((Thread) owner).getName())
            + "\" with "
            + scope.context
            + " and was used by thread \""
            + Thread.currentThread().getName()
            + "\"; "
            + wayOut(owner));
  }

  private static String wayOut(Object owner) {
    if (owner instanceof DetachedContext) {
      return "attach() of its DetachedContext gives it to a thread";
    }
    return ((Thread) owner).isAlive()
        ? "share() is how a tensor leaves its thread"
        : "its thread has ended, so that close() of the context is all that is left";
  }
}
