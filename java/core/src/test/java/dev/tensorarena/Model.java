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
    static final int NOBODY = -1;

    final ExecutionContext real;

    /** The number of its thread; {@link #NOBODY} while it is in transit. */
    int owner;

    /** The last move, and the number of the thread that detached it. */
    DetachedContext moving;

    int from = NOBODY;

    /** Whether native code has its memory. */
    boolean lent;

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
    Life parent;
    Context context;

    /** What it is one with, and ends with, since it was adopted; itself else. */
    Life home = this;

    final Deque<Tracked> tracked = new ArrayDeque<>();
    boolean open = true;

    Life(Scope real, Life parent, Context context) {
      this.real = real;
      this.parent = parent;
      this.context = context;
    }

    boolean isAdopted() {
      return home != this;
    }

    /** The innermost of the scopes that are one with it, which has what is tracked. */
    Life latest() {
      Life latest = context.innermost;
      for (Life life = latest; life != this; life = life.parent) {
        latest = life.isAdopted() ? latest : life.parent;
      }
      return latest;
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
    int openParts;

    /** What may be written in parts alone, while any is open; null if it was not split. */
    Split split;

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
      return known
          && openParts + openHandles + lives.stream().filter(life -> life.open).count() == 1;
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
    private static final int ANY = -1;

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

    /** Of which this is a part; null for none. */
    Split partOf;

    /** Whose part it is. */
    int thread = ANY;

    /** Of a part: what it is split into, and whether it was shared. */
    Split split;

    boolean shared;

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
      return isAlive()
          && (life != null
              ? life.context.owner == actor
              : origin.thread == ANY || origin.thread == actor);
    }

    boolean isFrozen() {
      if (origin.partOf != null) {
        return origin.shared || isSplit() || origin.split != null && origin.split.wasShared();
      }
      return cells.readOnly || isSplit() || cells.shared && cells.writer != origin;
    }

    /** Whether parts are open; those of a shared handle are others'. */
    boolean isSplit() {
      Split parts = origin.partOf != null ? origin.split : life == null ? null : cells.split;
      return parts != null && !parts.isDone();
    }

    /** The scope of the allocation that it is in. */
    Life home() {
      return origin.partOf != null ? origin.partOf.whole.home() : origin.life;
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

  /**
   * A tensor in parts: of each where it ends on the axis, who took it, and whether it is closed.
   */
  static final class Split {
    final TensorParts real;
    final Handle whole;
    final int axis;
    final int[] ends;
    final Handle[] taken;
    final boolean[] closed;
    private final Handle source;

    Split(TensorParts real, Handle source, int axis, int[] ends) {
      this.real = real;
      this.source = source;
      this.whole = source.origin;
      this.axis = axis;
      this.ends = ends;
      this.taken = new Handle[ends.length];
      this.closed = new boolean[ends.length];
      source.cells.openParts += ends.length;
      if (whole.partOf != null) {
        whole.split = this;
      } else {
        source.cells.split = this;
      }
    }

    /** A part, as a thread has it. */
    Handle part(int k, Tensor tensor, int thread) {
      int from = k == 0 ? 0 : ends[k - 1];
      long[] dims = source.dims.clone();
      dims[axis] = ends[k] - from;
      int[] at = new int[product(dims)];
      for (int flat = 0; flat < at.length; flat++) {
        long[] index = Handle.index(dims, flat);
        index[axis] += from;
        at[flat] = source.at[Handle.flat(source.dims, index)];
      }
      Handle part = new Handle(tensor, source.cells, dims, at, null, null);
      part.partOf = this;
      part.thread = thread;
      return part;
    }

    void close(int k) {
      if (!closed[k]) {
        closed[k] = true;
        source.cells.openParts--;
        if (taken[k] != null) {
          taken[k].closed = true;
        }
      }
    }

    boolean isDone() {
      for (int k = 0; k < ends.length; k++) {
        Handle part = taken[k];
        if (!closed[k] || part != null && part.split != null && !part.split.isDone()) {
          return false;
        }
      }
      return true;
    }

    boolean wasShared() {
      for (Handle part : taken) {
        if (part != null && (part.shared || part.split != null && part.split.wasShared())) {
          return true;
        }
      }
      return false;
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
