package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Memory;
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
import java.lang.reflect.Modifier;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
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
    Mark mark = jna.mark();
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
      Deque<Mark> marks = new ArrayDeque<>();
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
            long address = Pointer.nativeValue(room);
            boolean large = address + bytes != mine.cursor(); // in a chunk of its own
            assertEquals(large, tensor.address() + bytes != borrowed.cursor());
            assertTrue(!large || bytes > 256 << 10, () -> bytes + " bytes are no large allocation");
            if (!large) {
              assertEquals(offset(borrowed, tensor.address()), offset(mine, address));
            }
          }
        }
        assertEquals(ctx.arenaStats(), mine.stats(), "step " + step);
      }
    }
  }

  /** How far an address lies behind the current chunk's first byte. */
  private static long offset(JnaArena arena, long address) {
    Pointer control = new Pointer(Pointer.nativeValue(arena.handle()));
    return address - control.getLong(ArenaLayout.BASE);
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
    Mark start = arena.mark();
    Pointer first = arena.allocate(10, 0);
    Mark later = arena.mark();
    assertNotNull(arena.allocate(100, 0));
    assertEquals(Status.OK, arena.rewind(start));
    assertEquals(Status.MARK, arena.rewind(later));
    assertEquals(Status.MARK, arena.rewind(start), "each once");
    assertThrows(IllegalStateException.class, () -> arena.pin(first, 10), "it has ended");
    Pointer stale = new Pointer(Pointer.nativeValue(first));
    assertNull(arena.pin(stale, 10), "C knows it, too");
    arena.close();
    arena.close();
    assertThrows(IllegalArgumentException.class, () -> JnaArena.create(-1, 1000));
    assertThrows(IllegalArgumentException.class, () -> JnaArena.create(0, -2));
    assertThrows(IllegalStateException.class, () -> Status.of(-1));
  }

  @Test
  void pinsOfJnaOutliveTheArena() {
    JnaArena arena = JnaArena.create(0, JnaArena.UNLIMITED);
    Pointer room = arena.allocate(1000, 0);
    room.setMemory(0, 1000, (byte) 6);
    ChunkPin pin = arena.pin(room, 1000);
    ChunkPin other = pin.retain();
    arena.close();
    long pinned = ChunkPool.stats().pinnedChunks();
    pin.close();
    pin.close();
    assertThrows(IllegalStateException.class, pin::retain);
    assertThrows(IllegalStateException.class, pin::handle);
    assertThrows(IllegalStateException.class, () -> pin.bytes().getByte(0));
    try (JnaArena another = JnaArena.create(0, JnaArena.UNLIMITED)) {
      another.allocate(60_000, 0).setMemory(0, 60_000, (byte) 1);
      byte[] expected = new byte[1000];
      Arrays.fill(expected, (byte) 6);
      assertArrayEquals(expected, other.bytes().getByteArray(0, 1000));
    }
    CompletableFuture.runAsync(other::close).join();
    assertEquals(pinned - 1, ChunkPool.stats().pinnedChunks());
  }

  // ---- misuse

  /** Every public method but close, toString and those that need what has gone. */
  private static List<Executable> callsOf(JnaArena arena, Mark mark, Pointer pointer) {
    return List.of(
        () -> arena.allocate(1, 1),
        () -> arena.reserve(1, 1),
        () -> arena.check(1, 1),
        () -> arena.setLimit(1),
        arena::mark,
        () -> arena.rewind(mark),
        arena::reset,
        () -> arena.pin(pointer, 1),
        arena::stats,
        arena::charged,
        arena::cursor,
        arena::handle,
        () -> pointer.getByte(0));
  }

  private static void assertRefused(JnaArena arena, Mark mark, Pointer pointer, String why) {
    for (Executable call : callsOf(arena, mark, pointer)) {
      String message = assertThrows(IllegalStateException.class, call).getMessage();
      assertTrue(message.contains(why), message);
    }
  }

  @Test
  void everyPublicMethodIsTriedByTheTestsOfMisuse() {
    long methods =
        Stream.of(JnaArena.class.getDeclaredMethods())
            .filter(
                m -> Modifier.isPublic(m.getModifiers()) && !Modifier.isStatic(m.getModifiers()))
            .filter(m -> !Set.of("close", "isOpen", "toString").contains(m.getName()))
            .count();
    JnaArena arena = JnaArena.create(0, JnaArena.UNLIMITED);
    assertEquals(methods + 1, callsOf(arena, null, null).size());
    arena.close();
  }

  @Test
  void nothingOfAClosedArenaReachesTheOneThatTookItsPlace() {
    JnaArena arena = JnaArena.create(0, JnaArena.UNLIMITED);
    Mark mark = arena.mark();
    Pointer pointer = arena.allocate(10, 0);
    long block = Pointer.nativeValue(arena.handle());
    arena.close();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      assertEquals(block, ctx.nativeHandle(), "the same control block");
      Tensor tensor = ctx.allocSlice(1, 2, 3);
      assertRefused(arena, mark, pointer, "closed");
      arena.close();
      assertArrayEquals(new int[] {1, 2, 3}, tensor.toIntArray());
      assertEquals(Status.OK, JnaArena.of(ctx).check(0, 0));
    }
  }

  @Test
  void nothingOfAClosedContextsArenaReachesTheOneThatTookItsPlace() {
    ExecutionContext ctx = ExecutionContext.open();
    JnaArena arena = JnaArena.of(ctx);
    Mark mark = arena.mark();
    Pointer pointer = arena.allocate(10, 0);
    ctx.close();
    try (JnaArena other = JnaArena.create(0, JnaArena.UNLIMITED)) {
      long charged = other.charged();
      assertRefused(arena, mark, pointer, "");
      arena.close();
      assertEquals(charged, other.charged());
    }
  }

  @Test
  void anArenaThatNativeCodeDestroyedIsKnownByItsGeneration() {
    JnaArena arena = JnaArena.create(0, JnaArena.UNLIMITED);
    Mark mark = arena.mark();
    Pointer pointer = arena.allocate(10, 0);
    Pointer handle = arena.handle();
    assertEquals(0, ArenaLibrary.ta_arena_destroy(handle));
    assertRefused(arena, mark, pointer, "destroyed");
    try (JnaArena other = JnaArena.create(0, JnaArena.UNLIMITED)) {
      assertEquals(handle, other.handle(), "the same control block");
      assertNotNull(other.allocate(10, 0));
      assertRefused(arena, mark, pointer, "destroyed");
      arena.close();
      assertEquals(Status.OK, other.reset());
    }
  }

  @Test
  void anotherThreadIsRefusedUntilTheOwnersHasEnded() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open();
        JnaArena own = JnaArena.create(0, JnaArena.UNLIMITED)) {
      for (JnaArena arena : List.of(own, JnaArena.of(ctx))) {
        Mark mark = arena.mark();
        Pointer pointer = arena.allocate(10, 0);
        CompletableFuture.runAsync(() -> assertRefused(arena, mark, pointer, "thread")).join();
      }
      CompletableFuture<Void> closing = CompletableFuture.runAsync(own::close);
      assertThrows(CompletionException.class, closing::join);
    }
    JnaArena[] left = new JnaArena[1];
    Thread owner = new Thread(() -> left[0] = JnaArena.create(70_000, JnaArena.UNLIMITED));
    owner.start();
    owner.join();
    assertThrows(IllegalStateException.class, left[0]::charged);
    left[0].close();
  }

  @Test
  void nullIsRefused() {
    try (JnaArena arena = JnaArena.create(0, JnaArena.UNLIMITED)) {
      assertThrows(NullPointerException.class, () -> arena.rewind(null));
      assertThrows(NullPointerException.class, () -> arena.pin(null, 1));
      assertThrows(NullPointerException.class, () -> JnaArena.of(null));
    }
  }

  @Test
  void onlyBytesOfTheArenaArePinned() {
    try (JnaArena arena = JnaArena.create(0, JnaArena.UNLIMITED);
        JnaArena other = JnaArena.create(0, JnaArena.UNLIMITED)) {
      Pointer room = arena.allocate(10, 0);
      assertNull(arena.pin(new Pointer(12_345), 10));
      assertNull(arena.pin(room, 11));
      assertNull(arena.pin(room, -1));
      assertNull(other.pin(room, 10));
      assertNull(arena.pin(new Memory(10), 10));
    }
  }

  @Test
  void javaCannotLookIntoHandles() {
    try (JnaArena arena = JnaArena.create(0, JnaArena.UNLIMITED);
        ChunkPin pin = arena.pin(arena.allocate(10, 0), 10)) {
      for (Pointer handle : List.of(arena.handle(), pin.handle())) {
        assertThrows(UnsupportedOperationException.class, () -> handle.setLong(0, 1));
        assertThrows(UnsupportedOperationException.class, () -> handle.getLong(0));
      }
    }
  }

  // ---- marks

  @Test
  void aMarkOfAnotherArenaIsRefused() {
    try (JnaArena arena = JnaArena.create(0, JnaArena.UNLIMITED);
        JnaArena other = JnaArena.create(0, JnaArena.UNLIMITED)) {
      Mark mark = other.mark();
      assertThrows(IllegalArgumentException.class, () -> arena.rewind(mark));
      assertEquals(Status.OK, arena.reset());
      Mark old = arena.mark();
      assertEquals(Status.OK, arena.reset());
      assertEquals(Status.MARK, arena.rewind(old));
    }
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
