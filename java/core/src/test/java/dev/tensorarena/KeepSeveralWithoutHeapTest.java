package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Several results are kept all or none where the heap ends, in a JVM of its own. */
class KeepSeveralWithoutHeapTest {
  @Test
  void withoutHeapAllOrNoneAreKept() throws Exception {
    TestSupport.fork(List.of("-Xmx16m", "-Dtensorarena.leakDetection=off"), Exhausted.class)
        .assertSucceeded();
  }

  /** Keeps results in three chunks, near and further out, with room for ever more objects. */
  static final class Exhausted {
    static final FullHeap HEAP = new FullHeap();

    public static void main(String[] args) {
      keep(FullHeap.ALL, true); // loads all classes while there is heap
      keep(FullHeap.ALL, false);
      int refused = 0;
      int kept = 0;
      for (int room = 0; room < 400; room += 8) {
        for (boolean far : new boolean[] {true, false}) {
          boolean first = keep(room, far);
          kept += first ? 1 : 0;
          refused += first ? 0 : 1;
          assertEquals(0, ChunkPool.stats().inUseChunks());
        }
      }
      assertTrue(refused > 4 && kept > 4, refused + " refused, " + kept + " kept");
    }

    /** With room for so many small objects; false if that was too little. */
    private static boolean keep(int room, boolean far) {
      boolean first = true;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Scope outer = ctx.scope();
        ctx.empty(DType.INT8, 64);
        Scope between = ctx.scope();
        Scope scope = ctx.scope();
        Tensor[] results = new Tensor[3];
        for (int i = 0; i < 3; i++) {
          ctx.empty(DType.INT8, 40_000);
          results[i] = ctx.empty(DType.INT8, 64).fill(i);
        }
        Scope into = far ? outer : between;
        Tensor[] kept = null;
        HEAP.fillButFor(room);
        try {
          kept = scope.closeKeeping(into, results);
        } catch (OutOfMemoryError e) {
          first = false;
        }
        HEAP.empty();
        if (!first) {
          kept = scope.closeKeeping(into, results);
        }
        ctx.empty(DType.INT8, 100_000).fill(9);
        for (int i = 0; i < 3; i++) {
          assertEquals(i, kept[i].getByteAt(63));
        }
      }
      return first;
    }
  }
}
