package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Pointer;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.NativeClient;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Marks in the arena of a context: a rewind ends only what was allocated by JNA since. */
class MarkTest {
  /** Of what has a chunk of its own. */
  private static final int LARGE = 1 << 20;

  @Test
  void aRewindPastWhatJavaHasAllocatedIsRefused() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      JnaArena arena = JnaArena.of(ctx);
      Mark mark = arena.mark();
      Pointer room = arena.allocate(100, 0);
      room.setByte(99, (byte) 4);
      Tensor tensor = ctx.allocSlice(1, 2, 3);
      assertEquals(Status.MARK, arena.rewind(mark));
      Pointer more = arena.allocate(100, 0); // so that the cursor is where JNA has left it
      assertEquals(Status.MARK, arena.rewind(mark));
      assertArrayEquals(new int[] {1, 2, 3}, tensor.toIntArray());
      assertEquals(4, room.getByte(99));
      Mark later = arena.mark();
      assertNotNull(arena.allocate(100, 0));
      assertEquals(Status.OK, arena.rewind(later));
      more.setByte(0, (byte) 1);
      assertArrayEquals(new int[] {1, 2, 3}, tensor.toIntArray());
    }
  }

  /** A large tensor has a chunk of its own, and moves no cursor. */
  @Test
  void aRewindPastALargeTensorOfJavaIsRefused() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      JnaArena arena = JnaArena.of(ctx);
      assertNotNull(arena.allocate(100, 0));
      Mark mark = arena.mark();
      Tensor tensor = ctx.zeros(DType.INT32, 1 << 20);
      assertEquals(Status.MARK, arena.rewind(mark));
      assertEquals(0, tensor.getIntAt(0));
    }
  }

  @Test
  void aRewindPastWhatOtherNativeCodeHasAllocatedIsRefused() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      JnaArena arena = JnaArena.of(ctx);
      Mark mark = arena.mark();
      long address = NativeClient.counting(ctx.nativeHandle(), 5, 3);
      Tensor tensor = ctx.tensorAt(address, DType.INT32, Shape.of(3));
      assertEquals(Status.MARK, arena.rewind(mark));
      assertArrayEquals(new int[] {5, 6, 7}, tensor.toIntArray());
    }
  }

  @Test
  void aMarkEndsWithTheScopeThatItIsIn() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      JnaArena arena = JnaArena.of(ctx);
      Scope scope = ctx.scope();
      Mark mark = arena.mark();
      Pointer room = arena.allocate(100, 0);
      long left = arena.cursor();
      scope.close();
      assertThrows(IllegalStateException.class, () -> room.getByte(0));
      Tensor tensor = ctx.zeros(DType.INT8, left - arena.cursor());
      assertEquals(left, arena.cursor(), "where JNA has left it");
      assertEquals(Status.MARK, arena.rewind(mark));
      Mark second = arena.mark();
      ctx.reset();
      assertEquals(Status.MARK, arena.rewind(second));
      assertThrows(IllegalStateException.class, tensor::rank);
    }
  }

  /** By a tracked resource, while its scope is being rewound. */
  @Test
  void aRewindToTheSameMarkIsRefusedAndEndsNothingBeforeIt() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      JnaArena arena = JnaArena.of(ctx);
      Pointer before = arena.allocate(8, 8);
      before.setLong(0, 7);
      Mark mark = arena.mark();
      Pointer after = arena.allocate(8, 8);
      Status[] within = new Status[1];
      ctx.track(() -> within[0] = arena.rewind(mark));
      assertEquals(Status.OK, arena.rewind(mark));
      assertEquals(Status.MARK, within[0]);
      assertEquals(7, before.getLong(0));
      assertThrows(IllegalStateException.class, () -> after.getLong(0));
    }
  }

  /** The cursor is where JNA has left it, over the bytes of a tensor of Java's. */
  @Test
  void aRewindPastWhatJavaHasAllocatedInPlaceOfWhatItHasEndedIsRefused() {
    assertRefusedWhereJavaEnds(arena -> assertNotNull(arena.allocate(100, 0)));
  }

  /** A pin has kept the cursor up until Java ended the scope. */
  @Test
  void soItIsWhereTheLastMoveOfJnasWasARewind() {
    assertRefusedWhereJavaEnds(
        arena -> {
          Mark inner = arena.mark();
          ChunkPin pin = arena.pin(arena.allocate(100, 0), 100);
          assertEquals(Status.OK, arena.rewind(inner));
          pin.close();
        });
  }

  @Test
  void soItIsWhereThatWasALargeAllocationWhichMovesNoCursor() {
    assertRefusedWhereJavaEnds(arena -> assertNotNull(arena.allocate(LARGE, 0)));
  }

  /** Java ends the scope in which JNA has done this, and allocates as much in its place. */
  private static void assertRefusedWhereJavaEnds(Consumer<JnaArena> inTheScope) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      JnaArena arena = JnaArena.of(ctx);
      assertNotNull(arena.allocate(64, 0));
      Mark mark = arena.mark();
      Scope scope = ctx.scope();
      inTheScope.accept(arena);
      long left = arena.cursor();
      scope.close();
      long ended = left - arena.cursor();
      Tensor javas = ctx.zeros(DType.INT8, ended == 0 ? LARGE : ended);
      assertEquals(left, arena.cursor(), "where JNA has left it");
      assertEquals(Status.MARK, arena.rewind(mark));
      assertTrue(javas.isAlive());
      Mark next = arena.mark();
      assertNotNull(arena.allocate(100, 0));
      assertEquals(Status.OK, arena.rewind(next));
      assertTrue(javas.isAlive());
    }
  }

  /** What a tracked resource throws comes when the scope of the mark has ended. */
  @Test
  void whatIsThrownByARewindThatHasSucceededSpoilsNoOlderMark() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      JnaArena arena = JnaArena.of(ctx);
      Mark older = arena.mark();
      assertNotNull(arena.allocate(100, 0));
      Mark mark = arena.mark();
      assertNotNull(arena.allocate(100, 0));
      ctx.track(
          () -> {
            throw new IllegalStateException("at the end");
          });
      assertThrows(IllegalStateException.class, () -> arena.rewind(mark));
      assertEquals(Status.MARK, arena.rewind(mark));
      assertEquals(Status.OK, arena.rewind(older));
    }
  }

  @Test
  void aRewindPastWhatJnaAloneHasAllocatedIsNotRefused() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      JnaArena arena = JnaArena.of(ctx);
      Mark mark = arena.mark();
      assertNotNull(arena.allocate(100, 0));
      Scope scope = ctx.scope();
      assertNotNull(arena.allocate(1 << 20, 0));
      Mark inner = arena.mark();
      ChunkPin pin = arena.pin(arena.allocate(100, 0), 100);
      assertEquals(Status.OK, arena.reserve(100_000, 0));
      assertEquals(Status.OK, arena.rewind(inner));
      pin.close();
      assertEquals(Status.OK, arena.rewind(mark));
      assertFalse(scope.isOpen());
    }
  }

  /**
   * Behind what is left in the chunk before, the result and its padding are more than the limit.
   */
  @Test
  void aResultInAChunkThatWasReservedIsKeptAtTheLimit() {
    int chunk = 1 << 16;
    int rest = chunk - 128; // behind 67 bytes, from the next 64 on
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(67 + rest + 1)) {
      JnaArena arena = JnaArena.of(ctx);
      ctx.empty(DType.INT8, 67);
      Scope scope = ctx.scope();
      assertEquals(Status.OK, arena.reserve(rest + 1, 64));
      Tensor result = ctx.empty(DType.INT8, rest).fill((byte) 7);
      Tensor kept = scope.closeKeeping(result);
      assertEquals(7, kept.getByteAt(rest - 1));
      assertTrue(kept.isWritable());
    }
  }
}
