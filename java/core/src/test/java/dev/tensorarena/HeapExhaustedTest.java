package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** When the Java heap runs out in the middle of a call, nothing is lost. */
class HeapExhaustedTest {
  @Test
  void aShareThatFindsNoHeapLeaksNoPin() throws Exception {
    TestSupport.fork(List.of("-Xmx16m", "-Dtensorarena.leakDetection=off"), Shares.class)
        .assertSucceeded();
  }

  @Test
  void anAllocationThatFindsNoHeapLeavesTheContextUsable() throws Exception {
    TestSupport.fork(List.of("-Xmx16m", "-Dtensorarena.leakDetection=off"), Allocations.class)
        .assertSucceeded();
  }

  @Test
  void aResultThatIsKeptWithoutHeapLeaksNoPin() throws Exception {
    TestSupport.fork(List.of("-Xmx16m", "-Dtensorarena.leakDetection=off"), Kept.class)
        .assertSucceeded();
  }

  /** Keeps a result in a chunk that others pin, with room for ever more objects. */
  static final class Kept {
    private static final int SIZE = 65_536;

    static final FullHeap HEAP = new FullHeap();

    public static void main(String[] args) {
      keep(FullHeap.ALL, true); // loads all classes while there is heap
      keep(FullHeap.ALL, false);
      int refused = 0;
      int kept = 0;
      for (int room = 0; room < 24; room++) {
        for (boolean pinned : new boolean[] {true, false}) {
          if (keep(room, pinned)) {
            kept++;
          } else {
            refused++;
          }
          assertEquals(0, ChunkPool.stats().inUseChunks());
        }
      }
      assertTrue(refused > 2, "of each way, for a pin and for a handle: " + refused);
      assertTrue(kept > 2, "with room for both: " + kept);
    }

    /** With room for so many small objects; false if that was too little. */
    private static boolean keep(int room, boolean pinned) {
      boolean kept;
      Tensor result = null;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor outer = ctx.empty(DType.INT8, 64).fill(1);
        Scope scope = ctx.scope();
        ctx.empty(DType.INT8, SIZE);
        SharedTensor neighbour = ctx.empty(DType.INT8, 64).fill(2).share();
        if (!pinned) {
          neighbour.close(); // moved down instead
        }
        Tensor inner = ctx.empty(DType.INT8, 64).fill(3);
        HEAP.fillButFor(room);
        try {
          result = scope.closeKeeping(inner);
          kept = true;
        } catch (OutOfMemoryError e) {
          kept = false;
        }
        HEAP.empty();
        if (!kept) {
          result = scope.closeKeeping(inner);
        }
        assertEquals(3, result.getByte(63));
        assertFalse(inner.isAlive());
        assertEquals(1, outer.getByte(63));
        assertEquals(4, ctx.empty(DType.INT8, SIZE).fill(4).getByte(0));
        if (pinned) {
          assertEquals(2, neighbour.getByte(63));
          neighbour.close();
        }
      }
      return kept;
    }
  }

  /** The first {@code mutable} of a JVM links what it calls, which takes heap. */
  @Test
  void aHandleWhoseFirstMutableFindsNoHeapIsMadeMutableByTheNext() throws Exception {
    for (int room = 0; room <= 28; room += 4) {
      TestSupport.fork(List.of("-Xmx16m", "-XX:+UseSerialGC", "-Droom=" + room), FirstMutable.class)
          .assertSucceeded();
    }
  }

  static final class FirstMutable {
    public static void main(String[] args) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        SharedTensor handle;
        try (ExecutionContext other = ExecutionContext.open()) {
          handle = other.empty(DType.INT8, 1000).fill(7).share();
        }
        ctx.empty(DType.INT8, 10).copy(ctx);
        Tensor mutable = null;
        Kept.HEAP.fillButFor(Integer.getInteger("room"));
        try {
          mutable = handle.mutable(ctx);
        } catch (OutOfMemoryError e) {
          mutable = null;
        }
        Kept.HEAP.empty();
        if (mutable == null) {
          mutable = handle.mutable(ctx);
        }
        assertEquals(7, mutable.fill(7).getByte(999));
      }
      assertEquals(0, ChunkPool.stats().inUseChunks());
    }
  }

  static final class Shares {
    public static void main(String[] args) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.allocTemp(1).share().close(); // loads all classes while there is heap
      }
      SharedTensor[] handles = new SharedTensor[1_000_000];
      for (int round = 0; round < 3; round++) {
        int count = 0;
        boolean exhausted = false;
        ExecutionContext ctx = ExecutionContext.open();
        Tensor tensor = ctx.allocSlice(1f);
        Scope scope = ctx.scope();
        Tensor other = ctx.allocSlice(2f);
        try {
          while (count < handles.length) {
            handles[count] = (count % 2 == 0 ? tensor : other).share();
            count++;
          }
        } catch (OutOfMemoryError e) {
          exhausted = true;
        }
        if (round == 1) {
          scope.close();
        }
        for (int i = 0; i < count; i++) {
          handles[i].close();
          handles[i] = null;
        }
        assertTrue(exhausted);
        assertEquals(1f, tensor.getFloat(0));
        ctx.close();
        assertEquals(0, ChunkPool.stats().inUseChunks());
      }
    }
  }

  @Test
  void aShareThatFindsNoHeapFreezesNothing() throws Exception {
    TestSupport.fork(List.of("-Xmx16m", "-Dtensorarena.leakDetection=off"), Frozen.class)
        .assertSucceeded();
  }

  static final class Frozen {
    public static void main(String[] args) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.allocTemp(1).share().close();
        Tensor[] tensors = new Tensor[110_000];
        for (int i = 0; i < tensors.length; i++) {
          tensors[i] = ctx.allocTemp(i);
        }
        SharedTensor[] handles = new SharedTensor[tensors.length];
        int refused = 0;
        for (int i = 0; i < tensors.length && refused < 20; i++) {
          try {
            handles[i] = tensors[i].share();
          } catch (OutOfMemoryError e) {
            refused++;
          }
        }
        boolean writable = true;
        for (int i = 0; i < tensors.length; i++) {
          writable &= tensors[i].isWritable() == (handles[i] == null);
          if (handles[i] != null) {
            handles[i].close();
            handles[i] = null;
          }
        }
        assertTrue(refused > 0);
        assertTrue(writable);
      }
      assertEquals(0, ChunkPool.stats().inUseChunks());
    }
  }

  @Test
  void whatWasTrackedBeforeTheHeapEndedIsClosed() throws Exception {
    TestSupport.fork(List.of("-Xmx16m", "-Dtensorarena.leakDetection=off"), Tracked.class)
        .assertSucceeded();
  }

  static final class Tracked {
    private static long closed;

    public static void main(String[] args) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.track(() -> closed--);
        ctx.reset();
        AutoCloseable resource = () -> closed++;
        for (boolean fails : new boolean[] {false, true}) {
          closed = 0;
          long tracked = 0;
          Scope scope = ctx.scope();
          if (fails) {
            scope.track(
                () -> {
                  throw new IllegalArgumentException("no heap to note what else fails");
                });
          }
          boolean exhausted = false;
          try {
            while (true) {
              scope.track(resource);
              tracked++;
            }
          } catch (OutOfMemoryError e) {
            exhausted = true;
          }
          try {
            scope.close();
          } catch (IllegalArgumentException e) {
            assertTrue(fails);
          }
          assertTrue(exhausted);
          assertTrue(tracked > 10_000);
          assertEquals(tracked, closed);
        }
      }
    }
  }

  @Test
  void whatFailsWhereThereIsNoHeapToNoteItIsClosedAllTheSame() throws Exception {
    TestSupport.fork(List.of("-Xmx8m", "-Dtensorarena.leakDetection=off"), TwoFailures.class)
        .assertSucceeded();
  }

  static final class TwoFailures {
    /** Sixteen bytes, as little as an object can have. */
    private static final class Node {
      final Node next;

      Node(Node next) {
        this.next = next;
      }
    }

    private static Node filler;
    private static boolean filled;
    private static int closed;

    /** Room is found once more when nothing seems to be left; at last there is none. */
    private static boolean fillHeap() {
      int refused = 0;
      while (refused < 8) {
        try {
          filler = new Node(filler);
        } catch (OutOfMemoryError e) {
          refused++;
        }
      }
      return true;
    }

    private static Throwable close(Scope scope) {
      try {
        scope.close();
        return null;
      } catch (Throwable e) {
        return e;
      }
    }

    public static void main(String[] args) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        for (boolean full : new boolean[] {false, true}) { // the first one has all loaded
          RuntimeException first = new RuntimeException();
          RuntimeException next = new RuntimeException();
          Scope scope = ctx.scope();
          scope.track(() -> closed++);
          scope.track(
              () -> {
                filled = full && fillHeap();
                throw next;
              });
          scope.track(
              () -> {
                throw first;
              });
          closed = 0;
          Throwable thrown = close(scope);
          filler = null;
          assertSame(first, thrown);
          assertEquals(full, filled);
          assertEquals(1, closed);
          assertEquals(full ? 0 : 1, first.getSuppressed().length);
        }
      }
    }
  }

  static final class Allocations {
    public static void main(String[] args) {
      Object[] held = new Object[1_000_000];
      int count = 0;
      boolean exhausted = false;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor first = ctx.allocSlice(1f);
        try {
          while (count < held.length) {
            held[count] = count % 2 == 0 ? ctx.allocTemp(1L) : ctx.scope();
            count++;
          }
        } catch (OutOfMemoryError e) {
          exhausted = true;
        }
        held = null;
        assertTrue(exhausted);
        assertEquals(1f, first.getFloat(0));
        assertEquals(2f, ctx.allocSlice(2f).getFloat(0));
        ctx.reset();
        assertEquals(0, ctx.memoryUsage());
      }
      assertEquals(0, ChunkPool.stats().inUseChunks());
    }
  }
}
