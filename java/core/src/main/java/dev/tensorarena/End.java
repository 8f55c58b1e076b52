package dev.tensorarena;

/** What ends a scope. */
enum End {
  /** It closes what it tracks; its tensors are alive. */
  UNDER_WAY("its scope is ending"),
  /** No end: it closes its guards, since its context leaves the thread. */
  DETACHING("its context is being detached"),
  SCOPE("its scope was closed"),
  RESET("its context was reset"),
  CLOSE("its context was closed"),
  /** The same, and the memory has been given back. */
  CLOSED("its context was closed");

  /** In words that follow "is dead:". */
  final String reason;

  End(String reason) {
    this.reason = reason;
  }
}
