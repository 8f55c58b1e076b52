package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** closeKeeping of several results, also into a scope further out: all, or none. */
@Tag("platform")
class KeepSeveralTest {
  private static final int CHUNK = 65_536;

  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  /** Nothing that is allocated later may lie over the kept bytes. */
  private void overwrite() {
    try (Scope scope = ctx.scope()) {
      assertTrue(scope.isOpen());
      for (int i = 0; i < 300; i++) {
        ctx.empty(DType.INT8, 1000).fill(0x33);
      }
    }
  }

  private void assertIs(Tensor kept, int... values) {
    assertTrue(kept.isAlive() && kept.isContiguous());
    overwrite();
    assertArrayEquals(values, kept.toIntArray());
  }

  private Tensor room(int bytes) {
    return ctx.empty(DType.INT8, bytes).fill(0x77);
  }

  // ---- where they go

  @Test
  void theResultsMoveDownOneBehindTheOther() {
    room(64);
    Scope scope = ctx.scope();
    long mark = room(10_000).address();
    Tensor a = ctx.allocSlice(1, 2);
    room(10_000);
    Tensor b = ctx.allocSlice(3);
    room(10_000);
    Tensor[] kept = scope.closeKeeping(b, a);
    assertEquals(mark, kept[1].address());
    assertEquals(mark + 64, kept[0].address());
    assertEquals(64 + 64 + 4, ctx.memoryUsage());
    assertFalse(a.isAlive());
    assertTrue(kept[0].isWritable() && kept[1].isWritable());
    assertIs(kept[0], 3);
    assertIs(kept[1], 1, 2);
    kept[0].share().close();
    assertTrue(kept[1].isWritable(), "each is frozen by itself");
  }

  @Test
  void resultsOfInnerScopesAndNoneAtAllAreKept() {
    Scope scope = ctx.scope();
    Tensor a = ctx.allocSlice(1);
    ctx.scope();
    Tensor b = ctx.allocSlice(2);
    Tensor[] kept = scope.closeKeeping(a, b, ctx.empty(DType.INT32, 0), ctx.allocTemp(3));
    assertIs(kept[0], 1);
    assertIs(kept[1], 2);
    assertIs(kept[2]);
    assertIs(kept[3], 3);
    Scope next = ctx.scope();
    assertEquals(0, next.closeKeeping().length);
    assertFalse(next.isOpen());
  }

  @Test
  void inALoopNothingIsWasted() {
    Tensor[] last = {ctx.allocSlice(0), ctx.allocSlice(0)};
    for (int i = 0; i < 300; i++) {
      Scope step = ctx.scope();
      Tensor a = ctx.allocSlice(last[0].getIntAt(0) + 1);
      room(50_000);
      Tensor b = ctx.allocSlice(last[1].getIntAt(0) + 2);
      room(50_000); // in the next chunk
      last = step.closeKeeping(a, b);
    }
    assertIs(last[0], 300);
    assertIs(last[1], 600);
    assertTrue(ctx.arenaStats().chunks() <= 4, ctx.arenaStats() + " for 140 kB at once");
    assertEquals(602 * 64 - 60, ctx.memoryUsage());
  }

  @Test
  void resultsInSeveralLaterChunksMoveWithoutLosingAny() {
    long pinned = ChunkPool.stats().pinnedChunks();
    room(64);
    Scope scope = ctx.scope();
    Tensor[] results = new Tensor[6];
    for (int i = 0; i < results.length; i++) {
      room(CHUNK);
      results[i] = ctx.empty(DType.INT32, 5000).fill(i);
    }
    Tensor[] kept = scope.closeKeeping(results);
    assertEquals(pinned, ChunkPool.stats().pinnedChunks(), "none stays in a chunk that leaves");
    for (int i = 0; i < results.length; i++) {
      overwrite();
      assertEquals(i, kept[i].getIntAt(0));
      assertEquals(i, kept[i].getIntAt(4999));
      assertTrue(kept[i].isWritable());
    }
    assertTrue(ctx.memoryUsage() < 64 + 6 * (20_000 + 64), "" + ctx.memoryUsage());
  }

  @Test
  void whereThereIsNoRoomTheyStayInTheirChunks() {
    long pinned = ChunkPool.stats().pinnedChunks();
    Scope scope = ctx.scope();
    Tensor[] results = new Tensor[3];
    room(64);
    for (int i = 0; i < results.length; i++) {
      room(CHUNK);
      results[i] = ctx.empty(DType.INT32, 20_000).fill(i);
    }
    ChunkPool.memoryLimit(ChunkPool.stats().inUseBytes());
    Tensor[] kept;
    try {
      kept = scope.closeKeeping(results);
    } finally {
      TestSupport.limitByDefault();
    }
    for (int i = 0; i < results.length; i++) {
      overwrite();
      assertEquals(i, kept[i].getIntAt(19_999));
      assertTrue(kept[i].isWritable());
    }
    ctx.reset();
    assertEquals(0, ctx.memoryUsage());
    assertEquals(pinned, ChunkPool.stats().pinnedChunks());
  }

  /** Each was looked for behind all others, which took minutes for so many. */
  @Test
  void manyResultsInLaterChunksAreKept() {
    ctx.empty(DType.INT8, 1);
    Scope scope = ctx.scope();
    Tensor[] results = new Tensor[200_000];
    for (int i = 0; i < results.length; i++) {
      results[i] = ctx.allocSlice(i);
    }
    Tensor[] kept = scope.closeKeeping(results);
    overwrite();
    for (int i = 0; i < kept.length; i++) {
      assertEquals(i, kept[i].getIntAt(0));
    }
  }

  @Test
  void largeResultsStayWhereTheyAre() {
    room(64);
    Scope scope = ctx.scope();
    Tensor a = ctx.empty(DType.INT32, 1 << 20).fill(1);
    Tensor b = ctx.empty(DType.INT32, 1 << 20).fill(2);
    long at = a.address();
    Tensor[] kept = scope.closeKeeping(a, b);
    assertEquals(at, kept[0].address());
    assertEquals(64 + (8 << 20), ctx.memoryUsage());
    overwrite();
    assertEquals(1, kept[0].getIntAt((1 << 20) - 1));
    assertEquals(2, kept[1].getIntAt((1 << 20) - 1));
  }

  @Test
  void neighboursThatAreSharedStay() {
    room(64);
    Scope scope = ctx.scope();
    Tensor a = ctx.allocSlice(1);
    SharedTensor neighbour = ctx.allocSlice(7, 8).share();
    Tensor b = ctx.allocSlice(2);
    room(1000);
    Tensor c = ctx.allocSlice(3);
    Tensor[] kept = scope.closeKeeping(a, b, c);
    neighbour.close();
    assertIs(kept[0], 1);
    assertIs(kept[1], 2);
    assertIs(kept[2], 3);
  }

  // ---- views, duplicates, and what is not the scope's

  @Test
  void duplicatesAreTheSameAndViewsStillLieInOneAnother() {
    Scope scope = ctx.scope();
    room(1000);
    Tensor a = ctx.allocSlice(1, 2, 3, 4);
    Tensor part = a.slice(0, 1, 3);
    Tensor[] kept = scope.closeKeeping(part, a, part, a.slice(0, 2, 4));
    assertSame(kept[0], kept[2]);
    assertNotSame(kept[0], kept[1]);
    kept[1].setIntAt(2, 7);
    assertIs(kept[0], 2, 7);
    assertIs(kept[1], 1, 2, 7, 4);
    assertIs(kept[3], 7, 4);
    try (SharedTensor shared = kept[0].share()) {
      assertFalse(kept[1].isWritable(), "else it would write under the share");
      assertIs(shared, 2, 7);
    }
  }

  @Test
  void partsThatLieBesideOneAnotherAreKeptAlone() {
    room(64);
    Scope scope = ctx.scope();
    Tensor a = ctx.empty(DType.INT32, 1000, 100).fill(1);
    Tensor[] kept = scope.closeKeeping(a.select(0, 999), a.select(0, 0));
    assertEquals(64 + 448 + 400, ctx.memoryUsage());
    kept[0].share().close();
    assertTrue(kept[1].isWritable());
    assertEquals(1, kept[0].getIntAt(99));
  }

  @Test
  void stridedAndSharedResultsAreCopied() {
    Scope scope = ctx.scope();
    Tensor a = ctx.copyOf(Shape.of(2, 2), 1, 2, 3, 4);
    Tensor b = ctx.allocSlice(5, 6);
    try (SharedTensor shared = b.share()) {
      Tensor column = a.select(1, 0);
      Tensor[] kept = scope.closeKeeping(column, b, a.transpose(), column);
      assertSame(kept[0], kept[3]);
      assertIs(kept[0], 1, 3);
      assertIs(kept[1], 5, 6);
      assertIs(kept[2], 1, 3, 2, 4);
      kept[1].setIntAt(0, 9);
      assertEquals(5, shared.getIntAt(0));
    }
  }

  @Test
  void whatDoesNotEndWithTheScopeIsReturnedAsItIs() {
    try (ExecutionContext other = ExecutionContext.open()) {
      Tensor outer = ctx.allocSlice(1);
      Tensor foreign = other.allocSlice(2);
      try (SharedTensor shared = foreign.share()) {
        Scope scope = ctx.scope();
        Tensor[] given = {outer, ctx.allocSlice(3), foreign, shared};
        Tensor[] kept = scope.closeKeeping(given);
        assertSame(outer, kept[0]);
        assertSame(foreign, kept[2]);
        assertSame(shared, kept[3]);
        assertNotSame(given[1], kept[1]);
        assertIs(kept[1], 3);
        Scope next = ctx.scope();
        assertSame(outer, next.closeKeeping(outer, shared)[0]);
        assertFalse(next.isOpen());
      }
    }
  }

  @Test
  void wrappedMemoryIsKeptOnceForAllItsViews() {
    int[] released = new int[1];
    ByteBuffer bytes = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder()).putInt(0, 7);
    Scope scope = ctx.scope();
    Tensor wrapped = ctx.wrap(bytes, DType.INT32, Shape.of(4), () -> released[0]++);
    Tensor first = wrapped.slice(0, 0, 1);
    Tensor last = wrapped.slice(0, 3, 4);
    Scope outer = scope;
    Scope inner = ctx.scope();
    Tensor[] kept = inner.closeKeeping(wrapped, first);
    assertSame(wrapped, kept[0], "which does not end with it");
    kept = outer.closeKeeping(last, first);
    assertEquals(0, released[0]);
    assertIs(kept[1], 7);
    kept[0].setIntAt(0, 8);
    assertEquals(8, bytes.getInt(12));
    ctx.reset();
    assertEquals(1, released[0]);
  }

  // ---- all or nothing

  @Test
  void theScopeStaysOpenWhenOneCannotBeKept() {
    try (ExecutionContext limited = ExecutionContext.withMemoryLimit(1000)) {
      Scope scope = limited.scope();
      Tensor a = limited.allocSlice(1);
      Tensor b = limited.empty(DType.INT8, 20, 30);
      assertThrows(
          MemoryLimitExceededException.class, () -> scope.closeKeeping(a, b.transpose(), a));
      assertTrue(scope.isOpen() && a.isAlive() && b.isAlive());
      scope.track(
          () -> {
            throw new IllegalStateException("of a resource");
          });
      assertRefuses(() -> scope.closeKeeping(a, b), "of a resource");
      assertTrue(scope.isOpen() && a.isAlive() && b.isAlive());
      Tensor[] kept = scope.closeKeeping(a, b);
      assertEquals(1, kept[0].getIntAt(0));
      assertEquals(Shape.of(20, 30), kept[1].shape());
    }
  }

  @Test
  void aResourceThatSharesOneFreezesThatOne() {
    Scope scope = ctx.scope();
    Tensor a = ctx.allocSlice(1, 2);
    Tensor b = ctx.allocSlice(3);
    SharedTensor[] shared = new SharedTensor[1];
    scope.track(() -> shared[0] = a.share());
    Tensor[] kept = scope.closeKeeping(a.slice(0, 1, 2), b, a);
    assertFalse(kept[0].isWritable());
    assertFalse(kept[2].isWritable());
    assertTrue(kept[1].isWritable());
    assertIs(kept[0], 2);
    assertIs(kept[1], 3);
    assertIs(kept[2], 1, 2);
    assertIs(shared[0], 1, 2);
    shared[0].close();
  }

  @Test
  void whatIsWrongEndsNothing() throws Exception {
    Scope scope = ctx.scope();
    Tensor a = ctx.allocSlice(1);
    Scope dead = ctx.scope();
    Tensor ended = ctx.allocSlice(1);
    dead.close();
    assertRefuses(() -> scope.closeKeeping(a, ended), "is dead: its scope was closed");
    assertRefuses(() -> dead.closeKeeping(a, a), "is dead: its scope was closed");
    assertThrows(NullPointerException.class, () -> scope.closeKeeping(a, null, a));
    assertThrows(NullPointerException.class, () -> scope.closeKeeping((Scope) null, a));
    TestSupport.runOnThread(
        "stranger", () -> assertRefuses(() -> scope.closeKeeping(a, a), "\"stranger\""));
    assertTrue(scope.isOpen() && a.isAlive());
  }

  // ---- further out

  @Test
  void resultsGoToAScopeFurtherOutAndThoseBetweenStayOpen() {
    long pinned = ChunkPool.stats().pinnedChunks();
    room(64);
    Scope into = ctx.scope();
    long before = ctx.memoryUsage();
    Scope between = ctx.scope();
    Tensor ofBetween = ctx.allocSlice(9);
    Scope scope = ctx.scope();
    room(1000);
    Tensor a = ctx.allocSlice(1, 2);
    room(CHUNK);
    Tensor b = ctx.allocSlice(3, 4);
    Tensor[] kept = scope.closeKeeping(into, a, b, ofBetween, a.slice(0, 1, 2));
    assertTrue(between.isOpen());
    assertSame(ofBetween, kept[2]);
    assertIs(kept[0], 1, 2);
    between.close();
    assertFalse(kept[2].isAlive());
    assertIs(kept[0], 1, 2);
    assertIs(kept[1], 3, 4);
    assertIs(kept[3], 2);
    assertTrue(kept[0].isWritable() && kept[1].isWritable());
    assertTrue(ctx.memoryUsage() >= before + 16, "they are charged until their scope ends");
    into.close();
    assertFalse(kept[0].isAlive());
    assertEquals(before, ctx.memoryUsage());
    assertEquals(pinned, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void whatIsKeptFurtherOutIsChargedAsLong() {
    try (ExecutionContext limited = ExecutionContext.withMemoryLimit(200_000)) {
      limited.empty(DType.INT8, 64);
      Scope into = limited.scope();
      for (int i = 0; i < 3; i++) {
        Scope between = limited.scope();
        Scope scope = limited.scope();
        limited.empty(DType.INT8, CHUNK);
        Tensor far = limited.empty(DType.INT8, 30_000);
        limited.empty(DType.INT8, 10_000);
        Tensor[] kept = scope.closeKeeping(into, far, limited.allocSlice(7));
        between.close();
        assertTrue(kept[0].isAlive());
        assertTrue(
            limited.memoryUsage() >= (i + 1) * 30_000L, limited.memoryUsage() + " after " + i);
      }
      assertThrows(
          MemoryLimitExceededException.class, () -> limited.empty(DType.INT8, 200_000 - 90_000));
      into.close();
      assertEquals(64, limited.memoryUsage());
    }
  }

  @Test
  void onlyAnOpenScopeAroundItOfTheSameContextGetsResults() {
    try (ExecutionContext other = ExecutionContext.builder().name("other").open()) {
      Scope sibling = ctx.scope();
      sibling.close();
      Scope scope = ctx.scope();
      Scope inner = ctx.scope();
      Tensor a = ctx.allocSlice(1);
      Scope foreign = other.scope();
      for (Scope wrong : List.of(scope, inner, sibling, foreign)) {
        assertRefuses(
            IllegalArgumentException.class,
            () -> scope.closeKeeping(wrong, a),
            "open scope around it",
            wrong == foreign ? "(other)" : ctx.toString());
      }
      assertTrue(scope.isOpen() && inner.isOpen() && a.isAlive());
    }
  }

  /** Padded, the second would move up by 16 bytes, the third by 32, onto the fourth. */
  @Test
  void fromTheFirstByteOfAChunkNoneMovesUp() {
    ctx.empty(DType.INT8, 1);
    ctx.reset();
    Scope scope = ctx.scope();
    Tensor first = ctx.empty(DType.INT64, 7).fill(1);
    Tensor third = ctx.empty(DType.INT64, 23).fill(3);
    Tensor fourth = ctx.empty(DType.INT64, 1).fill(4);
    Tensor[] kept =
        scope.closeKeeping(
            first.slice(0, 0, 1), first.slice(0, 6, 7), third.slice(0, 4, 23), fourth);
    for (int i = 0; i < 4; i++) {
      assertEquals(List.of(1L, 1L, 3L, 4L).get(i), kept[i].getLongAt(0));
      assertTrue(i == 0 || kept[i - 1].start() + kept[i - 1].byteCount() <= kept[i].start());
    }
  }
}
