package dev.tensorarena.jna;

import com.sun.jna.Callback;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.NativeClient;
import dev.tensorarena.OpenResource;
import dev.tensorarena.Scope;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What a {@link JnaActor} knows of what it has. */
final class JnaThings {
  private JnaThings() {}

  interface Meanwhile extends Callback {
    void invoke();
  }

  /** Functions of C that are given tensors, and call back. */
  interface Functions extends Library {
    double client_call_back_and_sum(Pointer x, int n, Meanwhile callback);

    double client_call_back_and_sum(Tensor x, int n, Meanwhile callback);
  }

  static final Functions C =
      Native.load(
          NativeClient.FILE,
          Functions.class,
          Map.of(Library.OPTION_TYPE_MAPPER, TensorTypeMapper.INSTANCE));

  static boolean overlap(Pointer at, Cells cells, long start, Cells others) {
    long from = Pointer.nativeValue(at);
    return cells != others
        && Math.max(from, start)
            < Math.min(from + 4L * cells.contents.length, start + 4L * others.contents.length);
  }

  /** Bytes, which several may have. */
  static final class Cells {
    volatile float[] contents;

    /** Whether other threads have them, so that nobody writes any more. */
    volatile boolean isFrozen;

    /** Whether they were shared, so that the library lets nobody write. */
    volatile boolean isShared;

    Cells(float[] contents) {
      this.contents = contents;
    }

    double sum() {
      double sum = 0;
      for (float each : contents) {
        sum += each;
      }
      return sum;
    }
  }

  /** An arena, of JNA's own or of a context. */
  static final class Place {
    private static final long ALIGNMENT = 64; // of tensors

    final JnaArena arena;
    final ExecutionContext ctx; // null for one of JNA's own
    final List<Began> begun = new ArrayList<>();

    /** How many things were made in it. */
    int time;

    /** How many calls that end something of it are running. */
    int ending;

    Place(JnaArena arena, ExecutionContext ctx) {
      this.arena = arena;
      this.ctx = ctx;
    }

    /** The arena's cursor; 0 if nobody is told. */
    long cursor() {
      try {
        return arena.cursor();
      } catch (IllegalStateException e) {
        return 0;
      }
    }

    /** How many floats of a tensor take the cursor there; none if that is not ahead. */
    int floatsUpTo(long cursor) {
      long start = -ALIGNMENT & (cursor() + ALIGNMENT - 1);
      long bytes = Math.min(cursor - start, 1 << 20);
      return (int) Math.max(bytes / Float.BYTES, 0);
    }

    /** What is closed: an arena of a context ends with that. */
    OpenResource owner() {
      return ctx == null ? arena : ctx;
    }
  }

  /** A mark or a scope, and when it began. */
  record Began(Mark mark, Scope scope, int time) {
    boolean isOpen() {
      return scope == null ? !mark.hasEnded() : scope.isOpen();
    }
  }

  /** A pointer, or a tensor, to some bytes. */
  static final class Item {
    final Pointer pointer;
    final Tensor tensor; // null if JNA allocated the bytes
    final Cells cells;
    final Place place;
    final int time;
    boolean endAsked;

    /** Whether Java allocated the bytes behind JNA's back. */
    boolean isJavas;

    Item(Pointer pointer, Tensor tensor, Cells cells, Place place, int time) {
      this.pointer = pointer;
      this.tensor = tensor;
      this.cells = cells;
      this.place = place;
      this.time = time;
    }

    boolean isAlive() {
      try {
        pointer.getByte(0);
        return true;
      } catch (IllegalStateException e) {
        return false;
      }
    }
  }

  /** A pin. */
  record Pinned(ChunkPin real, Cells cells) {}

  /** A shared handle. */
  record Handle(SharedTensor real, Cells cells) {}
}
