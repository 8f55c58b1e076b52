package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/**
 * Uses all that asks for memory. What is refused throws an OutOfMemoryError and has changed
 * nothing; once the system agrees again, the same call succeeds.
 */
public final class RefusedMemoryProgram {
  private static final long GIB = 1L << 30;

  /** A tensor and the value of its first and last bytes. */
  private record Marked(Tensor tensor, byte value) {
    void check() {
      assertEquals(value, tensor.getByteAt(0));
      assertEquals(value, tensor.getByteAt(tensor.size() - 1));
    }
  }

  private final long refusedTo;
  private final List<Marked> living = new ArrayList<>();
  private ExecutionContext ctx;
  private byte lastValue;

  private RefusedMemoryProgram(long refusedTo) {
    this.refusedTo = refusedTo;
  }

  /**
   * Runs with some requests refused, and once more with none.
   *
   * @return whether any was refused, and whether one of them was for a buffer
   */
  public static boolean[] run(long from, long to, boolean withException) throws Exception {
    ChunkPool.stats(); // loads the library
    assertEquals(0, NativeFaults.begin(from, to, withException));
    boolean[] refused = new boolean[2];
    try {
      new RefusedMemoryProgram(to).run();
      refused[0] = NativeFaults.requests() >= from;
      refused[1] = NativeFaults.refusedBuffers() > 0;
    } finally {
      assertEquals(0, NativeFaults.end());
    }
    new RefusedMemoryProgram(0).run(); // now nothing may fail
    ChunkPool.trim();
    return refused;
  }

  /** Whether the refusals are over: then nothing may fail any more. */
  private boolean systemAgrees() {
    return NativeFaults.requests() >= refusedTo;
  }

  /** What the call returns, or null if memory was refused; then all is as it was before. */
  private <T> T attempt(Callable<T> call) throws Exception {
    long contexts = ChunkPool.openContexts();
    long usage = ctx == null ? 0 : ctx.memoryUsage();
    long wasted = ctx == null ? 0 : ctx.arenaStats().wastedBytes();
    try {
      return call.call();
    } catch (OutOfMemoryError e) {
      assertTrue(e.getMessage().matches(".*refused.*"), e.getMessage());
      assertTrue(refusedTo > 0, "nothing was refused");
      assertEquals(contexts, ChunkPool.openContexts());
      if (ctx != null) {
        assertEquals(usage, ctx.memoryUsage());
        assertEquals(wasted, ctx.arenaStats().wastedBytes());
      }
      living.forEach(Marked::check);
      if (systemAgrees()) { // it was refused once: the same again succeeds
        return call.call();
      }
      return null;
    }
  }

  private Tensor take(long size) throws Exception {
    Tensor tensor = attempt(() -> ctx.empty(DType.INT8, size));
    return tensor == null ? null : mark(tensor);
  }

  private Tensor mark(Tensor tensor) {
    lastValue++;
    tensor.setByteAt(0, lastValue);
    tensor.setByteAt(tensor.size() - 1, lastValue);
    living.add(new Marked(tensor, lastValue));
    return tensor;
  }

  private void run() throws Exception {
    ctx = attempt(ExecutionContext::open);
    if (ctx != null) {
      allocate();
      copies();
      scopes();
      SharedTensor outlives = share();
      resetAndClose();
      if (outlives != null) {
        TestSupport.runOnThread("consumer", outlives::close);
      }
    }
    budgets(); // first: contexts leave records that are as good
    manyContexts();
    assertEquals(0, ChunkPool.stats().inUseChunks());
    assertEquals(0, ChunkPool.openContexts());
  }

  private void allocate() throws Exception {
    for (long size : new long[] {100, 70_000, 200_000, 2 << 20, 1000, 300_000}) {
      take(size);
    }
    Tensor large = attempt(() -> ctx.empty(DType.INT8, GIB + 1)); // a slab of its own
    if (large != null) {
      mark(large);
    }
    Tensor larger = attempt(() -> ctx.empty(DType.INT8, 2 * GIB)); // past the reach of a buffer
    if (larger != null) {
      for (long from : new long[] {0, GIB, 2 * GIB - 10}) {
        Tensor part = attempt(() -> larger.slice(0, from, from + 10));
        if (part != null) {
          mark(part);
        }
      }
    }
    attempt(() -> ctx.allocate(100_000, 4096));
    attempt(() -> ctx.allocTemp(1L));
    assertNotNull(ctx.wrap(ByteBuffer.allocateDirect(8), DType.INT8, Shape.of(8)));
    living.forEach(Marked::check);
  }

  private void copies() throws Exception {
    Tensor source = take(500_000);
    if (source == null) {
      return;
    }
    Tensor copy = attempt(() -> source.copy(ctx));
    assertTrue(copy == null || copy.contentEquals(source));
    Tensor matrix = attempt(() -> ctx.zeros(DType.FLOAT64, 2, 40_000)); // few elements, many bytes
    Tensor strided = matrix == null ? source : matrix.slice(1, 0, 39_999);
    Tensor gapless = attempt(() -> strided.contiguous(ctx));
    assertTrue(gapless == null || gapless.contentEquals(strided));
    attempt(() -> ctx.copyOf(Shape.of(300_000), new float[300_000]));
    Path file = Files.createTempFile("refused", ".npy");
    try {
      Npy.write(source, file);
      Tensor read = attempt(() -> Npy.read(ctx, file));
      assertTrue(read == null || read.contentEquals(source));
      Npz.write(file, Map.of("x", source, "y", strided));
      Map<String, Tensor> arrays = attempt(() -> Npz.read(ctx, file));
      assertTrue(arrays == null || arrays.get("x").contentEquals(source));
    } catch (IOException e) {
      throw new AssertionError(e);
    } finally {
      Files.delete(file);
    }
  }

  private void scopes() throws Exception {
    long before = ctx.memoryUsage();
    Scope outer = ctx.scope();
    take(3 << 20);
    Scope inner = ctx.scope();
    Tensor rows = attempt(() -> ctx.zeros(DType.FLOAT64, 2, 250_000));
    if (rows != null) {
      // Strided, so that it is copied first: if that is refused, the scope is still open.
      Tensor kept = attempt(() -> inner.closeKeeping(rows.slice(1, 0, 249_999)));
      assertEquals(kept == null, rows.isAlive());
    }
    inner.close();
    Scope second = ctx.scope();
    Tensor last = take(5 << 20);
    if (last != null) {
      living.remove(living.size() - 1);
      new Marked(second.closeKeeping(last), lastValue).check(); // this takes no memory
    }
    second.close();
    living.removeIf(marked -> marked.tensor.scope != null && marked.tensor.endsWith(outer));
    outer.close();
    assertEquals(before, ctx.memoryUsage());
    living.forEach(Marked::check);
  }

  /** A handle that outlives the context; others come and go. */
  private SharedTensor share() throws Exception {
    Scope scope = ctx.scope();
    Tensor tensor = take(400_000);
    if (tensor == null) {
      scope.close();
      return null;
    }
    living.remove(living.size() - 1);
    SharedTensor handle = tensor.share(); // asks for nothing
    SharedTensor second = handle.share();
    scope.close();
    Tensor copy = attempt(() -> second.mutable(ctx));
    assertEquals(copy == null, second.isAlive(), "consumed only if it worked");
    second.close();
    new Marked(handle, lastValue).check();
    return handle;
  }

  private void resetAndClose() throws Exception {
    ctx.reset();
    living.clear();
    assertEquals(0, ctx.memoryUsage());
    take(2 << 20);
    take(100);
    ctx.close();
    living.clear();
    ctx = null;
  }

  /** More than the first records of budgets have room for. */
  private void budgets() throws Exception {
    Deque<AutoCloseable> open = new ArrayDeque<>();
    MemoryBudget last = null;
    for (int i = 0; i < 200; i++) {
      MemoryBudget parent = last;
      MemoryBudget made =
          attempt(() -> parent == null ? MemoryBudget.of("b", GIB) : parent.child("c", GIB));
      if (made == null) {
        continue;
      }
      open.push(made);
      MemoryBudget.Reservation reservation = attempt(() -> made.reserve(1));
      if (reservation != null) {
        open.push(reservation);
      }
      last = i % 50 == 0 ? made : last;
    }
    for (AutoCloseable each : open) {
      each.close();
    }
  }

  /** A new context has none until it is asked something that only C knows. */
  private static boolean hasControlBlock(ExecutionContext one) {
    one.checkAllocation(0);
    return true;
  }

  /** More than the first step of control blocks has room for. */
  private void manyContexts() throws Exception {
    List<ExecutionContext> many = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      ExecutionContext one = ExecutionContext.open();
      many.add(one);
      boolean hasBlock = attempt(() -> hasControlBlock(one)) != null;
      if (hasBlock && i % 50 == 0) {
        attempt(() -> one.empty(DType.INT8, 20_000).fill(1));
      }
    }
    many.forEach(ExecutionContext::close);
  }
}
