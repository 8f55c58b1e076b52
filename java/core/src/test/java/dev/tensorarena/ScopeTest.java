package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A scope is a mark that is rewound. */
@Tag("platform")
class ScopeTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  @Test
  void tensorsDieWithTheScopeTheyWereAllocatedIn() {
    Tensor before = ctx.allocSlice(1f);
    Scope scope = ctx.scope();
    Tensor inside = ctx.allocSlice(2f);
    scope.close();
    Tensor after = ctx.allocSlice(3f);
    assertTrue(before.isAlive());
    assertFalse(inside.isAlive());
    assertTrue(after.isAlive());
    assertEquals(1f, before.getFloat(0));
    assertEquals(3f, after.getFloat(0));
  }

  @Test
  void closingRewindsToTheMark() {
    ctx.allocSlice(1f);
    long used = ctx.memoryUsage();
    Scope scope = ctx.scope();
    long address = ctx.empty(DType.INT8, 1000).address();
    ctx.empty(DType.INT8, 1 << 20);
    scope.close();
    assertEquals(used, ctx.memoryUsage());
    assertEquals(address, ctx.empty(DType.INT8, 1000).address());
  }

  @Test
  void aScopeInAnEmptyContextIsRewoundToNothing() {
    Scope scope = ctx.scope();
    long first = ctx.allocSlice(1f).address();
    scope.close();
    assertEquals(0, ctx.memoryUsage());
    assertEquals(first, ctx.allocSlice(1f).address());
  }

  @Test
  void scopesNestAsDeepAsOneLikes() {
    List<Scope> scopes = new ArrayList<>();
    List<Tensor> tensors = new ArrayList<>();
    List<Long> used = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      used.add(ctx.memoryUsage());
      scopes.add(ctx.scope());
      tensors.add(ctx.allocSlice((float) i));
    }
    for (int i = 1000; --i >= 0; ) {
      assertEquals((float) i, tensors.get(i).getFloat(0));
      scopes.get(i).close();
      assertFalse(tensors.get(i).isAlive());
      assertEquals(used.get(i), ctx.memoryUsage());
    }
  }

  @Test
  void closingAnOuterScopeFirstClosesTheInnerOnes() {
    List<String> closed = new ArrayList<>();
    Scope outer = ctx.scope();
    outer.track(() -> closed.add("outer"));
    Scope middle = ctx.scope();
    middle.track(() -> closed.add("middle"));
    Scope inner = ctx.scope();
    inner.track(() -> closed.add("inner"));
    Tensor tensor = ctx.allocSlice(1f);

    outer.close();

    assertEquals(List.of("inner", "middle", "outer"), closed);
    assertFalse(tensor.isAlive());
    assertRefuses(() -> inner.track(() -> {}), "its scope was closed");
    assertRefuses(() -> middle.track(() -> {}), "its scope was closed");
    assertRefuses(() -> inner.closeKeeping(ctx.allocSlice(1f)), "its scope was closed");
  }

  @Test
  void closingTwiceDoesNothing() {
    Scope outer = ctx.scope();
    Scope inner = ctx.scope();
    outer.close();
    Scope next = ctx.scope();
    Tensor tensor = ctx.allocSlice(5f);
    outer.close();
    inner.close();
    assertEquals(5f, tensor.getFloat(0), "the scope in the same place is another one");
    next.close();
  }

  @Test
  void aScopeSaysWhetherItsThreadCanUseIt() throws Exception {
    Scope outer = ctx.scope();
    Scope inner = ctx.scope();
    List<Boolean> seen = new ArrayList<>();
    inner.track(() -> seen.add(inner.isOpen()));
    assertTrue(outer.isOpen());
    assertFalse(TestSupport.onThread("stranger", outer::isOpen));
    inner.close();
    assertEquals(List.of(true), seen, "while it closes what it tracks");
    assertFalse(inner.isOpen());
    assertTrue(outer.isOpen());
    ctx.reset();
    assertFalse(outer.isOpen());
    Scope last = ctx.scope();
    ctx.close();
    assertFalse(last.isOpen());
  }

  @Test
  void afterAnInnerScopeTheOuterOneIsTheInnermost() {
    Scope outer = ctx.scope();
    ctx.scope().close();
    Tensor tensor = ctx.allocSlice(1f);
    outer.close();
    assertFalse(tensor.isAlive());
  }

  @Test
  void anOuterTensorWrittenInAScopeKeepsWhatWasWritten() {
    Tensor outer = ctx.zeros(DType.FLOAT32, 3);
    Scope scope = ctx.scope();
    Tensor inner = ctx.allocSlice(1f, 2f, 3f);
    outer.copyFrom(inner);
    scope.close();
    ctx.allocSlice(9f, 9f, 9f);
    assertArrayEquals(new float[] {1, 2, 3}, outer.toFloatArray());
  }

  @Test
  void resetAndCloseEndAllScopes() {
    List<String> closed = new ArrayList<>();
    Scope outer = ctx.scope();
    outer.track(() -> closed.add("outer"));
    ctx.scope().track(() -> closed.add("inner"));
    ctx.reset();
    assertEquals(List.of("inner", "outer"), closed);
    assertRefuses(() -> outer.track(() -> {}), "its context was reset");
    outer.close();

    Scope again = ctx.scope();
    again.track(() -> closed.add("again"));
    ctx.close();
    assertEquals(List.of("inner", "outer", "again"), closed);
    assertRefuses(() -> again.track(() -> {}), "its context was closed");
    again.close();
  }

  @Test
  void anEndAcrossManyChunksGivesTheBytesBackForTheNextScope() {
    long address = 0;
    long refills = 0;
    for (int round = 0; round < 3; round++) {
      Scope scope = ctx.scope();
      Tensor first = ctx.empty(DType.INT8, 60_000);
      for (int i = 0; i < 100; i++) {
        ctx.empty(DType.INT8, 60_000);
      }
      if (round == 0) {
        address = first.address();
        refills = ctx.arenaStats().refills();
        assertTrue(refills > 0);
      }
      assertEquals(address, first.address());
      assertEquals(refills, ctx.arenaStats().refills(), "round " + round);
      scope.close();
      assertEquals(0, ctx.memoryUsage());
    }
  }

  @Test
  void rawRoomIsAlignedChargedAndEndsWithItsScope() {
    ctx.empty(DType.INT8, 3);
    long used = ctx.memoryUsage();
    Scope scope = ctx.scope();
    for (int alignment = 1; alignment <= 4096; alignment *= 2) {
      scope.allocateAddress(1, 1);
      assertEquals(0, scope.allocateAddress(10, alignment) % alignment);
    }
    long first = scope.allocateAddress(0, 1);
    assertEquals(first, scope.allocateAddress(5, 1), "as close as the alignment lets them");
    assertEquals(first + 5, scope.allocateAddress(5, 1));
    scope.close();
    assertEquals(used, ctx.memoryUsage());
    assertRefuses(() -> scope.allocateAddress(8, 8), "its scope was closed");
    Scope open = ctx.scope();
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    assertRefuses(bad, () -> open.allocateAddress(-1, 8), "-1 bytes");
    for (int alignment : new int[] {0, -8, 3, 8192}) {
      assertRefuses(bad, () -> open.allocateAddress(8, alignment), "alignment " + alignment);
    }
  }

  @Test
  void rawRoomOfAnOuterScopeOutlivesTheInnerOnes() {
    long pinned = ChunkPool.stats().pinnedChunks();
    Scope outer = ctx.scope();
    Scope inner = ctx.scope();
    ctx.scope();
    ctx.empty(DType.INT8, 100);
    long room = outer.allocateAddress(8, 8);
    inner.close();
    long next = ctx.empty(DType.INT8, 100_000).address();
    assertTrue(next >= room + 8 || next + 100_000 <= room);
    assertTrue(ctx.empty(DType.INT8, 8).address() != room);
    outer.close();
    assertEquals(0, ctx.memoryUsage());
    assertEquals(pinned, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void anotherThreadIsRefusedWhileTheScopeClosesWhatItTracks() {
    Scope scope = ctx.scope();
    scope.track(
        () ->
            TestSupport.runOnThread(
                "other", () -> TestSupport.assertRefuses(scope::close, "belongs to thread")));
    scope.close();
    assertFalse(scope.isOpen());
  }
}
