package dev.tensorarena;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** What is known about contexts, scopes and tensors, in plain arrays; no rule of it is native. */
final class Model {
  private Model() {}

  /** A context, open or closed. */
  static final class Context {
    final ExecutionContext real;

    /** The number of its thread. */
    final int owner;

    /** In bytes, -1 for none. */
    final long limit;

    boolean open = true;
    Life innermost = new Life(null, null, this);

    Context(ExecutionContext real, int owner, long limit) {
      this.real = real;
      this.owner = owner;
      this.limit = limit;
    }
  }

  /** A scope; the root's ends with reset and close. */
  static final class Life {
    final Scope real;
    final Life parent;
    final Context context;
    final Deque<Tracked> tracked = new ArrayDeque<>();
    boolean open = true;

    Life(Scope real, Life parent, Context context) {
      this.real = real;
      this.parent = parent;
      this.context = context;
    }

    boolean isWithin(Life outer) {
      for (Life life = this; life != null; life = life.parent) {
        if (life == outer) {
          return true;
        }
      }
      return false;
    }
  }

  /** A resource; says when it is closed, and may throw. */
  static final class Tracked implements AutoCloseable {
    final boolean fails;
    private final List<Tracked> log;

    Tracked(boolean fails, List<Tracked> log) {
      this.fails = fails;
      this.log = log;
    }

    @Override
    public void close() {
      log.add(this);
      if (fails) {
        throw new Failure();
      }
    }
  }

  /** Thrown by a resource that is closed. */
  static final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** An allocation: what its elements must be, who holds it, and who may write. */
  static final class Cells {
    final long[] bits;

    /** A wrapped buffer that is read-only. */
    final boolean readOnly;

    /** A user's buffer, which no scope moves. */
    final boolean foreign;

    /** From the first share on. */
    boolean shared;

    /** The scopes that hold it since it was shared: the original's, or one that took it over. */
    final List<Life> lives = new ArrayList<>();

    /** The original's scope. */
    Life home;

    int openHandles;

    /** The origin that may write although it is shared. */
    Handle writer;

    Cells(long[] bits, boolean foreign, boolean readOnly) {
      this.bits = bits;
      this.foreign = foreign;
      this.readOnly = readOnly;
    }

    /** Whether the caller, a holder, is known to be the only one. */
    boolean isSole(int actor) {
      boolean known = !home.open || home.context.owner == actor;
      return known && openHandles + lives.stream().filter(life -> life.open).count() == 1;
    }

    void share(Life originals) {
      if (!shared) {
        shared = true;
        home = originals;
        lives.add(home);
      }
      writer = null;
      openHandles++;
    }
  }

  /** A tensor: where each of its elements lies, in row-major order. */
  static final class Handle {
    final Tensor real;
    final Cells cells;
    final long[] dims;
    final int[] at;

    /** Where it lives; null for shared handles and views of them. */
    final Life life;

    /** The handle that it is a view of, or itself. */
    final Handle origin;

    final Deque<Tracked> tracked = new ArrayDeque<>();
    boolean closed;

    Handle(Tensor real, Cells cells, long[] dims, int[] at, Life life, Handle origin) {
      this.real = real;
      this.cells = cells;
      this.dims = dims;
      this.at = at;
      this.life = life;
      this.origin = origin == null ? this : origin;
    }

    DType dtype() {
      return real.dtype();
    }

    boolean isAlive() {
      return life != null ? life.open : !origin.closed;
    }

    boolean isUsable(int actor) {
      return isAlive() && (life == null || life.context.owner == actor);
    }

    boolean isFrozen() {
      return cells.readOnly || cells.shared && cells.writer != origin;
    }

    boolean isContiguous() {
      for (int i = 1; i < at.length; i++) {
        if (at[i] != at[i - 1] + 1) {
          return false;
        }
      }
      return true;
    }

    boolean isShared() {
      return real instanceof SharedTensor;
    }

    long[] bits() {
      long[] bits = new long[at.length];
      for (int i = 0; i < at.length; i++) {
        bits[i] = cells.bits[at[i]];
      }
      return bits;
    }

    /** The row-major index of an element. */
    static int flat(long[] dims, long[] index) {
      int flat = 0;
      for (int axis = 0; axis < dims.length; axis++) {
        flat = flat * (int) dims[axis] + (int) index[axis];
      }
      return flat;
    }

    /** The other way round. */
    static long[] index(long[] dims, int flat) {
      long[] index = new long[dims.length];
      for (int axis = dims.length - 1; axis >= 0; axis--) {
        index[axis] = flat % dims[axis];
        flat /= (int) dims[axis];
      }
      return index;
    }
  }

  static int product(long[] dims) {
    int product = 1;
    for (long dim : dims) {
      product *= (int) dim;
    }
    return product;
  }
}
