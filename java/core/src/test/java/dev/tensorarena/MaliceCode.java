package dev.tensorarena;

/** The program's own code that ends together with scopes and handles. */
final class MaliceCode {
  private MaliceCode() {}

  /** A tracked resource; closed once. */
  static final class Resource implements AutoCloseable {
    private volatile boolean closed;

    boolean isClosed() {
      return closed;
    }

    @Override
    public String toString() {
      MaliceActor.strike();
      return "a malicious resource";
    }

    @Override
    public void close() {
      if (closed) {
        MaliceActor.report("a tracked resource was closed twice");
      }
      closed = true;
      MaliceActor.strike();
    }
  }

  /** A guard that may refuse, by what it throws; closed at last. */
  abstract static class Refusing extends Guard {
    private volatile boolean closed;

    boolean isClosed() {
      return closed;
    }

    @Override
    public String toString() {
      MaliceActor.strike();
      return "a malicious guard";
    }

    @Override
    public void close() {
      MaliceActor.strike();
      closed = true;
    }
  }

  static final class FirstGuard extends Refusing {}

  static final class SecondGuard extends Refusing {}

  /** Makes a guard, after having done something. */
  static FirstGuard firstGuard(Object guarded) {
    FirstGuard made = new FirstGuard();
    MaliceActor.strike();
    return made;
  }

  static SecondGuard secondGuard(Object guarded) {
    MaliceActor.strike();
    return new SecondGuard();
  }
}
