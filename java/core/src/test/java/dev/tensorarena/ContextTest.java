package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** How contexts are opened and what they say about themselves. */
class ContextTest {
  @Test
  void everyContextHasANumberOfItsOwn() {
    Set<Long> ids = new HashSet<>();
    for (int i = 0; i < 1000; i++) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        assertTrue(ids.add(ctx.executionId()));
        assertTrue(ctx.executionId() > 0);
      }
    }
  }

  @Test
  void threadsThatAskForItsNumberTogetherGetTheSame() throws Exception {
    ExecutionContext[] contexts = new ExecutionContext[5000];
    Arrays.setAll(contexts, i -> ExecutionContext.open());
    AtomicInteger arrived = new AtomicInteger();
    Callable<long[]> ask =
        () -> {
          long[] ids = new long[contexts.length];
          for (int i = 0; i < ids.length; i++) {
            arrived.incrementAndGet();
            while (arrived.get() < 2 * (i + 1)) {
              Thread.yield();
            }
            ids[i] = contexts[i].executionId();
          }
          return ids;
        };
    FutureTask<long[]> elsewhere = new FutureTask<>(ask);
    new Thread(elsewhere, "asks, too").start();
    assertArrayEquals(ask.call(), elsewhere.get());
    Arrays.stream(contexts).forEach(ExecutionContext::close);
  }

  @Test
  void aContextKnowsWhenItWasOpened() {
    // The clock that is asked stands still between two ticks, 10 ms at the most.
    Instant before = Instant.ofEpochMilli(System.currentTimeMillis() - 20);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Instant after = Instant.now();
      assertFalse(ctx.createdAt().isBefore(before));
      assertFalse(ctx.createdAt().isAfter(after));
      assertEquals(ctx.createdAt(), ctx.createdAt());
    }
  }

  @Test
  void nameAndLimitAreWhatTheBuilderWasGiven() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      assertEquals(Optional.empty(), ctx.name());
      assertEquals(OptionalLong.empty(), ctx.memoryLimit());
      assertEquals("ExecutionContext " + ctx.executionId(), ctx.toString());
    }
    try (ExecutionContext ctx =
        ExecutionContext.builder().name("ranking").memoryLimit(1 << 20).open()) {
      assertEquals(Optional.of("ranking"), ctx.name());
      assertEquals(OptionalLong.of(1 << 20), ctx.memoryLimit());
      assertEquals("ExecutionContext " + ctx.executionId() + " (ranking)", ctx.toString());
    }
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(77)) {
      assertEquals(OptionalLong.of(77), ctx.memoryLimit());
    }
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(Long.MAX_VALUE)) {
      ctx.empty(DType.INT8, 1 << 20);
      assertEquals(OptionalLong.of(Long.MAX_VALUE), ctx.memoryLimit());
    }
  }

  @Test
  void theBuilderRefusesWhatIsOutOfRangeWithTheValue() {
    ExecutionContext.Builder builder = ExecutionContext.builder();
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    assertRefuses(bad, () -> builder.capacity(-1), "-1");
    assertRefuses(bad, () -> builder.capacity((1L << 46) + 1), "70368744177665");
    assertRefuses(bad, () -> builder.memoryLimit(-1), "-1");
    for (int alignment : new int[] {Integer.MIN_VALUE, -64, 0, 3, 48, 8192}) {
      assertRefuses(bad, () -> builder.alignment(alignment), Integer.toString(alignment));
    }
    assertThrows(NullPointerException.class, () -> builder.name(null));
    assertRefuses(bad, () -> ExecutionContext.withCapacity(-1), "-1");
    assertRefuses(bad, () -> ExecutionContext.withMemoryLimit(-1), "-1");
  }

  @Test
  void aBuilderMayOpenSeveralContexts() {
    ExecutionContext.Builder builder = ExecutionContext.builder().name("a").memoryLimit(100);
    try (ExecutionContext first = builder.open();
        ExecutionContext second = builder.name("b").memoryLimit(200).open()) {
      assertEquals("a", first.name().orElseThrow());
      assertEquals(100, first.memoryLimit().orElseThrow());
      assertEquals("b", second.name().orElseThrow());
      assertEquals(200, second.memoryLimit().orElseThrow());
      assertNotEquals(first.executionId(), second.executionId());
    }
  }

  @Test
  void tensorsLieAtMultiplesOfTheAlignmentAndOfTheirElement() {
    for (int alignment = 1; alignment <= 4096; alignment *= 2) {
      try (ExecutionContext ctx = ExecutionContext.builder().alignment(alignment).open()) {
        for (DType dtype : DType.values()) {
          for (int length : new int[] {0, 1, 3, 5000}) {
            long address = ctx.empty(dtype, length).address();
            assertEquals(0, address % alignment);
            assertEquals(0, address % dtype.byteSize());
            assertNotEquals(0, address);
          }
        }
        assertNotEquals(0, ctx.allocTemp(1).address());
      }
    }
  }

  @Test
  void theDefaultAlignmentIsACacheLine() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      for (int i = 0; i < 10; i++) {
        assertEquals(0, ctx.allocSlice((byte) i).address() % 64);
      }
    }
  }

  @Test
  void rawRoomIsAlignedNativeAndExact() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.allocate(1, 1);
      for (int alignment = 1; alignment <= 4096; alignment *= 2) {
        ByteBuffer room = ctx.allocate(alignment + 3, alignment);
        assertEquals(0, NativeArena.bufferAddress(room) % alignment);
        assertEquals(ByteOrder.nativeOrder(), room.order());
        assertEquals(0, room.position());
        assertEquals(alignment + 3, room.limit());
        assertEquals(alignment + 3, room.capacity());
        assertTrue(room.isDirect());
        assertFalse(room.isReadOnly());
      }
      assertEquals(0, ctx.allocate(0, 64).capacity());
    }
  }

  @Test
  void rawRoomRefusesWhatIsOutOfRangeWithTheValue() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Class<IllegalArgumentException> bad = IllegalArgumentException.class;
      assertRefuses(bad, () -> ctx.allocate(-1, 64), "-1");
      assertRefuses(bad, () -> ctx.allocate(1L << 31, 64), "2147483648");
      assertRefuses(bad, () -> ctx.allocate(1, 0), "0");
      assertRefuses(bad, () -> ctx.allocate(1, 3), "3");
      assertRefuses(bad, () -> ctx.allocate(1, 8192), "8192");
      assertEquals(0, ctx.memoryUsage());
    }
  }

  @Test
  void neighbouringAllocationsNeverOverlap() {
    try (ExecutionContext ctx = ExecutionContext.builder().alignment(1).open()) {
      long end = 0;
      for (int i = 0; i < 1000; i++) {
        Tensor tensor = ctx.empty(DType.INT8, i % 50);
        assertTrue(tensor.address() >= end || ctx.arenaStats().chunks() > 1);
        end = tensor.address() + tensor.byteSize();
      }
    }
  }

  @Test
  void hugePagesTakeChunksOfTheirSizeAndWorkWhereTheSystemHasNone() {
    try (ExecutionContext ctx = ExecutionContext.builder().hugePages(true).open()) {
      Tensor tensor = ctx.zeros(DType.FLOAT32, 1000);
      assertEquals(2 << 20, ctx.arenaStats().reservedBytes());
      assertEquals(0f, tensor.getFloat(999));
    }
    try (ExecutionContext ctx =
        ExecutionContext.builder().hugePages(true).hugePages(false).open()) {
      ctx.zeros(DType.FLOAT32, 1000);
      assertEquals(65_536, ctx.arenaStats().reservedBytes());
    }
  }

  @Test
  void anIdleContextCostsLittleHeapAndNoChunk() {
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long chunks = ChunkPool.stats().inUseChunks();
    int count = 20_000;
    ExecutionContext[] contexts = new ExecutionContext[count];
    for (int i = 0; i < count; i++) { // the first leak watch loads classes and starts a thread
      ExecutionContext.open().close();
    }
    long thread = Thread.currentThread().getId();
    long before = threads.getThreadAllocatedBytes(thread);
    for (int i = 0; i < count; i++) {
      contexts[i] = ExecutionContext.open();
    }
    long each = (threads.getThreadAllocatedBytes(thread) - before) / count;
    assertEquals(chunks, ChunkPool.stats().inUseChunks());
    for (ExecutionContext ctx : contexts) {
      ctx.close();
    }
    assertTrue(each <= 256, each + " bytes of heap");
  }

  @Test
  void aLimitOrACapacityOfAnySizeIsTaken() {
    for (long bytes : List.of(0L, 1L, 65_535L, 65_536L, 65_537L, 10_000_000L)) {
      try (ExecutionContext ctx =
          ExecutionContext.builder().capacity(bytes).memoryLimit(bytes).open()) {
        ctx.empty(DType.INT8, bytes);
        assertTrue(ctx.arenaStats().chunks() <= 1);
        assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 1));
      }
    }
  }
}
