package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/**
 * Contexts that became unreachable unclosed leave nothing behind. Each case has a JVM of its own.
 */
class ForgottenTest {
  private static void run(Class<?> main, String... jvmArguments) throws Exception {
    TestSupport.fork(List.of(jvmArguments), main).assertSucceeded();
  }

  @Test
  void fiveThousandForgottenContextsLeaveNothing() throws Exception {
    run(Many.class);
    run(Many.class, "-Dtensorarena.leakDetection=off");
  }

  @Test
  void theForgottenGiveWayBeforeThePoolRefuses() throws Exception {
    run(AtTheLimit.class, "-Dtensorarena.maxMemory=64m");
  }

  @Test
  void anIdleContextIsAnObjectOfTheHeapAlone() throws Exception {
    run(Idle.class);
  }

  @Test
  void whatWasSharedAndReleasedIsTakenBackToo() throws Exception {
    run(Shared.class);
  }

  @Test
  void whatWasKeptOrTakenOverIsTakenBackToo() throws Exception {
    run(KeptOrTakenOver.class);
  }

  @Test
  void aChunkThatOthersHoldStaysWhenAForgottenHoldGoes() throws Exception {
    run(Neighbours.class);
  }

  @Test
  void aClosedContextThatIsKeptHidesNoneThatIsForgotten() throws Exception {
    run(ClosedOnesAreKept.class);
  }

  @Test
  void whatIsHeldElsewhereStays() throws Exception {
    run(HeldElsewhere.class);
  }

  @Test
  void whatAnAddressWasGivenOutOfStaysOut() throws Exception {
    run(Exposed.class);
  }

  @Test
  void endedSecretsOfTheForgottenAreZeroed() throws Exception {
    run(Secret.class);
  }

  @Test
  void contextsOfManyThreadsAreFoundWhileOthersAreClosed() throws Exception {
    run(Threads.class, "-Xmx64m");
  }

  @Test
  void aForgottenDetachedContextIsAForgottenContext() throws Exception {
    run(Detached.class);
  }

  @Test
  void whatAForgottenContextHadAdoptedIsTakenBackToo() throws Exception {
    run(Adopted.class);
  }

  /** Collects, and has what was found taken back, until something holds. */
  private static void await(BooleanSupplier holds) {
    for (int i = 0; i < 2000 && !holds.getAsBoolean(); i++) {
      System.gc();
      use();
    }
    assertTrue(holds.getAsBoolean(), () -> ChunkPool.stats().toString());
  }

  /** Needs memory of the pool, as a program that goes on does. */
  private static void use() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.allocTemp(1f);
    }
  }

  private static void awaitNothingInUse() {
    await(() -> ChunkPool.stats().inUseChunks() == 0 && ChunkPool.openContexts() == 0);
  }

  private static void forget(int contexts, long bytes) {
    for (int i = 0; i < contexts; i++) {
      ExecutionContext.open().empty(DType.INT8, bytes).setByteAt(0, (byte) 1);
    }
  }

  static final class Detached {
    public static void main(String[] args) throws Exception {
      List<DetachedContext> held = new ArrayList<>(); // while they are made, the collector has none
      for (int i = 0; i < 1000; i++) {
        ExecutionContext ctx = ExecutionContext.open();
        ctx.scope();
        ctx.allocSlice(1f).share().close();
        DetachedContext moving = ctx.detach();
        held.add(moving);
        if (i % 2 == 0) {
          TestSupport.runOnThread("next", () -> held.add(moving.attach().detach()));
        }
      }
      assertEquals(1000, ChunkPool.stats().inUseChunks());
      held.clear();
      awaitNothingInUse();
    }
  }

  static final class Adopted {
    private static final int CONTEXTS = 20; // few, so that no collection comes before the end

    public static void main(String[] args) {
      SharedTensor kept = forget();
      assertTrue(ChunkPool.stats().inUseChunks() > CONTEXTS, "or nothing was forgotten");
      await(() -> ChunkPool.stats().inUseChunks() == 1 && ChunkPool.openContexts() == 0);
      assertEquals(7f, kept.getFloat(0));
      kept.close();
      assertEquals(0, ChunkPool.stats().inUseChunks());
    }

    /** Of each the scopes hold shared tensors of their own and of others; one handle is kept. */
    private static SharedTensor forget() {
      SharedTensor kept = null;
      for (int i = 0; i < CONTEXTS; i++) {
        ExecutionContext ctx = ExecutionContext.open();
        ctx.allocSlice(1f).share().close();
        ctx.scope();
        for (int j = 0; j < 3; j++) {
          ExecutionContext child = ExecutionContext.open();
          Tensor tensor = child.allocSlice(7f);
          tensor.share().close();
          child.scope();
          child.allocSlice(8f).share().close();
          ctx.adopt(child.detach());
          tensor.share().close();
        }
      }
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ExecutionContext child = ExecutionContext.open();
        kept = child.allocSlice(7f).share();
        ctx.adopt(child.detach());
      }
      return kept;
    }
  }

  static final class Many {
    public static void main(String[] args) {
      forget(5000, 64);
      assertTrue(ChunkPool.stats().inUseChunks() > 100, "or nothing was forgotten");
      awaitNothingInUse();
      long committed = ChunkPool.stats().committedBytes();
      for (int round = 0; round < 20; round++) {
        forget(250, 64);
        awaitNothingInUse();
      }
      long more = ChunkPool.stats().committedBytes() - committed;
      assertTrue(more < 16 << 20, "their memory is used again, but not " + more + " bytes");
    }
  }

  static final class AtTheLimit {
    public static void main(String[] args) {
      for (int round = 0; round < 20; round++) {
        forget(4, 10 << 20);
        collect();
        // Does not fit beside them.
        try (ExecutionContext ctx = ExecutionContext.open()) {
          ctx.allocTemp(1f);
          assertEquals(0, ctx.empty(DType.INT8, 32 << 20).fill(0).getByteAt(0));
        }
      }
    }

    /** Nobody waits until the JVM has queued what it found. */
    private static void collect() {
      WeakReference<Object> last = new WeakReference<>(new Object());
      while (last.get() != null) {
        System.gc();
      }
    }
  }

  static final class Idle {
    public static void main(String[] args) {
      ChunkPool.Stats before = ChunkPool.stats();
      List<ExecutionContext> open = new ArrayList<>();
      for (int i = 0; i < 100_000; i++) {
        open.add(ExecutionContext.open());
      }
      assertEquals(before, ChunkPool.stats());
      assertEquals(0, ChunkPool.openContexts(), "nothing native is left to take back");
      assertEquals(0, open.get(99_999).arenaStats().reservedBytes());
    }
  }

  static final class ClosedOnesAreKept {
    public static void main(String[] args) {
      List<ExecutionContext> kept = new ArrayList<>();
      for (int round = 0; round < 20; round++) {
        List<ExecutionContext> open = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
          ExecutionContext ctx = ExecutionContext.open();
          ctx.allocTemp(1f);
          open.add(ctx);
        }
        open.forEach(ExecutionContext::close);
        kept.addAll(open);
        forget(100, 64); // in the records that these had
        awaitNothingInUse();
      }
      assertEquals(2000, kept.size());
    }
  }

  static final class Shared {
    public static void main(String[] args) throws Exception {
      for (int round = 0; round < 50; round++) {
        List<SharedTensor> queue = new ArrayList<>();
        share(queue);
        TestSupport.runOnThread(
            "consumer",
            () -> {
              assertEquals(2f, queue.get(0).getFloat(1));
              queue.forEach(SharedTensor::close);
            });
      }
      awaitNothingInUse();
    }

    private static void share(List<SharedTensor> queue) {
      ExecutionContext ctx = ExecutionContext.open();
      queue.add(ctx.allocSlice(1f, 2f).share());
      Scope scope = ctx.scope();
      ctx.empty(DType.INT8, 200_000).share().close();
      queue.add(ctx.allocSlice(3f).share());
      scope.close();
      queue.add(ctx.empty(DType.INT8, 200_000).share());
      ctx.allocSlice(4f).share().close();
    }
  }

  /** In chunks that have left the arena, or were never its own. */
  static final class KeptOrTakenOver {
    public static void main(String[] args) {
      for (int round = 0; round < 50; round++) {
        keep();
        takeOver();
        takeOverIntoAContextWithoutMemory();
      }
      assertTrue(ChunkPool.stats().inUseChunks() > 100, "or nothing was forgotten");
      awaitNothingInUse();
    }

    private static void keep() {
      for (boolean zeroed : new boolean[] {true, false}) {
        ExecutionContext ctx = ExecutionContext.builder().zeroOnRelease(zeroed).open();
        ctx.empty(DType.INT8, 100);
        Scope outer = ctx.scope();
        Scope scope = ctx.scope();
        Tensor result = ctx.empty(DType.INT8, 200_000);
        TensorPin pin = zeroed ? null : TensorPin.of(result);
        SharedTensor[] handle = new SharedTensor[1];
        scope.track(() -> handle[0] = zeroed ? null : result.share());
        outer.closeKeeping(scope.closeKeeping(result));
        if (!zeroed) {
          pin.close();
          handle[0].close();
        }
      }
    }

    private static SharedTensor shareOf(ExecutionContext other) {
      try (other) {
        return other.empty(DType.INT8, 100_000).share();
      }
    }

    private static void takeOver() {
      ExecutionContext ctx = ExecutionContext.open();
      ctx.allocTemp(1f);
      Tensor taken = shareOf(ExecutionContext.open()).mutable(ctx);
      taken.share().close();
      ctx.scope();
      Scope scope = ctx.scope();
      scope.closeKeeping(shareOf(ExecutionContext.open()).mutable(ctx).fill(3));
    }

    private static void takeOverIntoAContextWithoutMemory() {
      shareOf(ExecutionContext.open()).mutable(ExecutionContext.open());
    }
  }

  static final class Neighbours {
    public static void main(String[] args) {
      List<AutoCloseable> holds = new ArrayList<>();
      takeOneOfThree(holds);
      await(() -> ChunkPool.openContexts() == 0);
      SharedTensor kept = (SharedTensor) holds.get(0);
      for (int i = 0; i < 100; i++) {
        try (ExecutionContext ctx = ExecutionContext.open()) {
          ctx.zeros(DType.INT8, 60_000);
        }
      }
      assertEquals(7f, kept.getFloat(0));
      assertEquals(1, ChunkPool.stats().pinnedChunks());
      kept.close();
      awaitNothingInUse();
    }

    private static void takeOneOfThree(List<AutoCloseable> holds) {
      SharedTensor first;
      SharedTensor refused;
      try (ExecutionContext other = ExecutionContext.open()) {
        first = other.allocSlice(1f).share();
        holds.add(other.allocSlice(7f).share());
        refused = other.allocSlice(2f).share();
      }
      ExecutionContext ctx = ExecutionContext.withMemoryLimit(7);
      first.mutable(ctx);
      assertThrows(MemoryLimitExceededException.class, () -> refused.mutable(ctx));
      assertEquals(2f, refused.getFloat(0), "a hold that is refused is counted no longer");
      refused.close();
    }
  }

  static final class HeldElsewhere {
    public static void main(String[] args) {
      SharedTensor kept = forgetAllBut();
      // It was detached by the end of its scope; until then it would keep the context, too.
      await(() -> ChunkPool.openContexts() == 0);
      for (int i = 0; i < 100; i++) {
        try (ExecutionContext ctx = ExecutionContext.open()) {
          ctx.zeros(DType.INT8, 60_000);
        }
      }
      assertEquals(7f, kept.getFloat(1));
      assertEquals(1, ChunkPool.stats().pinnedChunks());
      kept.close();
      awaitNothingInUse();
    }

    private static SharedTensor forgetAllBut() {
      ExecutionContext ctx = ExecutionContext.open();
      ctx.allocSlice(1f).share().close();
      Scope scope = ctx.scope();
      SharedTensor kept = ctx.allocSlice(6f, 7f).share();
      scope.close();
      return kept;
    }
  }

  static final class Exposed {
    public static void main(String[] args) {
      FloatBuffer view = expose();
      long inUse = ChunkPool.stats().inUseChunks();
      assertEquals(1, inUse);
      forget(100, 64);
      await(() -> ChunkPool.stats().inUseChunks() == 1);
      assertEquals(5f, view.get(0));
    }

    private static FloatBuffer expose() {
      return ExecutionContext.open().allocSlice(5f).asFloatBuffer();
    }
  }

  static final class Secret {
    public static void main(String[] args) {
      for (int i = 0; i < 100; i++) {
        ExecutionContext.builder().zeroOnRelease(true).open().empty(DType.INT8, 60_000).fill(42);
      }
      awaitNothingInUse();
      List<ExecutionContext> contexts = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        ExecutionContext ctx = ExecutionContext.open();
        contexts.add(ctx);
        Tensor found = ctx.empty(DType.INT8, 60_000);
        for (byte value : found.toByteArray()) {
          assertNotEquals(42, value);
        }
      }
      contexts.forEach(ExecutionContext::close);
    }
  }

  static final class Threads {
    public static void main(String[] args) throws Exception {
      List<Thread> threads = new ArrayList<>();
      List<Throwable> failures = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        int seed = i;
        Thread thread = new Thread(() -> work(seed));
        thread.setUncaughtExceptionHandler(
            (which, failure) -> {
              synchronized (failures) {
                failures.add(failure);
              }
            });
        threads.add(thread);
        thread.start();
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertEquals(List.of(), failures);
      awaitNothingInUse();
    }

    private static void work(int seed) {
      for (int i = 0; i < 20_000; i++) {
        ExecutionContext ctx = ExecutionContext.open();
        byte mine = (byte) (seed * 31 + i);
        Tensor tensor = ctx.empty(DType.INT8, 1000).fill(mine);
        SharedTensor shared = i % 3 == 0 ? tensor.share() : null;
        byte[] garbage = new byte[2000];
        Tensor other = ctx.empty(DType.INT8, garbage.length).fill((byte) ~mine);
        assertEquals(mine, tensor.getByteAt(999));
        assertEquals(~mine, other.getByteAt(1999));
        if (shared != null) {
          shared.close();
        }
        if (i % 2 == 0) {
          ctx.close(); // and forgets it otherwise
        }
      }
    }
  }
}
