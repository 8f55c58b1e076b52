package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Pointer;
import dev.tensorarena.ArenaStats;
import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.MemoryLimitExceededException;
import dev.tensorarena.NativeClient;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The C API through JNA, and its agreement with JNI and with the core's inlined paths. */
class JnaArenaTest {
  private final long chunksBefore = ChunkPool.stats().inUseChunks();

  @AfterEach
  void allChunksCameHome() {
    assertEquals(chunksBefore, ChunkPool.stats().inUseChunks());
  }

  // ---- one arena, three languages

  /** What was allocated, and where it must be found as long as its scope is open. */
  private record Allocation(Tensor tensor, int[] contents) {}

  /** Each step allocates by another binding; after each, all of them see the same. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void jniJnaAndInlineJavaAllocateFromOneArenaInTurn(long seed) {
    Random random = new Random(seed);
    long limit = 8 << 20;
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(limit)) {
      JnaArena jna = JnaArena.of(ctx);
      Deque<Scope> scopes = new ArrayDeque<>();
      Deque<List<Allocation>> living = new ArrayDeque<>();
      living.push(new ArrayList<>());
      int refused = 0;
      for (int step = 0; step < 3000; step++) {
        int action = random.nextInt(20);
        if (action == 0 && scopes.size() < 6) {
          scopes.push(ctx.scope());
          living.push(new ArrayList<>());
        } else if (action == 1 && !scopes.isEmpty()) {
          verify(living.pop());
          scopes.pop().close();
        } else if (action == 2 && random.nextInt(10) == 0) {
          living.forEach(JnaArenaTest::verify);
          living.clear();
          living.push(new ArrayList<>());
          scopes.clear();
          ctx.reset();
        } else if (action == 3) {
          rewindToOwnMark(jna, random.nextInt(100_000));
        } else {
          int length = random.nextInt(random.nextInt(30) == 0 ? 1_000_000 : 4000);
          int binding = random.nextInt(3);
          if (!allocate(ctx, jna, binding, step, length, living.peek())) {
            refused++;
          }
        }
        assertAgreed(ctx, jna);
      }
      living.forEach(JnaArenaTest::verify);
      assertTrue(refused > 0, "the limit was never met");
    }
  }

  private static void verify(List<Allocation> allocations) {
    for (Allocation allocation : allocations) {
      assertArrayEquals(allocation.contents, allocation.tensor.toIntArray());
    }
  }

  private static void rewindToOwnMark(JnaArena jna, long bytes) {
    long before = jna.charged();
    long cursor = jna.cursor();
    Pointer mark = jna.mark();
    Pointer room = jna.allocate(bytes, 0);
    if (room != null) {
      room.setMemory(0, bytes, (byte) 5);
    }
    assertEquals(Status.OK, jna.rewind(mark));
    assertEquals(before, jna.charged());
    assertEquals(before == 0 ? jna.cursor() : cursor, jna.cursor());
  }

  /** Whether it was allocated; where all bindings agree that it is refused, nothing changes. */
  private static boolean allocate(
      ExecutionContext ctx, JnaArena jna, int binding, int first, int length, List<Allocation> to) {
    long bytes = 4L * length;
    Shape shape = Shape.of(length);
    Status verdict = jna.check(bytes, 64);
    if (verdict != Status.OK) {
      assertEquals(Status.LIMIT, verdict);
      assertEquals(Status.LIMIT, jna.reserve(bytes, 64));
      assertNull(jna.allocate(bytes, 64));
      assertEquals(0, NativeClient.counting(ctx.nativeHandle(), 0, length));
      assertThrows(MemoryLimitExceededException.class, () -> ctx.checkAllocation(bytes));
      MemoryLimitExceededException refusal =
          assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT32, shape));
      assertEquals(jna.charged(), refusal.current());
      return false;
    }
    ctx.checkAllocation(bytes);
    assertEquals(Status.OK, jna.reserve(bytes, 64));
    long expected = (jna.cursor() + 63) & -64; // there is room for it now
    int[] contents = IntStream.range(first, first + length).toArray();
    Tensor tensor;
    if (binding == 0) {
      tensor = ctx.allocSlice(contents);
    } else if (binding == 1) {
      long address = NativeClient.counting(ctx.nativeHandle(), first, length);
      tensor = ctx.tensorAt(address, DType.INT32, shape);
    } else {
      Pointer room = jna.allocate(bytes, 64);
      room.write(0, contents, 0, length);
      tensor = ctx.tensorAt(Pointer.nativeValue(room), DType.INT32, shape);
    }
    assertEquals(expected, tensor.address());
    assertEquals(expected + bytes, jna.cursor());
    to.add(new Allocation(tensor, contents));
    return true;
  }

  private static void assertAgreed(ExecutionContext ctx, JnaArena jna) {
    ArenaStats stats = ctx.arenaStats();
    assertEquals(stats, jna.stats());
    assertEquals(ctx.memoryUsage(), jna.charged());
    assertEquals(ctx.memoryUsage(), stats.allocatedBytes());
  }

  // ---- the same program on an arena of each

  /** But for reset: a context's looks after the size of its chunk only now and then. */
  @ParameterizedTest
  @ValueSource(longs = {10, 11, 12})
  void theSameProgramGivesTheSameOnAnArenaOfJnaAndOnAContext(long seed) {
    Random random = new Random(seed);
    long limit = 3_000_000;
    try (ExecutionContext ctx =
            ExecutionContext.builder().capacity(100_000).memoryLimit(limit).alignment(1).open();
        JnaArena mine = JnaArena.create(100_000, limit)) {
      JnaArena borrowed = JnaArena.of(ctx);
      Deque<Scope> scopes = new ArrayDeque<>();
      Deque<Pointer> marks = new ArrayDeque<>();
      for (int step = 0; step < 5000; step++) {
        int action = random.nextInt(15);
        if (action == 0 && scopes.size() < 5) {
          scopes.push(ctx.scope());
          marks.push(mine.mark());
        } else if (action == 1 && !scopes.isEmpty()) {
          scopes.pop().close();
          assertEquals(Status.OK, mine.rewind(marks.pop()));
        } else {
          int bytes = random.nextInt(random.nextInt(10) == 0 ? 500_000 : 3000);
          Pointer room = mine.allocate(bytes, 1);
          Tensor tensor = null;
          try {
            tensor = ctx.empty(DType.INT8, bytes);
          } catch (MemoryLimitExceededException e) {
            assertEquals(Status.LIMIT, mine.check(bytes, 1));
            assertEquals(bytes, e.requested());
            assertEquals(mine.charged(), e.current());
          }
          assertEquals(tensor == null, room == null);
          if (tensor != null) {
            assertEquals(borrowed.offset(tensor.address()), mine.offset(Pointer.nativeValue(room)));
          }
        }
        assertEquals(ctx.arenaStats(), mine.stats(), "step " + step);
      }
    }
  }

  // ---- statuses

  @Test
  void whatIsNotSoIsSaidByAStatus() {
    JnaArena arena = JnaArena.create(0, 1000);
    assertEquals(Status.ARGUMENT, arena.reserve(1, 3));
    assertEquals(Status.ARGUMENT, arena.check(1, 8192));
    assertNull(arena.allocate(1, 3));
    assertEquals(Status.LIMIT, arena.reserve(1001, 1));
    assertEquals(Status.OK, arena.setLimit(2000));
    assertEquals(Status.OK, arena.reserve(1001, 1));
    Pointer start = arena.mark();
    Pointer first = arena.allocate(10, 0);
    Pointer later = arena.mark();
    assertNotNull(arena.allocate(100, 0));
    assertEquals(Status.OK, arena.rewind(start));
    assertEquals(Status.MARK, arena.rewind(later));
    assertNull(arena.pin(first, 10), "it has ended");
    arena.close();
    arena.close();
    assertEquals(Status.CLOSED, arena.reset());
    assertEquals(Status.CLOSED, arena.reserve(1, 1));
    assertThrows(IllegalStateException.class, arena::stats);
    assertThrows(IllegalArgumentException.class, () -> JnaArena.create(-1, 1000));
    assertThrows(IllegalStateException.class, () -> Status.of(-1));
  }

  @Test
  void pinsOfJnaOutliveTheArena() {
    JnaArena arena = JnaArena.create(0, JnaArena.UNLIMITED);
    Pointer room = arena.allocate(1000, 0);
    room.setMemory(0, 1000, (byte) 6);
    Pointer chunk = arena.pin(room, 1000);
    JnaArena.retain(chunk);
    arena.close();
    long pinned = ChunkPool.stats().pinnedChunks();
    JnaArena.release(chunk);
    try (JnaArena other = JnaArena.create(0, JnaArena.UNLIMITED)) {
      other.allocate(60_000, 0).setMemory(0, 60_000, (byte) 1);
      byte[] expected = new byte[1000];
      Arrays.fill(expected, (byte) 6);
      assertArrayEquals(expected, room.getByteArray(0, 1000));
    }
    JnaArena.release(chunk);
    assertEquals(pinned - 1, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void theArenaOfAContextIsNotJnasToEnd() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(1, 2, 3);
      JnaArena arena = JnaArena.of(ctx);
      assertEquals(ctx.nativeHandle(), Pointer.nativeValue(arena.handle()));
      assertThrows(IllegalStateException.class, arena::reset);
      assertThrows(IllegalStateException.class, () -> arena.setLimit(1));
      arena.close();
      assertNotEquals(0, arena.charged());
      assertArrayEquals(new int[] {1, 2, 3}, tensor.toIntArray());
    }
    ExecutionContext closed = ExecutionContext.open();
    closed.close();
    assertThrows(IllegalStateException.class, () -> JnaArena.of(closed));
  }
}
