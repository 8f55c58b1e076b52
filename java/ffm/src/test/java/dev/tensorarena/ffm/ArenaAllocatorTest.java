package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.MemoryLimitExceededException;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** What an ArenaAllocator has that the JDK's arenas have not. */
class ArenaAllocatorTest extends InContext {

  @Test
  void closingRewinds() {
    ctx.allocSlice(1f);
    long before = ctx.memoryUsage();
    long address = 0;
    for (int i = 0; i < 3; i++) {
      try (ArenaAllocator arena = ArenaAllocator.of(ctx)) {
        MemorySegment segment = arena.allocate(4000);
        assertTrue(i == 0 || address == segment.address(), "the same warm memory again");
        address = segment.address();
        assertTrue(ctx.memoryUsage() >= before + 4000);
      }
      assertEquals(before, ctx.memoryUsage());
    }
  }

  @Test
  void whatNoMachineHasIsRefusedBeforeItIsZeroed() {
    try (ArenaAllocator arena = ArenaAllocator.open()) {
      MemoryLimitExceededException e =
          assertThrows(MemoryLimitExceededException.class, () -> arena.allocate(1L << 44));
      assertTrue(e.getMessage().contains("a chunk of 17592186044416 bytes"), e::getMessage);
      assertEquals(0, arena.allocate(8).get(JAVA_LONG, 0), "the arena is usable");
    }
  }

  @Test
  void aScopesArenaSharesItWithTensors() {
    Scope scope = ctx.scope();
    ArenaAllocator arena = ArenaAllocator.of(scope);
    Tensor tensor = ctx.allocSlice(1f);
    MemorySegment segment = arena.allocateFrom(JAVA_INT, 5);
    assertEquals(Segments.of(tensor).scope(), segment.scope());
    assertEquals(arena.scope(), ArenaAllocator.of(scope).scope());
    arena.close();
    assertFalse(tensor.isAlive());
    assertRefuses(() -> segment.get(JAVA_INT, 0), "closed");
    assertRefuses(() -> ArenaAllocator.of(scope), "its scope was closed");
  }

  @Test
  void whateverEndsTheScopeEndsTheArena() {
    List<MemorySegment> segments = new ArrayList<>();
    ArenaAllocator first = ArenaAllocator.of(ctx);
    ArenaAllocator second = ArenaAllocator.of(ctx);
    segments.add(first.allocate(8));
    segments.add(second.allocate(8));
    first.close();
    ArenaAllocator third = ArenaAllocator.of(ctx);
    segments.add(third.allocate(8));
    ctx.reset();
    ArenaAllocator fourth = ArenaAllocator.of(ctx);
    segments.add(fourth.allocate(8));
    ctx.close();
    for (ArenaAllocator arena : List.of(first, second, third, fourth)) {
      assertFalse(arena.scope().isAlive());
      assertRefuses(() -> arena.allocate(8), "closed");
      assertRefuses(() -> arena.allocateUninitialized(8, 8), "closed");
      assertRefuses(arena::close, "closed");
    }
    for (MemorySegment segment : segments) {
      assertRefuses(() -> segment.get(JAVA_BYTE, 0), "closed");
    }
    assertRefuses(() -> ArenaAllocator.of(ctx), "is closed");
  }

  @Test
  void whatAnOuterArenaGivesOutlivesTheInnerOne() {
    try (ArenaAllocator outer = ArenaAllocator.of(ctx)) {
      List<MemorySegment> results = new ArrayList<>();
      for (long i = 0; i < 1000; i++) {
        try (ArenaAllocator inner = ArenaAllocator.of(ctx)) {
          MemorySegment before = inner.allocate(8 + i % 100 * 30).fill((byte) 1);
          MemorySegment result = outer.allocateFrom(JAVA_LONG, i);
          MemorySegment after = inner.allocate(2000).fill((byte) 2);
          results.add(result);
          assertEquals(1, before.get(JAVA_BYTE, before.byteSize() - 1));
          assertEquals(2, after.get(JAVA_BYTE, 0));
        }
        outer.allocate(100).fill((byte) 3);
      }
      for (int i = 0; i < 1000; i++) {
        assertEquals(i, results.get(i).get(JAVA_LONG, 0));
      }
    }
    ctx.reset();
    assertEquals(0, ctx.memoryUsage());
  }

  @Test
  void itGrowsWithTheContext() {
    try (ArenaAllocator arena = ArenaAllocator.of(ctx)) {
      List<MemorySegment> segments = new ArrayList<>();
      for (int i = 0; i < 1000; i++) {
        segments.add(arena.allocate(10_000).fill((byte) i));
      }
      for (int i = 0; i < 1000; i++) {
        assertEquals((byte) i, segments.get(i).get(JAVA_BYTE, 9_999));
      }
      assertTrue(ctx.arenaStats().chunks() > 1);
    }
  }

  @Test
  void theContextsLimitHolds() {
    try (ExecutionContext limited = ExecutionContext.withMemoryLimit(10_000);
        ArenaAllocator arena = ArenaAllocator.of(limited)) {
      arena.allocate(5_000);
      MemoryLimitExceededException refused =
          assertThrows(MemoryLimitExceededException.class, () -> arena.allocate(5_001));
      assertEquals(10_000, refused.limit());
      assertThrows(
          MemoryLimitExceededException.class, () -> arena.allocateFrom(JAVA_BYTE, new byte[5_001]));
      arena.allocate(4_000);
    }
  }

  @Test
  void aLimitThatLeavesNoRoomForABlockIsUsedToTheLastBytes() {
    try (ExecutionContext limited = ExecutionContext.withMemoryLimit(10_000);
        ArenaAllocator arena = ArenaAllocator.of(limited)) {
      List<MemorySegment> segments = new ArrayList<>();
      assertThrows(
          MemoryLimitExceededException.class,
          () -> {
            while (true) {
              segments.add(arena.allocate(100).fill((byte) segments.size()));
            }
          });
      assertTrue(segments.size() >= 10_000 / 112 - 1, segments.size() + " of 112 bytes each");
      assertTrue(limited.memoryUsage() <= 10_000);
      for (int i = 0; i < segments.size(); i++) {
        assertEquals((byte) i, segments.get(i).get(JAVA_BYTE, 99));
      }
    }
  }

  @Test
  void uninitializedIsNotZeroedAndTheOthersAre() {
    for (int round = 0; round < 2; round++) {
      try (ArenaAllocator arena = ArenaAllocator.of(ctx)) {
        MemorySegment dirty = arena.allocateUninitialized(4096, 64);
        assertEquals(0, dirty.address() % 64);
        assertEquals(round == 0 ? dirty.get(JAVA_BYTE, 7) : 9, dirty.get(JAVA_BYTE, 7));
        dirty.fill((byte) 9);
      }
    }
    try (ArenaAllocator arena = ArenaAllocator.of(ctx)) {
      MemorySegment ints = arena.allocateUninitialized(JAVA_INT, 1024);
      assertEquals(0x09090909, ints.getAtIndex(JAVA_INT, 5));
      assertThrows(IllegalArgumentException.class, () -> arena.allocateUninitialized(JAVA_INT, -1));
      assertRefuses(IllegalArgumentException.class, () -> arena.allocateUninitialized(-1, 8), "-1");
      assertRefuses(IllegalArgumentException.class, () -> arena.allocateUninitialized(8, 12), "12");
    }
    try (ArenaAllocator arena = ArenaAllocator.of(ctx)) {
      assertEquals(-1, arena.allocate(4096).mismatch(MemorySegment.ofArray(new byte[4096])));
    }
  }

  @Test
  void aScopeThatCIsUsingCannotEndWhoeverAsks() throws Throwable {
    Scope outer = ctx.scope();
    Scope scope = ctx.scope();
    Tensor numbers = ctx.copyOf(Shape.of(3), 3, 1, 2);
    AtomicReference<Tensor> inner = new AtomicReference<>();
    QuickSort.sort(
        Segments.of(numbers),
        3,
        (a, b) -> {
          ArenaAllocator nested = ArenaAllocator.of(ctx);
          MemorySegment segment = nested.allocateFrom(JAVA_INT, 7);
          inner.set(ctx.allocSlice(1f));
          for (Runnable end :
              List.<Runnable>of(scope::close, outer::close, ctx::reset, ctx::close)) {
            assertRefuses(end::run, "acquired");
          }
          assertRefuses(() -> scope.closeKeeping(numbers), "acquired");
          assertTrue(numbers.isAlive());
          assertTrue(inner.get().isAlive(), "what was inside has not ended before the refusal");
          assertEquals(7, segment.get(JAVA_INT, 0));
          nested.close();
          assertFalse(inner.get().isAlive());
          return Integer.compare(a, b);
        });
    assertEquals(List.of(1, 2, 3), java.util.Arrays.stream(numbers.toIntArray()).boxed().toList());
    outer.close();
    assertFalse(numbers.isAlive());
  }

  @Test
  void anOuterArenaThatIsInUseEndsNothingWhenItIsClosed() throws Throwable {
    ArenaAllocator outer = ArenaAllocator.of(ctx);
    MemorySegment numbers = outer.allocateFrom(JAVA_INT, 3, 1, 2);
    QuickSort.sort(
        numbers,
        3,
        (a, b) -> {
          try (ArenaAllocator inner = ArenaAllocator.of(ctx)) {
            MemorySegment segment = inner.allocateFrom(JAVA_INT, 7);
            assertRefuses(outer::close, "acquired");
            assertEquals(7, segment.get(JAVA_INT, 0));
            inner.allocate(8);
          }
          outer.allocate(8);
          return Integer.compare(a, b);
        });
    assertEquals(3, numbers.getAtIndex(JAVA_INT, 2));
    outer.close();
    assertThrows(IllegalStateException.class, () -> numbers.getAtIndex(JAVA_INT, 0));
  }

  @Test
  void anArenaAroundOneThatIsInUseIsClosedByTheNextCall() throws Throwable {
    ArenaAllocator outer = ArenaAllocator.of(ctx);
    ArenaAllocator inner = ArenaAllocator.of(ctx);
    MemorySegment numbers = inner.allocateFrom(JAVA_INT, 3, 1, 2);
    QuickSort.sort(
        numbers,
        3,
        (a, b) -> {
          assertRefuses(outer::close, "acquired");
          return Integer.compare(a, b);
        });
    assertEquals(3, numbers.getAtIndex(JAVA_INT, 2));
    onThread(() -> assertRefuses(WrongThreadException.class, outer::close));
    outer.close();
    assertThrows(IllegalStateException.class, () -> numbers.getAtIndex(JAVA_INT, 0));
    assertRefuses(outer::close, "Already closed");
    assertEquals(0, ctx.memoryUsage());
  }

  @Test
  void anArenaThatAnOuterOneEndedSaysSo() {
    ArenaAllocator current = ArenaAllocator.of(ctx);
    ArenaAllocator next = ArenaAllocator.of(ctx);
    current.close();
    for (Runnable use : List.<Runnable>of(next::close, () -> next.allocate(8))) {
      assertRefuses(
          use::run,
          "ended when the arena that was opened before it was closed",
          "open() gives one of its own");
    }
    assertFalse(
        assertThrows(IllegalStateException.class, current::close).getMessage().contains("open()"));
  }

  @Test
  void tensorsAndArenasOfTheJdkGoTogether() {
    try (ArenaAllocator arena = ArenaAllocator.of(ctx)) {
      MemorySegment bytes = arena.allocate(JAVA_INT, 6);
      Tensor tensor = Tensors.wrap(ctx, bytes, DType.INT32, Shape.of(2, 3));
      tensor.setInt(7, 1, 2);
      assertEquals(7, bytes.getAtIndex(JAVA_INT, 5));
    }
    try (Arena jdk = Arena.ofConfined()) {
      MemorySegment copy = jdk.allocateFrom(JAVA_INT, 1, 2);
      assertEquals(2, Tensors.wrap(ctx, copy, DType.INT32, Shape.of(2)).getInt(1));
    }
  }

  @Test
  void aSegmentThatACleanupActionTakesEndsWithItsScope() {
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocSlice(1, 2, 3);
    MemorySegment[] taken = new MemorySegment[1];
    MemorySegment.NULL.reinterpret(
        0, ArenaAllocator.of(scope), ended -> taken[0] = Segments.of(tensor));
    scope.close();
    assertFalse(taken[0].scope().isAlive());
  }
}
