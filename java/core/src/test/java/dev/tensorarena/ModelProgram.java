package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * A random program on several contexts and threads, which take turns, next to the {@link Model}
 * that says what every tensor contains and which calls throw what. A call that throws must have
 * changed nothing.
 */
final class ModelProgram extends ModelMoves {
  private static final int TURNS = 40;

  private final MemoryBudget budget = MemoryBudget.of("model", 1 << 30);

  private ModelProgram(long seed) {
    super(new Random(seed));
  }

  static void run(long seed) throws Throwable {
    long contexts = ChunkPool.openContexts();
    long chunks = ChunkPool.stats().inUseChunks();
    ModelProgram program = new ModelProgram(seed);
    for (int turn = 0; turn < TURNS; turn++) {
      program.onThread(program.random.nextInt(THREADS), seed, program::turn);
    }
    for (int thread = 0; thread < THREADS; thread++) {
      program.onThread(thread, seed, program::checkAll);
      program.onThread(thread, seed, program::closeContexts);
    }
    for (int thread = 0; thread < THREADS; thread++) {
      program.onThread(thread, seed, program::checkAll);
      program.onThread(thread, seed, program::closeParts);
      program.onThread(thread, seed, program::closeSomeHandles);
    }
    assertEquals(contexts, ChunkPool.openContexts());
    assertEquals(chunks, ChunkPool.stats().inUseChunks());
    program.budget.close(); // it refuses if anything is charged
  }

  private void turn() throws Exception {
    for (int steps = 1 + random.nextInt(12); steps > 0; steps--) {
      step();
      check(any());
    }
  }

  private void step() throws Exception {
    int which = random.nextInt(100);
    if (which < 3) {
      openContext();
    } else if (which < 5) {
      move(anyContext());
    } else if (which < 6) {
      closeContext(anyContext());
    } else if (which < 7) {
      resetContext(anyContext());
    } else if (which < 14) {
      openScope(anyContext());
    } else if (which < 19) {
      closeScope(anyLife());
    } else if (which < 22) {
      closeKeeping(anyLife(), any());
    } else if (which < 24) {
      closeKeeping(anyLife(), List.of(any(), any(), any()));
    } else if (which < 38) {
      allocate(anyContext());
    } else if (which < 40) {
      wrap(anyContext());
    } else if (which < 43) {
      rawRoom(anyContext());
    } else if (which < 53) {
      view(any());
    } else if (which < 62) {
      share(any());
    } else if (which < 68) {
      release(any());
    } else if (which < 74) {
      mutable(any(), anyContext());
    } else if (which < 79) {
      copy(any(), anyContext());
    } else if (which < 85) {
      write(any());
    } else if (which < 86) {
      join(anyContext(), any(), any());
    } else if (which < 87) {
      handOn(any());
    } else if (which < 90) {
      parts(any());
    } else if (which < 94) {
      compare(any(), any());
    } else if (which < 97) {
      track(anyContext(), any());
    } else if (which < 98) {
      lend(anyContext());
    } else {
      outOfBounds(any());
    }
  }

  // ---- contexts and scopes

  private void openContext() {
    long limit = random.nextInt(3) == 0 ? random.nextInt(300_000) : -1;
    ExecutionContext.Builder builder = ExecutionContext.builder().name("of thread " + actor);
    if (random.nextInt(3) == 0) {
      builder.budget(budget); // whose limit nothing reaches
    }
    ExecutionContext real = (limit < 0 ? builder : builder.memoryLimit(limit)).open();
    contexts.add(new Model.Context(real, actor, limit));
  }

  /** From now on native code could allocate at any moment; nothing that can be seen changes. */
  private void lend(Model.Context ctx) throws Exception {
    if (isUsable(ctx)) {
      assertNotEquals(0, ctx.real.nativeHandle());
      ctx.lent = true;
    } else {
      refused(ISE, ctx.real::nativeHandle);
    }
  }

  private void resetContext(Model.Context ctx) throws Exception {
    if (!isUsable(ctx)) {
      refused(ISE, () -> run(ctx.real::reset));
      return;
    }
    ending(rootOf(ctx), ctx.real::reset);
    assertEquals(0, ctx.real.memoryUsage());
    ctx.innermost = new Model.Life(null, null, ctx);
  }

  private void openScope(Model.Context ctx) throws Exception {
    if (!isUsable(ctx)) {
      refused(ISE, ctx.real::scope);
      return;
    }
    ctx.innermost = new Model.Life(ctx.real.scope(), ctx.innermost, ctx);
    lives.add(ctx.innermost);
  }

  private void closeScope(Model.Life life) throws Exception {
    if (life == null) {
      return;
    }
    if (life.open && life.context.owner != actor) {
      refused(ISE, () -> run(life.real::close));
      return;
    }
    ending(life.open && !life.isAdopted() ? life : null, life.real::close);
  }

  // ---- tensors

  private void allocate(Model.Context ctx) throws Exception {
    DType dtype = anyOf(DType.values());
    long[] dims = anyDims();
    int[] values = values(Model.product(dims));
    Shape shape = Shape.of(dims);
    int way = random.nextInt(3);
    if (random.nextInt(30) == 0) {
      refused(
          isUsable(ctx) ? IAE : ISE_OR_IAE, () -> ctx.real.empty(dtype, 3, -1 - random.nextInt(9)));
      return;
    }
    if (way == 0 && ModelElements.hasFactory(dtype)) {
      Tensor tensor =
          allocated(ctx, dtype, dims, () -> ModelElements.copyOf(ctx.real, dtype, shape, values));
      addNew(tensor, ModelElements.bits(dtype, values), dims, ctx.innermost);
    } else if (way == 1) {
      Tensor tensor = allocated(ctx, dtype, dims, () -> ctx.real.zeros(dtype, shape));
      addNew(tensor, new long[values.length], dims, ctx.innermost);
    } else {
      Tensor tensor = allocated(ctx, dtype, dims, () -> ctx.real.empty(dtype, shape));
      if (tensor != null) {
        ModelElements.copyFrom(tensor, ModelElements.javaType(dtype), values);
        addNew(tensor, ModelElements.bits(dtype, values), dims, ctx.innermost);
      }
    }
  }

  private void wrap(Model.Context ctx) throws Exception {
    int length = random.nextInt(50);
    ByteBuffer buffer = ByteBuffer.allocateDirect(length * 4).order(ByteOrder.nativeOrder());
    for (int i = 0; i < length; i++) {
      buffer.putInt(i * 4, i);
    }
    boolean readOnly = random.nextInt(3) == 0;
    ByteBuffer given = readOnly ? buffer.asReadOnlyBuffer().order(ByteOrder.nativeOrder()) : buffer;
    if (!isUsable(ctx)) {
      refused(ISE, () -> ctx.real.wrap(given, DType.INT32, Shape.of(length)));
      return;
    }
    refused(IAE, () -> ctx.real.wrap(given, DType.INT32, Shape.of(length + 1)));
    Tensor tensor = ctx.real.wrap(given, DType.INT32, Shape.of(length));
    long[] bits = new long[length];
    Arrays.setAll(bits, i -> i);
    int[] at = new int[length];
    Arrays.setAll(at, i -> i);
    Model.Cells cells = new Model.Cells(bits, true, readOnly);
    add(tensor, cells, new long[] {length}, at, ctx.innermost, null);
  }

  /** Uninitialised bytes are nobody's tensor: what is written there must be seen in none. */
  private void rawRoom(Model.Context ctx) throws Exception {
    int bytes = random.nextInt(2000);
    int alignment = 1 << random.nextInt(13);
    ByteBuffer room = fitting(ctx, bytes, alignment, () -> ctx.real.allocate(bytes, alignment));
    for (int i = 0; room != null && i < bytes; i++) {
      room.put(i, (byte) 0xA5);
    }
  }

  private void view(Model.Handle h) throws Exception {
    int rank = h.dims.length;
    int which = random.nextInt(4);
    if (which == 0) {
      reshape(h);
    } else if (which == 1) {
      List<Integer> order = new ArrayList<>();
      for (int axis = 0; axis < rank; axis++) {
        order.add(axis);
      }
      Collections.shuffle(order, random);
      int[] axes = order.stream().mapToInt(axis -> axis).toArray();
      if (!h.isUsable(actor)) {
        refused(ISE, () -> h.real.transpose(axes));
        return;
      }
      long[] dims = new long[rank];
      Arrays.setAll(dims, i -> h.dims[axes[i]]);
      addView(
          h,
          h.real.transpose(axes),
          dims,
          index -> {
            long[] old = new long[rank];
            for (int i = 0; i < rank; i++) {
              old[axes[i]] = index[i];
            }
            return old;
          });
    } else if (rank > 0 && which == 2) {
      int axis = random.nextInt(rank);
      int from = random.nextInt((int) h.dims[axis] + 1);
      int to = from + random.nextInt((int) h.dims[axis] - from + 1);
      if (!h.isUsable(actor)) {
        refused(ISE, () -> h.real.slice(axis, from, to));
        return;
      }
      long[] dims = h.dims.clone();
      dims[axis] = to - from;
      addView(
          h,
          h.real.slice(axis, from, to),
          dims,
          index -> {
            index[axis] += from;
            return index;
          });
    } else if (rank > 0 && h.dims[rank - 1] > 0) {
      int axis = rank - 1;
      long at = random.nextInt((int) h.dims[axis]);
      if (!h.isUsable(actor)) {
        refused(ISE, () -> h.real.select(axis, at));
        return;
      }
      addView(
          h,
          h.real.select(axis, at),
          Arrays.copyOf(h.dims, axis),
          index -> {
            long[] old = Arrays.copyOf(index, rank);
            old[axis] = at;
            return old;
          });
    }
  }

  private void reshape(Model.Handle h) throws Exception {
    long[] dims =
        h.at.length % 2 == 0 ? new long[] {2, h.at.length / 2} : new long[] {h.at.length, 1};
    Shape shape = Shape.of(dims);
    if (!h.isUsable(actor) || !h.isContiguous()) {
      refused(ISE, () -> h.real.reshape(shape));
      return;
    }
    refused(IAE, () -> h.real.reshape(Shape.of(h.at.length + 1)));
    add(h.real.reshape(shape), h.cells, dims, h.at, h.life, h.origin);
  }

  private void release(Model.Handle h) {
    if (h.isShared()) {
      log.clear();
      ((SharedTensor) h.real).close(); // the second time it does nothing
      letGo(h);
    }
  }

  private void mutable(Model.Handle h, Model.Context ctx) throws Exception {
    if (!h.isUsable(actor) || !isUsable(ctx) || h.isSplit()) {
      refused(ISE, () -> h.real.mutable(ctx.real));
      return;
    }
    boolean ours = h.life != null && h.life.context == ctx;
    if (ours && !h.isFrozen()) {
      assertSame(h.real, h.real.mutable(ctx.real));
      return;
    }
    boolean alone = h.cells.shared && !h.cells.readOnly && h.cells.isSole(actor);
    long address = h.real.address();
    log.clear();
    if (alone && (h.isShared() || ours)) {
      Tensor same;
      try {
        same = h.real.mutable(ctx.real);
      } catch (MemoryLimitExceededException e) { // what it takes over is charged
        long most = ctx.real.memoryUsage() + (long) h.cells.bits.length * h.dtype().byteSize();
        assertTrue(h.isShared() && ctx.limit >= 0 && most > ctx.limit, "refused without need");
        check(h);
        return;
      }
      assertEquals(address, same.address());
      Model.Life life = h.isShared() ? ctx.innermost : h.life;
      Model.Handle writer = add(same, h.cells, h.dims, h.at, life, null);
      if (h.isShared()) {
        h.cells.lives.add(life);
        letGo(h);
      }
      h.cells.writer = writer;
      return;
    }
    long[] bits = h.bits();
    Tensor copy = allocated(ctx, h.dtype(), h.dims, () -> h.real.mutable(ctx.real));
    if (copy != null) {
      assertNotSame(h.real, copy);
      addNew(copy, bits, h.dims, ctx.innermost);
      if (h.isShared()) {
        letGo(h);
      }
    }
  }

  private void copy(Model.Handle h, Model.Context ctx) throws Exception {
    if (!h.isUsable(actor)) {
      refused(ISE, () -> h.real.copy(ctx.real));
      return;
    }
    boolean contiguous = random.nextBoolean();
    if (contiguous && h.isContiguous() && isUsable(ctx)) {
      assertSame(h.real, h.real.contiguous(ctx.real));
      return;
    }
    Tensor copy =
        allocated(
            ctx,
            h.dtype(),
            h.dims,
            () -> contiguous ? h.real.contiguous(ctx.real) : h.real.copy(ctx.real));
    addNew(copy, h.bits(), h.dims, ctx.innermost);
  }

  private void track(Model.Context ctx, Model.Handle h) throws Exception {
    if (!isUsable(ctx)) {
      refused(ISE, () -> ctx.real.track(() -> {}));
    } else {
      Model.Tracked resource = new Model.Tracked(random.nextInt(8) == 0, log);
      ctx.innermost.tracked.push(ctx.real.track(resource));
    }
    if (!h.isUsable(actor)) {
      refused(ISE, () -> h.real.track(() -> {}));
    } else {
      Model.Tracked resource = new Model.Tracked(false, log);
      (h.life != null ? h.life.latest().tracked : h.origin.tracked).push(h.real.track(resource));
    }
  }

  // ---- the end

  /** What is left at the end is closed by whichever thread. */
  private void closeSomeHandles() {
    boolean last = actor == THREADS - 1;
    for (Model.Handle h : handles) {
      if (last || random.nextInt(3) == 0) {
        release(h);
      }
    }
  }
}
