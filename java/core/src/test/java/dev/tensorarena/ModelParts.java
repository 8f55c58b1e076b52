package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * The steps of a {@link ModelProgram} with parts, which stay open over the turns of all threads.
 */
abstract class ModelParts extends ModelResults {
  private static final int MOST_PARTS = 4;

  private final List<Model.Split> splits = new ArrayList<>();

  ModelParts(Random random) {
    super(random);
  }

  /** Splits something, or goes on with what is split. */
  final void parts(Model.Handle h) throws Exception {
    if (splits.isEmpty() || random.nextInt(3) == 0) {
      split(h);
      return;
    }
    Model.Split split = splits.get(splits.size() - 1 - random.nextInt(Math.min(4, splits.size())));
    int k = random.nextInt(split.ends.length);
    switch (random.nextInt(4)) {
      case 0 -> closePart(split, k);
      case 1 -> closeAll(split);
      default -> take(split, k);
    }
  }

  private void split(Model.Handle h) throws Exception {
    if (h.dims.length == 0) {
      refused(h.isUsable(actor) && !h.isFrozen() ? IOOBE : ISE, () -> h.real.split(0, 1));
      return;
    }
    int axis = random.nextInt(h.dims.length);
    int extent = (int) h.dims[axis];
    if (!h.isUsable(actor) || h.isFrozen()) {
      refused(ISE, () -> h.real.split(axis, 1));
      refused(ISE, () -> h.real.splitAt(axis, extent));
      return;
    }
    refused(IAE, () -> h.real.split(axis, extent + 1));
    refused(IAE, () -> h.real.splitAt(axis, extent, extent));
    if (extent == 0) {
      return;
    }
    int[] ends =
        random.ints(random.nextInt(MOST_PARTS), 1, extent + 1).distinct().sorted().toArray();
    if (ends.length == 0 || ends[ends.length - 1] != extent) {
      ends = Arrays.copyOf(ends, ends.length + 1);
      ends[ends.length - 1] = extent;
    }
    TensorParts real = h.real.splitAt(axis, Arrays.stream(ends).asLongStream().toArray());
    assertEquals(ends.length, real.count());
    splits.add(new Model.Split(real, h, axis, ends));
  }

  private void take(Model.Split split, int k) throws Exception {
    TensorPart part = split.real.get(k);
    Model.Handle taken = split.taken[k];
    if (split.closed[k] || taken != null && taken.thread != actor) {
      refused(ISE, part::tensor);
    } else if (taken != null) {
      assertSame(taken.real, part.tensor());
      write(taken);
    } else {
      split.taken[k] = split.part(k, part.tensor(), actor);
      handles.add(split.taken[k]);
    }
  }

  private void closePart(Model.Split split, int k) throws Exception {
    TensorPart part = split.real.get(k);
    Model.Handle taken = split.taken[k];
    if (taken != null && taken.thread != actor && !split.closed[k]) {
      refused(ISE, () -> run(part::close));
      return;
    }
    log.clear();
    part.close();
    if (!split.closed[k] && taken != null) {
      assertEquals(new ArrayList<>(taken.tracked), log);
    }
    split.close(k);
    assertEquals(false, part.isOpen());
  }

  private void closeAll(Model.Split split) throws Exception {
    if (split.whole.isAlive() && !split.whole.isUsable(actor)) {
      refused(ISE, () -> run(split.real::close));
      return;
    }
    for (int k = 0; k < split.ends.length; k++) {
      if (split.taken[k] == null) {
        split.close(k);
      }
    }
    if (split.isDone()) {
      split.real.close();
    } else {
      refused(ISE, () -> run(split.real::close));
    }
    assertEquals(split.isDone(), !split.real.isOpen());
  }

  /** At the end: each thread closes its own, and what nobody took. */
  final void closeParts() throws Exception {
    for (Model.Split split : splits) {
      for (int k = 0; k < split.ends.length; k++) {
        closePart(split, k);
      }
    }
  }
}
