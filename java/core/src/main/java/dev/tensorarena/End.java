package dev.tensorarena;

/** What ends a scope. */
enum End {
  SCOPE("its scope was closed"),
  RESET("its context was reset"),
  CLOSE("its context was closed");

  /** In words that follow "is dead:". */
  final String reason;

  End(String reason) {
    this.reason = reason;
  }
}
