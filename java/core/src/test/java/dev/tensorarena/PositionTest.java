package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where an arena stands is known, whether Java holds that, or native code has it lent. */
@Tag("platform")
class PositionTest {
  /** A context that runs the same program as others and is lent at some step of it. */
  private static final class Twin implements AutoCloseable {
    final ExecutionContext ctx = ExecutionContext.open();
    final int lentAt;
    final Deque<Scope> scopes = new ArrayDeque<>();
    final Deque<SharedTensor> shared = new ArrayDeque<>();
    final Deque<TensorPin> pins = new ArrayDeque<>();
    Tensor last = ctx.allocSlice(1f);

    Twin(int lentAt) {
      this.lentAt = lentAt;
    }

    void step(int step, int which, int size) {
      if (step == lentAt) {
        ctx.nativeHandle();
      }
      if (which < 45) {
        last = ctx.empty(DType.INT8, size);
      } else if (which < 60) {
        scopes.push(ctx.scope());
      } else if (which < 75 && !scopes.isEmpty()) {
        scopes.pop().close();
      } else if (which < 80 && !scopes.isEmpty() && last.isAlive()) {
        last = scopes.pop().closeKeeping(last);
      } else if (which < 86 && last.isAlive()) {
        shared.push(last.share());
      } else if (which < 92 && !shared.isEmpty()) {
        shared.pop().close();
      } else if (which < 95 && last.isAlive()) {
        pins.push(TensorPin.of(last));
      } else if (which < 98 && !pins.isEmpty()) {
        pins.pop().close();
      } else if (which == 98) {
        scopes.clear();
        ctx.reset();
      } else if (which == 99 && last.isAlive() && last.size() > 0) {
        ctx.tensorAt(last.address(), DType.INT8, Shape.of(last.byteSize()));
      }
    }

    @Override
    public void close() {
      ctx.close();
      shared.forEach(SharedTensor::close);
      pins.forEach(TensorPin::close);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void lendingAnArenaChangesNothingThatCanBeSeen(long seed) {
    Random random = new Random(seed);
    int steps = 400;
    try (Twin never = new Twin(-1);
        Twin always = new Twin(0);
        Twin later = new Twin(random.nextInt(steps))) {
      for (int step = 0; step < steps; step++) {
        int which = random.nextInt(100);
        int size = random.nextInt(random.nextInt(20) == 0 ? 2_000_000 : 3000);
        for (Twin twin : List.of(never, always, later)) {
          twin.step(step, which, size);
        }
        assertEquals(never.ctx.arenaStats(), always.ctx.arenaStats(), "step " + step);
        assertEquals(never.ctx.arenaStats(), later.ctx.arenaStats(), "step " + step);
        assertEquals(never.ctx.memoryUsage(), later.ctx.memoryUsage());
      }
    }
  }

  /** What is known of one chunk is not believed of the one that the arena goes back to. */
  @Test
  void aChunkThatWasLeftWithPinsIsLookedAt() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.allocSlice(1f);
      Scope outer = ctx.scope();
      Tensor tensor = ctx.allocSlice(2f, 3f);
      try (SharedTensor shared = tensor.share()) {
        Scope middle = ctx.scope();
        ctx.empty(DType.INT8, 100_000); // another chunk, with room for more
        for (int i = 0; i < 2; i++) { // seen to be unpinned
          Scope inner = ctx.scope();
          ctx.allocSlice(4f);
          inner.close();
        }
        middle.close();
        outer.close();
        ctx.empty(DType.INT8, 1000).fill(-1);
        assertEquals(3f, shared.getFloatAt(1));
      }
    }
  }

  /** Java knows where a new arena stands without looking. */
  @Test
  void aNewArenaStandsNowhere() {
    long arena = NativeArena.open(null, 0, 0, NativeArena.UNLIMITED, 0, 0, 0, 0);
    Window window = Window.over(arena, ControlBlock.BYTES);
    int at = window.wordOf(arena);
    assertEquals(ControlBlock.NOWHERE, window.longs.get(at + ControlBlock.CURSOR));
    assertEquals(ControlBlock.NOWHERE, window.longs.get(at + ControlBlock.BASE));
    for (int word :
        new int[] {
          ControlBlock.LIMIT,
          ControlBlock.CHUNK,
          ControlBlock.NEWEST,
          ControlBlock.CHARGED_BEFORE,
          ControlBlock.PEAK,
          ControlBlock.WASTED
        }) {
      assertEquals(0, window.longs.get(at + word), "word " + word);
    }
    assertEquals(NativeArena.OK, NativeArena.abandon(arena));
  }

  /** How cycles use an arena beside the allocation that each of them makes. */
  private enum Cycles {
    PLAIN,
    LENT,
    /** What is pinned when a scope ends has C rewind it, which moves the position. */
    WITH_A_SHARE_THAT_OUTLIVES_ITS_SCOPE
  }

  @ParameterizedTest
  @EnumSource(Cycles.class)
  void aChunkThatIsFarTooLargeIsGivenBack(Cycles cycles) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      if (cycles == Cycles.LENT) {
        ctx.nativeHandle();
      }
      ctx.empty(DType.INT8, 10 << 20);
      long large = ctx.arenaStats().reservedBytes();
      for (int i = 0; i < 5000; i++) {
        ctx.reset();
        Scope scope = ctx.scope();
        Tensor tensor = ctx.empty(DType.INT8, 1000);
        SharedTensor shared =
            cycles == Cycles.WITH_A_SHARE_THAT_OUTLIVES_ITS_SCOPE ? tensor.share() : null;
        scope.close();
        if (shared != null) {
          shared.close();
        }
      }
      assertTrue(ctx.arenaStats().reservedBytes() < large / 8, () -> ctx.arenaStats().toString());
      assertTrue(ctx.arenaStats().peakBytes() >= 10 << 20, "the peak is the whole lifetime's");
    }
  }

  /** The gap in front of an aligned allocation is not charged when that goes to another chunk. */
  @Test
  void aResetKeepsNoSecondChunk() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.empty(DType.INT8, 61_441);
      Scope scope = ctx.scope();
      ctx.allocate(100, 4096);
      scope.close();
      ctx.reset();
      assertTrue(ctx.arenaStats().chunks() <= 1, () -> ctx.arenaStats().toString());
    }
  }

  /** Goes down to the edge of the stack and allocates there, so that it fails anywhere. */
  private static void allocateAtTheEdge(ExecutionContext ctx, Random random, List<Tensor> made) {
    try {
      allocateAtTheEdge(ctx, random, made);
    } catch (StackOverflowError e) {
      // The next frames up have a little more room each: some fail inside, the last one does not.
    }
    if (random.nextInt(40) == 0) {
      Tensor tensor = ctx.empty(DType.INT8, 40_000);
      made.add(tensor);
    }
  }

  /**
   * An error after a native call that moved the position, and before Java has read it again, leaves
   * the position where native code put it.
   */
  @Test
  void anErrorBetweenANativeCallAndTheNextLookLosesNothing() throws Exception {
    Throwable[] failure = new Throwable[1];
    Runnable program =
        () -> {
          Random random = new Random(42);
          for (int round = 0; round < 300; round++) {
            try (ExecutionContext ctx = ExecutionContext.open()) {
              List<Tensor> made = new ArrayList<>(1 << 12);
              allocateAtTheEdge(ctx, random, made);
              made.add(ctx.empty(DType.INT8, 40_000));
              checkNoOverlap(made);
              assertTrue(ctx.memoryUsage() >= 40_000L * made.size());
              assertEquals(ctx.memoryUsage(), ctx.arenaStats().allocatedBytes());
            }
          }
        };
    Thread thread = new Thread(null, program, "small stack", 256 << 10);
    thread.setUncaughtExceptionHandler((t, e) -> failure[0] = e);
    thread.start();
    thread.join();
    if (failure[0] != null) {
      throw new AssertionError(failure[0]);
    }
  }

  private static void checkNoOverlap(List<Tensor> tensors) {
    byte value = 0;
    for (Tensor tensor : tensors) {
      tensor.fill(++value);
    }
    value = 0;
    for (Tensor tensor : tensors) {
      value++;
      assertEquals(value, tensor.getByteAt(0));
      assertEquals(value, tensor.getByteAt(tensor.size() - 1));
    }
  }
}
