package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Memory limits, of a context to the byte and of all contexts to the chunk. */
class LimitTest {
  /** Other tests of this JVM run under the limit that is there by default. */
  @AfterEach
  void restoreTheDefault() {
    TestSupport.limitByDefault();
  }

  @Test
  void aLimitIsEnforcedToTheByte() {
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(1000)) {
      ctx.empty(DType.INT8, 999);
      ctx.allocate(1, 1);
      assertEquals(1000, ctx.memoryUsage());
      MemoryLimitExceededException e =
          assertRefuses(
              MemoryLimitExceededException.class, () -> ctx.allocate(1, 1), "1000 bytes", "1 ");
      assertEquals(1, e.requested());
      assertEquals(1000, e.limit());
      assertEquals(1000, e.current());
    }
  }

  @Test
  void aLimitAboveTheChunkSizeIsEnforcedToTheByte() {
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(200_000)) {
      for (int i = 0; i < 3; i++) {
        ctx.empty(DType.INT8, 60_000);
      }
      long left = 200_000 - ctx.memoryUsage();
      assertThrows(MemoryLimitExceededException.class, () -> ctx.allocate(left + 1, 1));
      ctx.allocate(left, 1);
      assertEquals(200_000, ctx.memoryUsage());
      assertThrows(MemoryLimitExceededException.class, () -> ctx.allocate(1, 1));
    }
  }

  @Test
  void alignmentPaddingIsCharged() {
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(65)) {
      ctx.empty(DType.INT8, 1);
      ctx.empty(DType.INT8, 1);
      assertEquals(65, ctx.memoryUsage());
    }
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(64)) {
      ctx.empty(DType.INT8, 1);
      assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 1));
      ctx.allocate(63, 1);
    }
  }

  @Test
  void afterAFailureNothingHasChanged() {
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(100_000)) {
      Tensor tensor = ctx.empty(DType.INT8, 50_000).fill(3);
      ArenaStats before = ctx.arenaStats();
      assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 60_000));
      assertThrows(MemoryLimitExceededException.class, () -> ctx.zeros(DType.FLOAT64, 1L << 40));
      assertThrows(
          MemoryLimitExceededException.class, () -> ctx.copyOf(Shape.of(60_000), new byte[60_000]));
      assertEquals(before, ctx.arenaStats());
      assertEquals(3, tensor.getByte(49_999));
      ctx.empty(DType.INT8, 40_000);
    }
  }

  @Test
  void theLimitCountsWhatLivesNotWhatEverLived() {
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(1 << 20)) {
      for (int i = 0; i < 100; i++) {
        Scope scope = ctx.scope();
        ctx.empty(DType.INT8, 1 << 20);
        scope.close();
      }
      for (int i = 0; i < 100; i++) {
        ctx.empty(DType.INT8, 1 << 20);
        ctx.reset();
      }
    }
  }

  @Test
  void whatLeftTheContextPinnedIsNotCharged() {
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(1 << 20)) {
      SharedTensor[] handles = new SharedTensor[4];
      for (int i = 0; i < handles.length; i++) {
        handles[i] = ctx.empty(DType.INT8, 1 << 20).share();
        ctx.reset();
      }
      for (SharedTensor handle : handles) {
        handle.close();
      }
    }
  }

  @Test
  void aLimitOfNothingAllowsEmptyTensors() {
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(0)) {
      assertTrue(ctx.empty(DType.FLOAT32, 0).isEmpty());
      assertThrows(MemoryLimitExceededException.class, () -> ctx.allocTemp(1f));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void checkAllocationAgreesWithWhatAllocationDoes(long seed) {
    Random random = new Random(seed);
    long limit = 1 + random.nextInt(400_000);
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(limit)) {
      Deque<Scope> scopes = new ArrayDeque<>();
      Deque<SharedTensor> shares = new ArrayDeque<>();
      for (int step = 0; step < 2000; step++) {
        switch (random.nextInt(12)) {
          case 0:
            scopes.push(ctx.scope());
            break;
          case 1:
            if (!scopes.isEmpty()) {
              scopes.pop().close();
            }
            break;
          case 2:
            if (shares.size() > 3) {
              shares.removeLast().close();
            }
            break;
          case 3:
            if (random.nextInt(20) == 0) {
              scopes.clear();
              ctx.reset();
            }
            break;
          default:
            long size = random.nextInt(1 << 1 + random.nextInt(18));
            Tensor tensor = allocateChecked(ctx, size, limit);
            if (tensor != null && random.nextInt(4) == 0) {
              shares.push(tensor.share());
            }
        }
      }
      shares.forEach(SharedTensor::close);
    }
  }

  private static Tensor allocateChecked(ExecutionContext ctx, long size, long limit) {
    ArenaStats before = ctx.arenaStats();
    MemoryLimitExceededException predicted = null;
    try {
      ctx.checkAllocation(size);
    } catch (MemoryLimitExceededException e) {
      predicted = e;
    }
    assertEquals(before, ctx.arenaStats(), "checking changes nothing");
    if (predicted != null) {
      MemoryLimitExceededException e =
          assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, size));
      assertEquals(predicted.getMessage(), e.getMessage());
      assertTrue(before.allocatedBytes() + size + 63 > limit, "refused without need");
      assertEquals(before, ctx.arenaStats());
      return null;
    }
    Tensor tensor = ctx.empty(DType.INT8, size);
    assertTrue(ctx.memoryUsage() <= limit);
    assertTrue(ctx.memoryUsage() >= before.allocatedBytes() + size);
    assertTrue(ctx.memoryUsage() <= before.allocatedBytes() + size + 63);
    return tensor;
  }

  @Test
  void checkAllocationRefusesANegativeSize() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      assertRefuses(IllegalArgumentException.class, () -> ctx.checkAllocation(-1), "-1");
      ctx.checkAllocation(Long.MAX_VALUE);
    }
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(10)) {
      ctx.checkAllocation(10);
      assertThrows(MemoryLimitExceededException.class, () -> ctx.checkAllocation(Long.MAX_VALUE));
    }
  }

  @Test
  void aContextsLimitNamesTheContext() {
    try (ExecutionContext ctx =
        ExecutionContext.builder().name("query 7").memoryLimit(100).open()) {
      String called = ctx.toString();
      assertTrue(called.contains("query 7"), called);
      for (Executable refused :
          List.<Executable>of(
              () -> ctx.empty(DType.INT8, 101),
              () -> ctx.allocate(101, 1),
              () -> ctx.checkAllocation(101))) {
        assertRefuses(
            MemoryLimitExceededException.class, refused, called, "101 bytes", "100 bytes");
      }
    }
  }

  @Test
  void whatTheSystemRefusesIsAnOutOfMemoryErrorWithTheSize() {
    ChunkPool.memoryLimit(Long.MAX_VALUE);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(1f);
      for (long size : new long[] {1L << 48, 1L << 55, Long.MAX_VALUE}) {
        ArenaStats before = ctx.arenaStats();
        assertRefuses(
            OutOfMemoryError.class, () -> ctx.empty(DType.INT8, size), Long.toString(size));
        assertEquals(before, ctx.arenaStats());
      }
      assertEquals(1f, tensor.getFloat(0));
      assertEquals(2f, ctx.allocSlice(2f).getFloat(0), "the context is usable");
    }
  }

  @Test
  void allContextsAreLimitedToTheChunk() {
    long inUse = ChunkPool.stats().inUseBytes();
    ChunkPool.memoryLimit(inUse + (192 << 10));
    ExecutionContext first = ExecutionContext.open();
    try (ExecutionContext second = ExecutionContext.open()) {
      Tensor tensor = first.allocSlice(1f);
      second.empty(DType.INT8, 65_536);
      first.empty(DType.INT8, 65_536);
      MemoryLimitExceededException e =
          assertRefuses(
              MemoryLimitExceededException.class,
              () -> second.empty(DType.INT8, 1),
              second.toString(),
              "a chunk of 65536 bytes",
              "all contexts of this class loader's library");
      assertEquals(1, e.requested());
      assertEquals(inUse + (192 << 10), e.limit());
      assertEquals(inUse + (192 << 10), e.current());
      assertEquals(1f, tensor.getFloat(0));
      first.close();
      second.empty(DType.INT8, 1);
    }
  }

  @Test
  void aNegativeProcessLimitIsRefused() {
    assertRefuses(IllegalArgumentException.class, () -> ChunkPool.memoryLimit(-1), "-1");
    assertRefuses(IllegalArgumentException.class, () -> ChunkPool.retainedLimit(-1), "-1");
  }

  @Test
  void maxMemoryLimitsAllContexts() throws Exception {
    TestSupport.fork(List.of("-Dtensorarena.maxMemory=1m"), MaxMemory.class).assertSucceeded();
  }

  /** Runs with a limit of 1 MiB. */
  static final class MaxMemory {
    public static void main(String[] args) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.empty(DType.INT8, 1 << 20).fill(1);
        MemoryLimitExceededException e =
            assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 1));
        assertEquals(1 << 20, e.limit());
        ctx.reset();
        assertThrows(
            MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 1 + (1 << 20)));
        ctx.empty(DType.INT8, 1 << 20);
      }
    }
  }

  @Test
  void aLimitIsUsedUpToAnEighth() throws Exception {
    TestSupport.fork(List.of("-Dtensorarena.maxMemory=100m"), OneLarge.class).assertSucceeded();
    TestSupport.fork(List.of("-Dtensorarena.maxMemory=96m"), TwoLarge.class).assertSucceeded();
  }

  /** Runs with a limit of 100 MiB, of which a power of two would leave nothing. */
  static final class OneLarge {
    public static void main(String[] args) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.empty(DType.INT8, (64 << 20) + 1).setByteAt(64 << 20, (byte) 1);
      }
      long committed = ChunkPool.stats().committedBytes();
      ChunkPool.memoryLimit(Long.MAX_VALUE);
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.empty(DType.INT8, (2L << 30) + 10);
        long more = ChunkPool.stats().committedBytes() - committed;
        assertTrue(more <= (2L << 30) * 9 / 8, "committed " + more);
      }
    }
  }

  /** Runs with a limit of 96 MiB, of which two powers of two would leave nothing. */
  static final class TwoLarge {
    public static void main(String[] args) {
      try (ExecutionContext first = ExecutionContext.open();
          ExecutionContext second = ExecutionContext.open()) {
        first.empty(DType.INT8, 44_800_000);
        second.empty(DType.INT8, 44_800_000);
      }
      try (ExecutionContext both = ExecutionContext.open()) {
        both.empty(DType.INT8, 44_800_000);
        both.empty(DType.INT8, 44_800_000);
      }
    }
  }

  @Test
  void withoutMaxMemoryTheLimitIsWhatTheMachineHas() throws Exception {
    TestSupport.fork(List.of(), DefaultLimit.class).assertSucceeded();
  }

  /** Runs with the limit that is there by default. */
  static final class DefaultLimit {
    public static void main(String[] args) {
      long most = MachineMemory.bytes();
      assertTrue(most > 64L << 20 && most < 1L << 46, "the machine has " + most + " bytes");
      try (ExecutionContext ctx = ExecutionContext.open()) {
        for (long size : new long[] {1L << 46, 1L << 55, Long.MAX_VALUE}) {
          MemoryLimitExceededException e =
              assertRefuses(
                  MemoryLimitExceededException.class,
                  () -> ctx.empty(DType.INT8, size),
                  ctx.toString(),
                  size + " bytes requested",
                  "a chunk of " + size + " bytes",
                  most + " bytes");
          assertEquals(most, e.limit());
        }
        assertEquals(0, ctx.arenaStats().reservedBytes());
        assertEquals(2f, ctx.allocSlice(2f).getFloat(0), "the context is usable");
      }
    }
  }

  @Test
  void maxMemoryCanBeUnlimited() throws Exception {
    TestSupport.fork(List.of("-Dtensorarena.maxMemory=unlimited"), Unlimited.class)
        .assertSucceeded();
  }

  /** Runs without a limit: only the system refuses. */
  static final class Unlimited {
    public static void main(String[] args) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        assertRefuses(
            OutOfMemoryError.class, () -> ctx.empty(DType.INT8, 1L << 55), ctx.toString());
        ctx.empty(DType.INT8, 1L << 36).slice(0, 0, 1).fill(1);
      }
    }
  }

  @Test
  void aLimitThatIsLiftedMeanwhileIsNoNegativeNumber() {
    ChunkPool.memoryLimit(Long.MAX_VALUE);
    NativeArena.setPoolMemoryLimit(NativeArena.UNLIMITED);
    MemoryLimitExceededException e = ChunkPool.limitExceeded("a context", 5, 5);
    assertEquals(Long.MAX_VALUE, e.limit());
    assertFalse(e.getMessage().contains("-1"), e::getMessage);
  }

  @Test
  void aMaxMemoryThatIsNoNumberOfBytesIsNamed() throws Exception {
    for (String bad : List.of("-5", "9999999999g")) {
      TestSupport.Outcome outcome =
          TestSupport.fork(List.of("-Dtensorarena.maxMemory=" + bad), MaxMemory.class);
      assertTrue(outcome.exit() != 0);
      outcome.assertPrinted("tensorarena.maxMemory", bad);
    }
  }
}
