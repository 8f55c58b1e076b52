package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Results of closeKeeping that are in one another's way: none is moved onto another. */
class KeptInTheWayTest {
  private static final int LARGE = 40_000;

  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  private static void assertCounts(Tensor kept, int first) {
    for (int i = 0; i < kept.size(); i++) {
      assertEquals((byte) (first + i), kept.getByteAt(i), kept + " at " + i);
    }
  }

  private static Tensor count(Tensor tensor, int first) {
    for (int i = 0; i < tensor.size(); i++) {
      tensor.setByteAt(i, (byte) (first + i));
    }
    return tensor;
  }

  /** What is in the scope's first chunk moves first: another one's room may be where it was. */
  @Test
  void aLaterChunkMayLieBelow() {
    for (boolean isFirstByte : new boolean[] {false, true}) {
      ExecutionContext low = ExecutionContext.open();
      ExecutionContext high = ExecutionContext.open();
      if (low.empty(DType.INT8, 1).start() > high.empty(DType.INT8, 1).start()) {
        ExecutionContext lower = high;
        high = low;
        low = lower;
      }
      high.close(); // a chunk that comes home is the next one
      try (ExecutionContext later = ExecutionContext.open()) {
        later.empty(DType.INT8, 64);
        low.close();
        if (isFirstByte) {
          later.reset();
        }
        Scope scope = later.scope();
        Tensor first = count(later.empty(DType.INT8, LARGE), 1);
        Tensor second = count(later.empty(DType.INT8, LARGE), 2);
        assertTrue(second.start() < first.start(), "that is what it is about");
        Tensor[] kept = scope.closeKeeping(first, second);
        assertCounts(kept[0], 1);
        assertCounts(kept[1], 2);
      }
    }
  }

  /** As only native code makes them: a byte that two of them have stays one. */
  @Test
  void thoseThatLieInOneAnotherStay() {
    ctx.empty(DType.INT8, 64);
    Scope scope = ctx.scope();
    ctx.empty(DType.INT8, 128);
    Tensor all = count(ctx.empty(DType.INT8, 2000), 1);
    long at = all.address();
    Tensor within = ctx.tensorAt(at + 64, DType.INT8, Shape.of(64));
    Tensor across = ctx.tensorAt(at + 1000, DType.INT8, Shape.of(1000));
    Tensor[] kept = scope.closeKeeping(all.slice(0, 0, 1500), within, across);
    assertCounts(kept[0], 1);
    assertCounts(kept[1], 65);
    assertCounts(kept[2], 1001);
    kept[2].setByteAt(0, (byte) 0);
    assertEquals(0, kept[0].getByteAt(1000));
  }

  /** Views of one tensor, of which the first and the last have nothing in common. */
  @Test
  void thoseOfOneTensorThatLieInOneAnotherMoveTogether() {
    ctx.empty(DType.INT8, 64);
    Scope scope = ctx.scope();
    ctx.empty(DType.INT8, 128);
    Tensor all = count(ctx.empty(DType.INT8, 2000), 1);
    long at = all.address();
    Tensor[] kept =
        scope.closeKeeping(
            all.slice(0, 0, 1000), all.slice(0, 900, 1500), all.slice(0, 1400, 2000));
    assertEquals(at - 128, kept[0].address());
    assertCounts(kept[0], 1);
    assertCounts(kept[1], 901);
    assertCounts(kept[2], 1401);
    kept[1].fill(7);
    assertEquals(7, kept[0].getByteAt(900));
    assertEquals(7, kept[2].getByteAt(99));
  }

  /** The scope began where no chunk had a cursor: what was adopted only lies beside it. */
  @Test
  void aResultInTheArenasFirstChunkLeavesNoBytesOfOthersBehind() {
    Scope root = ctx.scope();
    long[] rooms = new long[8];
    for (int i = 0; i < rooms.length; i++) {
      ExecutionContext child = ExecutionContext.open();
      rooms[i] = child.scope().allocateAddress(LARGE, 1);
      ctx.adopt(child.detach());
    }
    Scope scope = ctx.scope();
    Tensor kept = scope.closeKeeping(count(ctx.empty(DType.INT8, 64), 1));
    assertCounts(kept, 1);
    Shape shape = Shape.of(LARGE);
    for (long room : rooms) {
      assertEquals(room, ctx.tensorAt(room, DType.INT8, shape).address());
    }
    root.close();
  }
}
