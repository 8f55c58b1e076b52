package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the README and the package's description show, see {@link DocumentedExamplesTest}. */
class ExamplesTest {
  private final BlockingQueue<SharedTensor> queue = new ArrayBlockingQueue<>(1);

  @Test
  @SuppressWarnings("try") // the scope is only there to be closed
  void start() throws InterruptedException {
    // example
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.empty(DType.FLOAT32, 1000, 384); // uninitialised
      x.setFloat(1.5f, 7, 300); // x[7, 300] = 1.5
      Tensor row = x.select(0, 7); // a view: no copy
      try (Scope scope = ctx.scope()) {
        Tensor sums = ctx.zeros(DType.FLOAT32, 1000);
        sums.setFloatAt(7, row.getFloat(300));
      } // sums has ended, and its memory is used again
      SharedTensor handle = x.share(); // no copy: from now on x is frozen
      queue.put(handle); // whoever takes it closes it
    } // row and x have ended; handle lives until it is closed
    // end of example
    onAnotherThread();
  }

  private void onAnotherThread() throws InterruptedException {
    // example
    try (SharedTensor x = queue.take();
        ExecutionContext ctx = ExecutionContext.open()) {
      float same = x.getFloat(7, 300); // 1.5
      Tensor mine = x.copy(ctx); // to write to; x.mutable(ctx) copies only if others hold x, too
      mine.fill(same);
    }
    // end of example
    assertTrue(queue.isEmpty());
  }

  @Test
  void more(@TempDir Path folder) throws Exception {
    Path path = folder.resolve("vectors.npy");
    Path archive = folder.resolve("all.npz");
    AtomicBoolean closed = new AtomicBoolean();
    AutoCloseable session = () -> closed.set(true);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Npy.write(ctx.allocSlice(1, 2), path);
      // example
      Tensor w = ctx.allocSlice(0.1f, 0.2f, 0.7f); // rank 1, copied
      Tensor m = ctx.copyOf(Shape.of(2, 3), 1, 2, 3, 4, 5, 6); // INT32
      Tensor columns = m.transpose(); // a view, as slice, select, reshape
      float last = w.getFloatAt(2); // row-major index
      FloatBuffer raw = w.asFloatBuffer(); // the same memory
      Scope scope = ctx.scope();
      Tensor temporary = ctx.zeros(DType.FLOAT32, 1000);
      Tensor kept = scope.closeKeeping(temporary.slice(0, 0, 10)); // the one result survives
      ctx.track(session); // closed with the context
      Tensor vectors = Npy.read(ctx, path); // straight from the file into the arena
      Npz.write(archive, Map.of("w", w, "m/columns", columns)); // as NumPy's savez
      Map<String, Tensor> all = Npz.read(ctx, archive); // all that a savez has, or none
      // end of example
      assertEquals(4, columns.getInt(0, 1));
      assertEquals(last, raw.get(2));
      assertFalse(temporary.isAlive());
      assertEquals(10, kept.size());
      assertEquals(2, vectors.size());
      assertEquals(4, all.get("m/columns").getInt(0, 1));
    }
    assertTrue(closed.get());
  }

  @Test
  void loopOverOneBuffer() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.empty(DType.FLOAT32, 2500).fill(1.5f);
      // example
      FloatBuffer y = tensor.asFloatBuffer();
      int n = Math.min(y.limit(), Integer.MAX_VALUE / Float.BYTES); // cuts nothing off
      for (int i = 0; i < n; i++) y.put(i, 2 * y.get(i));
      // end of example
      float[] expected = new float[2500];
      java.util.Arrays.fill(expected, 3);
      assertArrayEquals(expected, tensor.toFloatArray());
    }
  }
}
