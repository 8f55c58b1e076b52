package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** The steps of a {@link ModelProgram} by which results outlive a scope, or are handed on. */
abstract class ModelResults extends ModelContents {
  private final TensorQueue queue = TensorQueue.bounded(3, 1000);
  private final Deque<Model.Handle> queued = new ArrayDeque<>();

  ModelResults(Random random) {
    super(random);
  }

  // ---- kept

  final void closeKeeping(Model.Life life, Model.Handle result) throws Exception {
    if (life == null) {
      return;
    }
    if (random.nextInt(3) == 0) {
      share(result);
    }
    if (!life.open || life.context.owner != actor || !result.isUsable(actor)) {
      refused(ISE, () -> life.real.closeKeeping(result.real));
      return;
    }
    if (life.isAdopted()) {
      assertSame(result.real, life.real.closeKeeping(result.real)); // and does not end
      return;
    }
    boolean ends = result.life != null && result.life.isWithin(life);
    boolean copies = ends && (!result.isContiguous() || result.isFrozen() || result.cells.shared);
    long needed = life.context.real.memoryUsage() + result.real.byteSize();
    boolean tooMuch = life.context.limit >= 0 && needed > life.context.limit;
    Tensor[] kept = new Tensor[1];
    try {
      boolean whole = ending(life, () -> kept[0] = life.real.closeKeeping(result.real), ends);
      assertTrue(!(copies && tooMuch), "it is copied first, which passes the limit");
      if (!whole) {
        return; // a resource threw: the scope is open if it would have lost the result
      }
    } catch (MemoryLimitExceededException e) {
      assertTrue(ends && needed + 64 > life.context.limit, "refused without need");
      assertTrue(life.real != null && result.real.isAlive(), "nothing has changed");
      return;
    }
    if (!ends) {
      assertSame(result.real, kept[0]);
      return;
    }
    addKept(kept[0], result, life.parent, copies);
  }

  private void addKept(Tensor kept, Model.Handle result, Model.Life into, boolean copied)
      throws Exception {
    if (!copied && result.cells.foreign) { // stays where the user's buffer is
      add(kept, result.cells, result.dims, result.at, into, null);
    } else {
      write(addNew(kept, result.bits(), result.dims, into));
      checkAll(result.cells); // whoever holds the old bytes must see none of it
    }
    assertTrue(kept.isWritable() && kept.isContiguous());
  }

  /** The same with several, also into a scope further out. */
  final void closeKeeping(Model.Life life, List<Model.Handle> results) throws Exception {
    if (life == null) {
      return;
    }
    if (random.nextInt(3) == 0) {
      share(results.get(0));
    }
    Model.Life into = life.parent;
    while (into != null && into.parent != null && random.nextBoolean()) {
      into = into.parent;
    }
    Tensor[] given = results.stream().map(h -> h.real).toArray(Tensor[]::new);
    boolean far = into != null && into.real != null;
    Scope target = far ? into.real : null;
    Callable<Tensor[]> call =
        () -> far ? life.real.closeKeeping(target, given) : life.real.closeKeeping(given);
    if (!far) {
      into = life.parent;
    }
    boolean usable = results.stream().allMatch(h -> h.isUsable(actor));
    if (!life.open || life.context.owner != actor || !usable) {
      refused(ISE, call);
      return;
    }
    refused(IAE, () -> life.real.closeKeeping(life.real, given));
    if (life.isAdopted() && far && into.home != life.home) {
      refused(IAE, call);
      return;
    } else if (life.isAdopted()) {
      assertArrayEquals(given, call.call());
      return;
    }
    long needed = life.context.real.memoryUsage();
    boolean anyEnds = false;
    for (Model.Handle each : results) {
      boolean ends = each.life != null && each.life.isWithin(life);
      anyEnds |= ends;
      needed += ends ? each.real.byteSize() + 64 : 0;
    }
    Tensor[][] kept = new Tensor[1][];
    try {
      if (!ending(life, () -> kept[0] = call.call(), anyEnds)) {
        return;
      }
    } catch (MemoryLimitExceededException e) {
      assertTrue(anyEnds && needed > life.context.limit, "refused without need");
      assertTrue(results.stream().allMatch(h -> h.real.isAlive()), "nothing has changed");
      return;
    }
    Set<Model.Handle> origins = Collections.newSetFromMap(new IdentityHashMap<>());
    List<Integer> alone = new ArrayList<>();
    for (int i = 0; i < given.length; i++) {
      Model.Handle result = results.get(i);
      if (result.life == null || !result.life.isWithin(life)) {
        assertSame(given[i], kept[0][i]);
        continue;
      }
      assertTrue(kept[0][i].isWritable() && kept[0][i].isContiguous());
      String type = ModelElements.javaType(result.dtype());
      assertArrayEquals(result.bits(), ModelElements.readAll(kept[0][i], type));
      assertSame(kept[0][results.indexOf(result)], kept[0][i], "one that is given twice");
      if (origins.add(result.origin)) {
        alone.add(i);
      }
    }
    for (int i : alone) { // those of one tensor may lie in one another
      Model.Handle result = results.get(i);
      addKept(kept[0][i], result, into, !result.isContiguous() || result.isFrozen());
    }
  }

  // ---- joined

  final void join(Model.Context ctx, Model.Handle h, Model.Handle other) throws Exception {
    boolean fits = other.dtype() == h.dtype() && Arrays.equals(other.dims, h.dims);
    Model.Handle second = fits ? other : h;
    boolean stacks = random.nextBoolean();
    int rank = h.dims.length;
    int axis = random.nextInt(rank + 1);
    Tensor[] parts = {h.real, second.real};
    Callable<Tensor> call =
        () -> stacks ? ctx.real.stack(axis, parts) : ctx.real.concat(axis, parts);
    if (!h.isUsable(actor) || !second.isUsable(actor)) {
      refused(ISE, call);
      return;
    }
    if (axis == rank && !stacks) {
      refused(isUsable(ctx) ? BOUNDS : ISE, call);
      return;
    }
    long[] dims = new long[stacks ? rank + 1 : rank];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = stacks && i == axis ? 2 : h.dims[stacks && i > axis ? i - 1 : i];
    }
    if (!stacks) {
      dims[axis] *= 2;
    }
    Tensor joined = allocated(ctx, h.dtype(), dims, call);
    if (joined == null) {
      return;
    }
    long[] bits = new long[Model.product(dims)];
    for (int flat = 0; flat < bits.length; flat++) {
      long[] index = Model.Handle.index(dims, flat);
      long extent = stacks ? 1 : h.dims[axis];
      Model.Handle from = index[axis] < extent ? h : second;
      index[axis] %= extent;
      bits[flat] =
          from.cells.bits[from.at[Model.Handle.flat(h.dims, without(index, stacks, axis))]];
    }
    addNew(joined, bits, dims, ctx.innermost);
  }

  private static long[] without(long[] index, boolean stacked, int axis) {
    if (!stacked) {
      return index;
    }
    long[] rest = new long[index.length - 1];
    for (int i = 0; i < rest.length; i++) {
      rest[i] = index[i < axis ? i : i + 1];
    }
    return rest;
  }

  // ---- handed on

  final void handOn(Model.Handle h) throws Exception {
    Model.Handle first = queued.peek();
    if (random.nextInt(3) == 0) {
      SharedTensor taken = queue.poll(0, TimeUnit.DAYS);
      assertSame(first == null ? null : first.real, taken);
      queued.poll();
    } else if (h.isShared()) {
      SharedTensor handle = (SharedTensor) h.real;
      if (!h.isUsable(actor)) {
        refused(ISE, () -> queue.offer(handle, 0, TimeUnit.DAYS));
        refused(ISE, () -> Handoff.submit(Runnable::run, handle, x -> null));
      } else if (random.nextBoolean() && h.tracked.isEmpty()) {
        handOff(h, handle);
      } else {
        long bytes = queued.stream().mapToLong(each -> Math.max(1, size(each))).sum();
        boolean room = queued.size() < 3 && bytes + Math.max(1, size(h)) <= 1000;
        assertEquals(room || queued.isEmpty(), queue.offer(handle, 0, TimeUnit.DAYS));
        if (room || queued.isEmpty()) {
          queued.add(h);
        }
      }
    }
    assertEquals(queued.size(), queue.size());
  }

  private static long size(Model.Handle h) {
    return (long) Model.product(h.dims) * h.dtype().byteSize();
  }

  private void handOff(Model.Handle h, SharedTensor handle) throws Exception {
    boolean[] ran = new boolean[1];
    Function<SharedTensor, Integer> task =
        x -> {
          ran[0] = true;
          assertArrayEquals(h.bits(), ModelElements.readAll(x, ModelElements.javaType(x.dtype())));
          return 7;
        };
    List<Runnable> tasks = new ArrayList<>();
    switch (random.nextInt(3)) {
      case 0:
        assertEquals(7, Handoff.submit(Runnable::run, handle, task).get());
        break;
      case 1:
        assertThrows(
            RejectedExecutionException.class,
            () ->
                Handoff.submit(
                    refused -> {
                      throw new RejectedExecutionException();
                    },
                    handle,
                    task));
        assertFalse(ran[0]);
        break;
      default:
        Future<Integer> future = Handoff.submit(tasks::add, handle, task);
        assertTrue(handle.isAlive());
        assertTrue(future.cancel(random.nextBoolean()));
        tasks.get(0).run();
        assertFalse(ran[0]);
    }
    log.clear();
    letGo(h);
  }

  // ---- what both need

  final void share(Model.Handle h) throws Exception {
    if (!h.isUsable(actor) || h.isSplit()) {
      refused(ISE, h.real::share);
      if (h.isAlive()) {
        refused(ISE, h.real::tryShare);
      } else {
        assertNull(h.real.tryShare());
      }
      return;
    }
    SharedTensor shared = random.nextBoolean() ? h.real.share() : h.real.tryShare();
    h.cells.share(h.home());
    h.origin.shared = true;
    add(shared, h.cells, h.dims, h.at, null, null);
  }

  final boolean ending(Model.Life outermost, Callable<?> call) throws Exception {
    return ending(outermost, call, false);
  }

  /**
   * Closes what the model says, in its order; false if a resource threw.
   *
   * @param keeps whether all stays open then, without its resources
   */
  final boolean ending(Model.Life outermost, Callable<?> call, boolean keeps) throws Exception {
    List<Model.Life> ended = new ArrayList<>();
    if (outermost != null) {
      for (Model.Life life = outermost.context.innermost; ; life = life.parent) {
        ended.add(life);
        if (life == outermost) {
          break;
        }
      }
    }
    List<Model.Tracked> expected = new ArrayList<>();
    ended.forEach(life -> expected.addAll(life.tracked));
    log.clear();
    boolean fails = expected.stream().anyMatch(resource -> resource.fails);
    try {
      call.call();
      assertTrue(!fails, "a resource threw");
    } catch (Model.Failure e) {
      assertTrue(fails, "no resource threw");
    }
    assertEquals(expected, log);
    if (fails && keeps) {
      ended.forEach(life -> life.tracked.clear());
    } else if (outermost != null) {
      end(outermost);
    }
    return !fails;
  }

  final boolean ending(Model.Life outermost, Runnable call) throws Exception {
    return ending(outermost, () -> run(call));
  }
}
