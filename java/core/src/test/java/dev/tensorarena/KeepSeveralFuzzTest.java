package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Random scopes that keep several results of several types, near and far, in contexts that wipe,
 * align, have a limit or a budget, or whose chunks others pin: what is kept is what it was, until
 * its scope ends, and costs no more; and where a limit refuses a copy, all is as it was.
 */
class KeepSeveralFuzzTest {
  private static final DType[] TYPES = {DType.INT64, DType.INT32, DType.INT16, DType.INT8};

  /** What a kept tensor has in every element, and the scope with which it ends. */
  private record Kept(Tensor tensor, long value, Scope scope) {
    void check() {
      for (long i = 0; i < tensor.size(); i += Math.max(1, tensor.size() / 16)) {
        assertEquals(value, element(tensor, i));
      }
      assertEquals(value, element(tensor, tensor.size() - 1));
    }
  }

  private static long element(Tensor tensor, long i) {
    return switch (tensor.dtype()) {
      case INT64 -> tensor.getLongAt(i);
      case INT32 -> tensor.getIntAt(i);
      case INT16 -> tensor.getShortAt(i);
      default -> tensor.getByteAt(i);
    };
  }

  private static Tensor fill(Tensor tensor, long value) {
    return switch (tensor.dtype()) {
      case INT64 -> tensor.fill(value);
      case INT32 -> tensor.fill((int) value);
      case INT16 -> tensor.fill((short) value);
      default -> tensor.fill((byte) value);
    };
  }

  private Random random;
  private ExecutionContext ctx;
  private final List<Kept> kept = new ArrayList<>();
  private final List<SharedTensor> pins = new ArrayList<>();
  private long next;

  private int types;
  private boolean shares;

  /** Then the floors of chunks stay up, as long as anything in them is held. */
  private boolean hasShared;

  @Test
  @Tag("reliability")
  void whatIsKeptIsWhatItWas() {
    Fuzzing.run(KeepSeveralFuzzTest.class, this::run);
  }

  private void run(long seed) {
    final long inUse = ChunkPool.stats().inUseChunks();
    random = new Random(seed);
    kept.clear();
    hasShared = false;
    shares = random.nextInt(3) > 0;
    types = 1 + random.nextInt(TYPES.length);
    ExecutionContext.Builder builder =
        ExecutionContext.builder()
            .zeroOnRelease(random.nextInt(5) == 0)
            .alignment(random.nextBoolean() ? 64 : 1 << random.nextInt(13));
    if (random.nextInt(3) == 0) {
      builder.memoryLimit(100_000 + random.nextInt(1 << (17 + random.nextInt(5))));
    }
    try (MemoryBudget budget = MemoryBudget.of("fuzz", limit())) {
      try (ExecutionContext opened = builder.budget(budget).open()) {
        ctx = opened;
        temporary();
        for (int i = 0; i < 4; i++) {
          nest(0, List.of());
        }
      }
      pins.forEach(SharedTensor::close);
      pins.clear();
      assertEquals(0, budget.used());
    }
    assertEquals(inUse, ChunkPool.stats().inUseChunks());
  }

  private long limit() {
    return random.nextInt(3) == 0
        ? (1L << 17) + random.nextInt(1 << (17 + random.nextInt(5)))
        : Long.MAX_VALUE;
  }

  /** Returns a filled tensor; null if a limit refuses it. */
  private Tensor tensor() {
    int most = random.nextInt(10) == 0 ? 100_000 : random.nextInt(3) == 0 ? 8000 : 50;
    DType type = TYPES[random.nextInt(types)];
    int size = 1 + random.nextInt(most);
    try {
      Tensor tensor =
          random.nextInt(8) == 0 ? ctx.empty(type, size, 2).slice(1, 0, 1) : ctx.empty(type, size);
      next = (next + 1) & 63;
      return fill(tensor, next);
    } catch (MemoryLimitExceededException e) {
      return null;
    }
  }

  private void temporary() {
    Tensor tensor = tensor();
    if (tensor != null && shares && random.nextInt(8) == 0) {
      share(tensor);
    }
    if (!pins.isEmpty() && random.nextInt(8) == 0) {
      pins.remove(random.nextInt(pins.size())).close();
    }
  }

  private void share(Tensor tensor) {
    pins.add(tensor.share());
    hasShared = true;
  }

  private void nest(int depth, List<Scope> outer) {
    Scope scope = ctx.scope();
    final long charged = ctx.memoryUsage();
    List<Scope> open = new ArrayList<>(outer);
    open.add(scope);
    List<Tensor> own = new ArrayList<>();
    for (int i = random.nextInt(8); i >= 0; i--) {
      if (depth < 4 && random.nextInt(3) == 0) {
        nest(depth + 1, open);
      } else if (random.nextBoolean()) {
        Tensor tensor = tensor();
        if (tensor != null) {
          own.add(tensor);
        }
      } else {
        temporary();
      }
    }
    kept.forEach(Kept::check);
    for (Kept each : kept) {
      if (each.scope == scope && random.nextBoolean()) {
        own.add(each.tensor);
      }
    }
    if (random.nextInt(4) == 0 || own.isEmpty()) {
      scope.close();
      kept.removeIf(each -> each.scope == scope);
      if (!hasShared && kept.isEmpty()) {
        assertEquals(charged, ctx.memoryUsage());
      }
    } else {
      keep(scope, outer, own);
    }
    kept.forEach(Kept::check);
  }

  private void keep(Scope scope, List<Scope> outer, List<Tensor> own) {
    List<Tensor> results = new ArrayList<>();
    List<Long> values = new ArrayList<>();
    for (Tensor each : own) {
      boolean part = random.nextInt(3) == 0;
      values.add(element(each, 0));
      results.add(part ? each.slice(0, random.nextInt((int) each.size()), each.size()) : each);
      if (random.nextInt(4) == 0) {
        values.add(element(each, 0));
        results.add(random.nextBoolean() ? each : each.slice(0, 0, 1));
      }
    }
    if (shares && random.nextInt(6) == 0) {
      share(own.get(0));
    }
    Scope into = outer.isEmpty() ? null : outer.get(random.nextInt(outer.size()));
    Tensor[] given = results.toArray(new Tensor[0]);
    boolean near = into == null || random.nextBoolean();
    Tensor[] got;
    try {
      got = near ? scope.closeKeeping(given) : scope.closeKeeping(into, given);
    } catch (MemoryLimitExceededException e) { // what was shared or is strided is copied
      for (int i = 0; i < given.length; i++) {
        new Kept(given[i], values.get(i), scope).check();
      }
      scope.close();
      got = new Tensor[0];
    }
    kept.removeIf(each -> each.scope == scope);
    for (int i = 0; i < got.length; i++) {
      assertTrue(got[i].isWritable() && got[i].isContiguous());
      kept.add(new Kept(got[i], values.get(i), got[i].scope));
      if (random.nextInt(4) == 0) {
        Kept last = kept.get(kept.size() - 1);
        fill(last.tensor, last.value); // also where it is written something happens
      }
    }
  }
}
