package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.counting;
import static dev.tensorarena.TestSupport.onThread;
import static dev.tensorarena.TestSupport.runOnThread;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A part that is split in turn, and what a part's tensor is to the rest of the library. */
class PartsOfPartsTest {
  private final long pinnedBefore = ChunkPool.stats().pinnedChunks();
  private final ExecutionContext ctx = ExecutionContext.open();
  private final Tensor whole = ctx.allocSlice(counting(16)).reshape(Shape.of(4, 4));
  private final TensorParts parts = whole.split(0, 2);

  @AfterEach
  void close() {
    ctx.close();
  }

  private void assertWholeIsWritable() {
    parts.close();
    whole.fill(0f);
  }

  @Test
  void aPartIsFrozenWhileItsPartsAreOpenAndThenWritableAgain() throws Exception {
    onThread(
        "worker",
        () -> {
          try (TensorPart part = parts.get(0)) {
            Tensor mine = part.tensor();
            TensorParts columns = mine.split(1, 4);
            runOnThread(
                "other",
                () -> {
                  try (TensorPart column = columns.get(1)) {
                    assertEquals(4, column.tensor().stride(0), "a strided part");
                    column.tensor().fill(-1f);
                  }
                });
            String open = "0 (nobody has taken it)";
            assertRefuses(() -> mine.fill(2f), "is frozen while parts of it are open", open);
            assertRefuses(mine::share, "is split", open);
            assertRefuses(() -> mine.split(0, 2), "is frozen while", open);
            try (ExecutionContext own = ExecutionContext.open()) {
              assertRefuses(() -> mine.mutable(own), "is split", open);
              assertArrayEquals(
                  new float[] {0, -1, 2, 3, 4, -1, 6, 7}, mine.copy(own).toFloatArray());
            }
            TensorPin.of(mine).close();
            columns.close();
            assertTrue(mine.isWritable());
            mine.setFloat(9f, 1, 1);
            mine.splitAt(0, 1, 2).close();
            return mine.fill(5f);
          }
        });
    assertEquals(5f, whole.getFloat(1, 3));
    assertWholeIsWritable();
  }

  @Test
  void theWholeWaitsForThePartsOfAClosedPart() throws Exception {
    TensorParts inner =
        onThread(
            "worker",
            () -> {
              try (TensorPart part = parts.get(0)) {
                return part.tensor().split(0, 2);
              }
            });
    Tensor mine = inner.get(1).tensor().fill(7f);
    assertRefuses(parts::close, "open: 0 (parts of it)");
    assertRefuses(() -> whole.fill(0f), "open: 0 (parts of it)");
    ctx.empty(DType.INT8, 100);
    assertRefuses(inner::close, "open: 1 (thread");
    mine.fill(8f);
    inner.get(1).close();
    assertFalse(inner.isOpen());
    assertEquals(8f, whole.getFloat(1, 0));
    assertWholeIsWritable();
  }

  @Test
  void whatAPartOfAPartSharesFreezesAllThatItIsAPartOf() throws Exception {
    SharedTensor[] shared = new SharedTensor[1];
    onThread(
        "worker",
        () -> {
          try (TensorPart part = parts.get(0)) {
            TensorParts inner = part.tensor().split(0, 2);
            runOnThread(
                "other",
                () -> {
                  try (TensorPart row = inner.get(0)) {
                    shared[0] = row.tensor().share();
                  }
                });
            inner.close();
            assertRefuses(() -> part.tensor().fill(1f), "is frozen: it was shared");
            assertRefuses(() -> part.tensor().split(0, 1), "is frozen: it was shared");
            part.tensor().share().close();
          }
          return null;
        });
    parts.close();
    assertRefuses(() -> whole.fill(0f), "is frozen: it was shared");
    assertEquals(3f, shared[0].getFloatAt(3));
    shared[0].close();
  }

  /** Nobody has asked the part since its parts were closed. */
  @Test
  void aPartThatWasSplitBeforeIsFrozenByItsShare() {
    TensorPart part = parts.get(0);
    part.tensor().split(0, 2).close();
    SharedTensor shared = part.tensor().share();
    assertFalse(part.tensor().isWritable());
    assertRefuses(() -> part.tensor().fill(1f), "is frozen: it was shared");
    part.close();
    parts.close();
    assertRefuses(() -> whole.fill(1f), "is frozen: it was shared");
    shared.close();
  }

  @Test
  void aPartThatWasClosedWithItsPartsSharedIsFoundSharedByTheWhole() throws Exception {
    TensorParts inner =
        onThread(
            "worker",
            () -> {
              try (TensorPart part = parts.get(1)) {
                return part.tensor().split(0, 2);
              }
            });
    inner.get(0).tensor().share().close();
    inner.get(0).close();
    inner.close();
    parts.close();
    assertFalse(whole.isWritable());
  }

  @Test
  void threeLevelsOutliveTheContext() throws Exception {
    TensorParts rows = parts.get(0).tensor().split(0, 2);
    TensorParts cells = rows.get(0).tensor().split(1, 4);
    parts.get(0).close();
    rows.get(0).close();
    ctx.close();
    try (ExecutionContext next = ExecutionContext.open()) {
      Tensor zeros = next.zeros(DType.FLOAT32, 1000);
      runOnThread(
          "late",
          () -> {
            try (TensorPart cell = cells.get(3)) {
              assertEquals(3f, cell.tensor().getFloat(0, 0));
              cell.tensor().fill(-1f);
            }
          });
      assertArrayEquals(new float[1000], zeros.toFloatArray());
    }
    assertTrue(parts.isOpen() && rows.isOpen() && cells.isOpen());
    cells.close();
    rows.close();
    parts.close();
    assertFalse(parts.isOpen() || rows.isOpen() || cells.isOpen());
  }

  @Test
  void closingAllCanBeRepeatedWhileThreadsEnd() throws Exception {
    TensorParts rows = whole(6).split(0, 6);
    for (int k = 0; k < 3; k++) {
      int mine = k;
      onThread("worker", () -> rows.get(mine).tensor().fill(mine));
    }
    rows.get(4).tensor();
    runOnThread("closes", () -> rows.get(5).close());
    assertRefuses(rows::close, "open: 4 (thread");
    for (int k : new int[] {0, 1, 2, 3, 5}) {
      assertFalse(rows.get(k).isOpen());
    }
    assertRefuses(rows::close, "open: 4 (thread");
    rows.get(4).close();
    rows.close();
    rows.close();
    assertWholeIsWritable();
  }

  private Tensor whole(int rows) {
    return ctx.zeros(DType.FLOAT32, rows, 2);
  }

  // ---- what else a part's tensor does

  @Test
  void aPartIsATensorLikeOthersOnItsThread() throws Exception {
    onThread(
        "worker",
        () -> {
          try (TensorPart part = parts.get(1);
              ExecutionContext own = ExecutionContext.open()) {
            Tensor mine = part.tensor();
            assertEquals(whole.start() + 32, mine.address());
            assertEquals(new TensorMemory(mine.address(), 32, true, null), mine.memory());
            mine.asFloatBuffer().put(0, 20f);
            assertEquals(20f, mine.select(0, 0).getFloat(0));
            assertTrue(mine.contentEquals(mine.copy(own)));
            assertSame(mine, mine.contiguous(own));
            mine.copyFrom(own.zeros(DType.FLOAT32, 2, 4));
            assertTrue(mine.isPinnable());
            try (TensorPin pin = TensorPin.of(mine.transpose())) {
              assertTrue(pin.nativeHandle() != 0);
              assertTrue(mine.isWritable(), "a pin freezes nothing");
            }
            Scope scope = own.scope();
            assertSame(mine, scope.closeKeeping(mine), "it ends with its part alone");
            assertFalse(scope.isOpen());
          }
          return null;
        });
    assertArrayEquals(new float[8], whole.slice(0, 2, 4).reshape(Shape.of(8)).toFloatArray());
    assertWholeIsWritable();
  }

  /** It is kept by a hold of its own when the part is closed. */
  @Test
  void aPinOfAPartOutlivesIt() {
    Tensor mine = parts.get(0).tensor();
    TensorPin pin = TensorPin.of(mine);
    parts.get(0).close();
    assertWholeIsWritable();
    ctx.close();
    assertEquals(pinnedBefore + 1, ChunkPool.stats().pinnedChunks());
    pin.close();
    assertEquals(pinnedBefore, ChunkPool.stats().pinnedChunks());
  }

  private int overflows;
  private int tries;
  private TensorParts tried;

  @Test
  void whereTheStackEndsNoPartIsLost() {
    parts.close();
    descend();
    assertTrue(overflows > 1);
    tried.close();
    whole.fill(1f);
    ctx.close();
    assertEquals(pinnedBefore, ChunkPool.stats().pinnedChunks());
  }

  private void descend() {
    try {
      descend();
    } catch (StackOverflowError e) {
      overflows++;
    }
    if (tries++ < 400) {
      try {
        splitAgain();
      } catch (StackOverflowError e) {
        overflows++;
      }
    }
  }

  private void splitAgain() {
    if (tried != null) {
      tried.close();
      tried = null;
    }
    tried = whole.split(0, 2);
  }

  /**
   * It takes more to tell who lent the memory: the part is closed then, and has its bytes still.
   */
  @Test
  void whereTheStackEndsAPartOfWrappedMemoryIsClosedByTheNextCall() {
    parts.close();
    AtomicInteger told = new AtomicInteger();
    ByteBuffer lent = ByteBuffer.allocateDirect(8);
    TensorPart part;
    try (ExecutionContext lender = ExecutionContext.open()) {
      part = lender.wrap(lent, DType.INT8, Shape.of(8), told::incrementAndGet).split(0, 1).get(0);
    }
    closeAtTheEndOfTheStack(part);
    assertFalse(part.isOpen());
    assertEquals(1, told.get());
  }

  private static void closeAtTheEndOfTheStack(TensorPart part) {
    try {
      closeAtTheEndOfTheStack(part);
    } catch (StackOverflowError e) {
      // the caller has more of it
    }
    if (part.isOpen()) {
      part.close();
    }
  }
}
