package dev.tensorarena;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What a malicious program knows. It does not foresee what a call does, since the program's own
 * code runs in the middle of it; it asks afterwards what is alive, and holds that against what must
 * be so whatever was called: nothing dies unless its end was asked for, whoever is alive has the
 * contents that were last written, and nobody else's bytes.
 */
final class Malice {
  private Malice() {}

  /** A call of the library. */
  interface Body {
    void run() throws Throwable;
  }

  /** A broken promise. */
  static final class Violation extends AssertionError {
    private static final long serialVersionUID = 1;

    Violation(String what) {
      super(what);
    }
  }

  /** What the program's own code throws, besides errors that it makes up. */
  static final class Mischief extends RuntimeException {
    private static final long serialVersionUID = 1;

    Mischief(String what) {
      super(what);
    }

    /** Also the library's messages ask for this. */
    @Override
    public String getMessage() {
      MaliceActor.strike();
      return super.getMessage();
    }
  }

  /** Bytes that were allocated or wrapped: what each of their elements must be. */
  static final class Cells {
    /** Replaced with each write, never written: who shares keeps what it saw. Null: not known. */
    volatile long[] bits;

    /** Whether a tensor over them may be alive that nobody knows of. */
    boolean isForgotten;

    /** How many writes have begun. */
    int writes;

    /** The memory, if it is not an arena's. */
    final MaliceMemory foreign;

    /** Whether they were allocated by their address, at which others make tensors of them. */
    final boolean byAddress;

    Cells(long[] bits, MaliceMemory foreign) {
      this(bits, foreign, false);
    }

    private Cells(long[] bits, MaliceMemory foreign, boolean byAddress) {
      this.bits = bits;
      this.foreign = foreign;
      this.byAddress = byAddress;
    }

    static Cells byAddress() {
      return new Cells(null, null, true);
    }
  }

  /** A scope. */
  static final class Life {
    final Scope real;

    /** Whether its end was asked for, and it may have ended. */
    boolean endAsked;

    Life(Scope real, boolean endAsked) {
      this.real = real;
      this.endAsked = endAsked;
    }

    @Override
    public String toString() {
      return nameOf(real);
    }
  }

  /** A context, and all of its scopes that may be open. */
  static final class Context {
    final ExecutionContext real;
    final List<Life> lives = new ArrayList<>();

    /** How many calls that end something of it are running. */
    int ending;

    /** How many calls that end something of it there were. */
    int ends;

    /** Whether native code was given its arena. */
    boolean isLent;

    Context(ExecutionContext real) {
      this.real = real;
    }

    @Override
    public String toString() {
      return nameOf(real);
    }

    Life lifeOf(Scope scope) {
      for (Life life : lives) {
        if (life.real == scope) {
          return life;
        }
      }
      boolean ends = ending > 0 || scope.owner == null;
      for (Scope outer = scope.parent; outer != null && !ends; outer = outer.parent) {
        ends = lifeOf(outer).endAsked;
      }
      Life life = new Life(scope, ends);
      lives.add(life);
      return life;
    }
  }

  /** A tensor. */
  static final class Holding {
    Tensor real;
    Cells cells;

    /** The elements of the cells that it has, in row-major order; null for all. */
    int[] at;

    /** What a shared handle saw when it was made; null: not known, and for tensors of a scope. */
    long[] frozen;

    /** Of which it is a view, or itself. */
    Holding origin = this;

    /** The scope that ends it; null for shared handles and views of them. */
    Life life;

    /** How often the end of a shared handle was asked for. */
    final AtomicInteger closeAsked = new AtomicInteger();

    boolean isShared() {
      return life == null;
    }

    boolean isHandle() {
      return real instanceof SharedTensor;
    }

    /** Whether the library says that it is alive; calls nothing of the program's own. */
    boolean isAlive() {
      return real != null && isAlive(real);
    }

    static boolean isAlive(Tensor tensor) {
      return tensor.scope != null
          ? tensor.scope.owner != null
          : !((SharedTensor) tensor.origin()).isClosed();
    }

    boolean mustBeAlive() {
      return life != null ? !life.endAsked : origin.closeAsked.get() == 0;
    }

    int length() {
      return (int) real.shape.numElements();
    }

    /** What the elements of all the cells must be, or null. Another array after each write. */
    long[] base() {
      return isShared() ? origin.frozen : cells.bits;
    }

    /** What the elements must be, or null. */
    long[] expected() {
      long[] all = base();
      if (all == null || at == null) {
        return all;
      }
      long[] bits = new long[at.length];
      for (int i = 0; i < at.length; i++) {
        bits[i] = all[at[i]];
      }
      return bits;
    }

    int place(int i) {
      return at == null ? i : at[i];
    }

    boolean overlaps(long start, long bytes) {
      return at == null && meet(real.start(), real.byteCount(), start, bytes);
    }

    @Override
    public String toString() {
      return nameOf(real) + " of " + nameOf(cells) + (cells.foreign == null ? "" : ", wrapped");
    }
  }

  /** Names a thing in what is printed of a program. */
  static String nameOf(Object thing) {
    return thing == null
        ? "nothing"
        : thing.getClass().getSimpleName()
            + "@"
            + Integer.toHexString(System.identityHashCode(thing));
  }

  /** Whether two ranges have a byte in common. */
  static boolean meet(long start, long bytes, long other, long otherBytes) {
    return Math.max(start, other) < Math.min(start + bytes, other + otherBytes);
  }

  /** Bytes that a scope was asked for by their address. */
  static final class Room {
    final Cells cells = Cells.byAddress();
    Context ctx;
    final Life life;
    final long bytes;
    long address;

    Room(Context ctx, Life life, long bytes) {
      this.ctx = ctx;
      this.life = life;
      this.bytes = bytes;
    }

    boolean isAlive() {
      return life.real.owner != null;
    }

    boolean overlaps(long start, long length) {
      return meet(address, bytes, start, length);
    }

    @Override
    public String toString() {
      return nameOf(cells) + " of " + life;
    }
  }

  /** A pin, and what it keeps; see {@link MaliceNatives.NativePin}, too. */
  static class Pin {
    TensorPin real;
    Cells cells;

    /** What the bytes were when they were pinned, if they were frozen; else null. */
    long[] frozen;

    long address;
    long bytes;
    boolean closeAsked;

    long[] expected() {
      return frozen != null ? frozen : cells.bits;
    }

    boolean holds() {
      return real != null && !closeAsked;
    }

    boolean overlaps(long start, long length) {
      return meet(address, bytes, start, length);
    }

    @Override
    public String toString() {
      return nameOf(real) + " of " + nameOf(cells);
    }
  }
}
