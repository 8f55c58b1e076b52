package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What a {@link ModelProgram} has at hand, and the threads that it runs on. */
abstract class ModelState {
  static final int THREADS = 3;

  static final Set<Class<? extends Throwable>> ISE = Set.of(IllegalStateException.class);
  static final Set<Class<? extends Throwable>> IAE = Set.of(IllegalArgumentException.class);

  static final Set<Class<? extends Throwable>> BOUNDS = Set.of(IndexOutOfBoundsException.class);
  static final Set<Class<? extends Throwable>> IOOBE = Set.of(IndexOutOfBoundsException.class);
  static final Set<Class<? extends Throwable>> ISE_OR_IAE =
      Set.of(IllegalStateException.class, IllegalArgumentException.class);
  static final Set<Class<? extends Throwable>> LIMIT = Set.of(MemoryLimitExceededException.class);

  /** For all programs; the seed is in the threads' names, so that a crash report has it. */
  private static final List<ExecutorService> POOL =
      Stream.generate(
              () ->
                  Executors.newSingleThreadExecutor(
                      task -> {
                        Thread thread = new Thread(task);
                        thread.setDaemon(true);
                        return thread;
                      }))
          .limit(THREADS)
          .toList();

  final Random random;
  final List<Model.Context> contexts = new ArrayList<>();
  final List<Model.Life> lives = new ArrayList<>();
  final List<Model.Handle> handles = new ArrayList<>();

  /** What was closed, in order. */
  final List<Model.Tracked> log = new ArrayList<>();

  /** The number of the thread whose turn it is. */
  int actor;

  ModelState(Random random) {
    this.random = random;
  }

  /** A part of the program. */
  interface Turn {
    void run() throws Exception;
  }

  final void onThread(int thread, long seed, Turn turn) throws Throwable {
    try {
      POOL.get(thread)
          .submit(
              () -> {
                Thread.currentThread().setName("thread " + thread + " of seed " + seed);
                actor = thread;
                turn.run();
                return null;
              })
          .get();
    } catch (ExecutionException e) {
      throw e.getCause();
    }
  }

  // ---- what is at hand

  /** The newest mostly: the old ones are dead. */
  private <T> T pick(List<T> from) {
    int back = Math.min(from.size(), 1 + random.nextInt(random.nextInt(3) == 0 ? 60 : 8));
    return from.get(from.size() - back);
  }

  /** Of the thread whose turn it is mostly. */
  final Model.Context anyContext() {
    for (int i = 0; i < 5 && !contexts.isEmpty(); i++) {
      Model.Context ctx = pick(contexts);
      if (isUsable(ctx) || random.nextInt(15) == 0) {
        return ctx;
      }
    }
    ExecutionContext real = ExecutionContext.open();
    contexts.add(new Model.Context(real, actor, -1));
    return contexts.get(contexts.size() - 1);
  }

  final Model.Life anyLife() {
    Model.Life life = null;
    for (int i = 0; i < 4 && !lives.isEmpty(); i++) {
      life = pick(lives);
      if (life.open && life.context.owner == actor) {
        break;
      }
    }
    return life;
  }

  final Model.Handle any() {
    Model.Handle h = null;
    for (int i = 0; i < 4 && !handles.isEmpty(); i++) {
      h = pick(handles);
      if (h.isUsable(actor)) {
        break;
      }
    }
    if (h != null) {
      return h;
    }
    Model.Context ctx = new Model.Context(ExecutionContext.open(), actor, -1);
    contexts.add(ctx);
    return addNew(ctx.real.zeros(DType.INT16, 3), new long[3], new long[] {3}, ctx.innermost);
  }

  final <T> T anyOf(T[] values) {
    return values[random.nextInt(values.length)];
  }

  final long[] anyDims() {
    if (random.nextInt(600) == 0) {
      return new long[] {60_000 + random.nextInt(80_000)}; // most of them in chunks of their own
    }
    if (random.nextInt(25) == 0) {
      return new long[] {random.nextInt(20_000)}; // more than the rest of a chunk
    }
    return random.longs(random.nextInt(4), 0, 6).toArray();
  }

  final int[] values(int length) {
    return random.ints(length, 0, ModelElements.MOST).toArray();
  }

  final boolean isUsable(Model.Context ctx) {
    return ctx.open && ctx.owner == actor;
  }

  static Model.Life rootOf(Model.Context ctx) {
    Model.Life life = ctx.innermost;
    while (life.parent != null) {
      life = life.parent;
    }
    return life;
  }

  // ---- what changes

  final Model.Handle add(
      Tensor real, Model.Cells cells, long[] dims, int[] at, Model.Life life, Model.Handle origin) {
    assertNotNull(real);
    Model.Handle handle = new Model.Handle(real, cells, dims, at, life, origin);
    handles.add(handle);
    return handle;
  }

  /** Bytes of its own; nothing if there is no tensor. */
  final Model.Handle addNew(Tensor real, long[] bits, long[] dims, Model.Life life) {
    if (real == null) {
      return null;
    }
    int[] at = IntStream.range(0, bits.length).toArray();
    return add(real, new Model.Cells(bits, false, false), dims, at, life, null);
  }

  /** A view whose index in the source is told for each of its own. */
  final void addView(Model.Handle h, Tensor real, long[] dims, UnaryOperator<long[]> source) {
    int[] at = new int[Model.product(dims)];
    Arrays.setAll(
        at, flat -> h.at[Model.Handle.flat(h.dims, source.apply(Model.Handle.index(dims, flat)))]);
    add(real, h.cells, dims, at, h.life, h.origin);
  }

  final void end(Model.Life outermost) {
    Model.Context ctx = outermost.context;
    for (Model.Life life = ctx.innermost; ; life = life.parent) {
      life.open = false;
      if (life == outermost) {
        break;
      }
    }
    ctx.innermost = outermost.parent == null ? outermost : outermost.parent;
  }

  /** A shared handle was closed or consumed, and with it what it tracked. */
  final void letGo(Model.Handle shared) {
    if (!shared.closed) {
      assertEquals(new ArrayList<>(shared.tracked), log);
      shared.closed = true;
      shared.cells.openHandles--;
    }
  }

  // ---- what must throw

  /** A call without a result, as one with it. */
  static <T> T run(Runnable call) {
    call.run();
    return null;
  }

  /** Asserts that a call throws one of these, says something, and changes nothing. */
  final <T> void refused(Set<Class<? extends Throwable>> errors, Callable<T> call)
      throws Exception {
    long[] before = usages();
    T result;
    try {
      result = call.call();
    } catch (AssertionError e) {
      throw e;
    } catch (Throwable e) {
      boolean named = errors.stream().anyMatch(type -> type.isInstance(e));
      if (!named || e.getMessage() == null || e.getMessage().isEmpty()) {
        throw new AssertionError("instead of one of " + errors, e);
      }
      assertTrue(Arrays.equals(before, usages()), () -> "something has changed: " + e);
      return;
    }
    throw new AssertionError(result + " instead of one of " + errors);
  }

  private long[] usages() {
    return contexts.stream()
        .filter(this::isUsable)
        .mapToLong(ctx -> ctx.real.memoryUsage())
        .toArray();
  }

  /** A new tensor of the context, or null after an exception that the model asks for. */
  final Tensor allocated(Model.Context ctx, DType dtype, long[] dims, Callable<Tensor> call)
      throws Exception {
    int size = dtype.byteSize();
    return fitting(ctx, (long) Model.product(dims) * size, Math.max(64, size), call);
  }

  /** The same for so many bytes at an alignment. */
  final <T> T fitting(Model.Context ctx, long bytes, int alignment, Callable<T> call)
      throws Exception {
    if (!isUsable(ctx)) {
      refused(ISE, call);
      return null;
    }
    long before = ctx.real.memoryUsage();
    if (ctx.limit >= 0 && before + bytes > ctx.limit) {
      refused(LIMIT, call);
      return null;
    }
    T result;
    try {
      result = call.call();
    } catch (MemoryLimitExceededException e) {
      assertTrue(
          ctx.limit >= 0 && before + bytes + alignment - 1 > ctx.limit, "refused without need");
      assertEquals(before, ctx.real.memoryUsage());
      return null;
    }
    long charged = ctx.real.memoryUsage() - before;
    assertTrue(charged >= bytes && charged < bytes + alignment, () -> charged + " for " + bytes);
    return result;
  }
}
