package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.counting;
import static dev.tensorarena.TestSupport.onThread;
import static dev.tensorarena.TestSupport.runOnThread;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Parts: who may write what, while they are open and afterwards. */
class PartsTest {
  private final ExecutionContext ctx = ExecutionContext.open();
  private final Tensor whole = ctx.allocSlice(counting(12)).reshape(Shape.of(4, 3));

  @AfterEach
  void close() {
    ctx.close();
  }

  // ---- splitting

  @Test
  void thePartsAreDisjointAndTogetherTheWhole() {
    for (int count : new int[] {1, 2, 3, 4}) {
      try (TensorParts parts = whole.split(0, count)) {
        assertEquals(count, parts.count());
        long rows = 0;
        for (int k = 0; k < count; k++) {
          Tensor part = parts.get(k).tensor();
          assertTrue(part.isContiguous());
          assertEquals(3 * rows, part.getFloat(0, 0), "each begins where the last one ends");
          rows += part.shape().dim(0);
          assertTrue(Math.abs(part.shape().dim(0) - 4.0 / count) < 1);
          parts.get(k).close();
        }
        assertEquals(4, rows);
      }
    }
  }

  /** Of nothing there may be very many rows. */
  @Test
  void noExtentIsTooLongToBeSplitEvenly() {
    Shape shape = Shape.of(Long.MAX_VALUE, 0);
    try (TensorParts parts = ctx.empty(DType.INT8, shape).split(0, 4)) {
      for (int k = 0; k < 4; k++) {
        long rows = parts.get(k).tensor().shape().dim(0);
        assertEquals(Long.MAX_VALUE / 4 + (k < 3 ? 1 : 0), rows);
        parts.get(k).close();
      }
    }
  }

  @Test
  void theyEndWhereTheCallerSaysOnAnyAxis() {
    try (TensorParts parts = whole.splitAt(1, 1, 3)) {
      Tensor column = parts.get(0).tensor();
      Tensor rest = parts.get(1).tensor();
      assertEquals(Shape.of(4, 1), column.shape());
      assertArrayEquals(new float[] {1, 2, 4, 5, 7, 8, 10, 11}, rest.toFloatArray());
      column.fill(-1f);
      rest.setFloat(20f, 3, 1);
      assertArrayEquals(
          new float[] {-1, 1, 2, -1, 4, 5, -1, 7, 8, -1, 10, 20}, whole.toFloatArray());
      parts.get(0).close();
      parts.get(1).close();
    }
  }

  @Test
  void aViewIsSplitAndThenAllOfItsOriginIsFrozen() {
    TensorParts parts = whole.transpose().slice(1, 1, 3).split(1, 2);
    assertArrayEquals(new float[] {6, 7, 8}, parts.get(1).tensor().toFloatArray());
    assertRefuses(
        () -> whole.setFloat(0f, 0, 0), "is frozen while parts of it are open: 0 (nobody");
    parts.get(1).close();
    parts.close();
    whole.setFloat(0f, 0, 0);
  }

  @Test
  void axesCountsAndEndsThatAreNoneAreRefusedAndChangeNothing() {
    for (int count : new int[] {0, -1, 5, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
      assertRefuses(
          IllegalArgumentException.class, () -> whole.split(0, count), count + " parts", "axis 0");
    }
    for (long[] ends :
        new long[][] {{}, {0}, {3}, {5}, {0, 4}, {2, 2, 4}, {3, 2, 4}, {4, 5}, {-1, 4}, {4, 4}}) {
      assertRefuses(IllegalArgumentException.class, () -> whole.splitAt(0, ends), "ends [");
    }
    assertRefuses(IndexOutOfBoundsException.class, () -> whole.split(2, 1), "2");
    assertRefuses(IndexOutOfBoundsException.class, () -> whole.splitAt(-1, 1), "-1");
    Tensor scalar = ctx.zeros(DType.INT8, Shape.scalar());
    assertRefuses(IndexOutOfBoundsException.class, () -> scalar.split(0, 1), "0");
    assertTrue(whole.isWritable());
    try (TensorParts parts = whole.split(0, 4)) {
      assertRefuses(IndexOutOfBoundsException.class, () -> parts.get(4), "part 4 of 4");
      assertRefuses(IndexOutOfBoundsException.class, () -> parts.get(-1), "part -1 of 4");
    }
  }

  @Test
  void whatHasNoElementsIsSplitLikeEverythingElse() {
    Tensor empty = ctx.empty(DType.FLOAT32, 0, 6);
    try (TensorParts parts = empty.split(1, 3)) {
      assertEquals(Shape.of(0, 2), parts.get(2).tensor().shape());
      parts.get(2).close();
    }
    assertTrue(empty.isWritable());
  }

  @Test
  void aFrozenTensorIsNotSplit() {
    SharedTensor shared = whole.share();
    for (Tensor frozen :
        List.of(whole, whole.slice(0, 0, 1), shared, shared.reshape(Shape.of(12)))) {
      assertRefuses(() -> frozen.split(0, 1), "is frozen");
      assertRefuses(() -> frozen.splitAt(0, frozen.shape().dim(0)), "is frozen");
    }
    shared.close();
    assertRefuses(() -> whole.split(0, 1), "is frozen");
    Tensor again = whole.mutable(ctx);
    assertEquals(whole.address(), again.address());
    again.split(0, 2).close();
    again.setFloatAt(0, 7f);
    ByteBuffer readOnly = ByteBuffer.allocateDirect(8).asReadOnlyBuffer();
    Tensor wrapped = ctx.wrap(readOnly, DType.INT8, Shape.of(8));
    assertRefuses(() -> wrapped.split(0, 2), "is frozen");
  }

  // ---- the whole, while parts are open

  @Test
  void theWholeIsFrozenForItsOwnerWhileAPartIsOpen() {
    Tensor view = whole.slice(0, 3, 4);
    TensorParts parts = whole.split(0, 2);
    TensorPart part = parts.get(0);
    part.tensor().setFloat(5f, 0, 1);
    assertEquals(5f, whole.getFloat(0, 1), "it may be read");
    assertEquals(11f, view.getFloat(0, 2), "and so may its views");
    for (Tensor any : List.of(whole, view, whole.reshape(Shape.of(12)))) {
      assertFalse(any.isWritable());
      assertTrue(any.asFloatBuffer().isReadOnly());
      assertFalse(any.memory().isWritable());
      String open = "0 (thread \"" + Thread.currentThread().getName() + "\"), 1 (nobody has taken";
      assertRefuses(() -> any.fill(0f), "is frozen while parts of it are open", open);
      assertRefuses(any::share, "is split", open);
      assertRefuses(any::tryShare, "is split", open);
      assertRefuses(() -> any.split(0, 1), "is frozen while parts", open);
      assertRefuses(() -> any.mutable(ctx), "is split", open);
      try (ExecutionContext other = ExecutionContext.open()) {
        assertRefuses(() -> any.mutable(other), "is split", open);
        assertTrue(any.copy(other).isWritable(), "a copy reads");
      }
    }
    part.close();
    assertFalse(whole.isWritable(), "the other one is open");
    parts.get(1).close();
    assertTrue(whole.isWritable(), "all are closed");
    view.fill(3f);
    whole.share().close();
  }

  /** Whoever closed the parts, and whether or not anybody closed the TensorParts. */
  @Test
  void theWholeIsWritableOnceEveryPartIsClosed() throws Exception {
    TensorParts parts = whole.split(0, 4);
    runOnThread(
        "worker",
        () -> {
          for (int k = 0; k < 4; k++) {
            try (TensorPart part = parts.get(k)) {
              part.tensor().fill(k);
            }
          }
        });
    assertFalse(parts.isOpen());
    whole.asFloatBuffer().put(0, 9f);
    assertArrayEquals(new float[] {9, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3}, whole.toFloatArray());
    whole.split(0, 2).close();
    assertSame(whole, whole.mutable(ctx));
    try (SharedTensor shared = whole.share()) {
      assertEquals(9f, shared.getFloatAt(0));
    }
    parts.close();
  }

  /** An older handle of the bytes, which mutable froze for good. */
  @Test
  void everyHandleOfTheBytesIsRefusedAsTheWholeIs() {
    whole.share().close();
    Tensor again = whole.mutable(ctx);
    TensorParts parts = again.split(0, 2);
    assertRefuses(whole::share, "is split");
    assertRefuses(() -> whole.mutable(ctx), "is split");
    parts.close();
    again.setFloatAt(0, 1f);
    assertFalse(whole.isWritable());
    whole.share().close();
    assertFalse(again.isWritable());
  }

  @Test
  void aPinOfTheWholeFreezesNothing() {
    TensorPin pin = TensorPin.of(whole);
    TensorParts parts = whole.split(0, 2);
    TensorPin meanwhile = TensorPin.of(whole);
    parts.close();
    assertTrue(whole.isWritable());
    pin.close();
    meanwhile.close();
  }

  // ---- a part

  @Test
  void aPartBelongsToTheThreadThatAskedForItsTensorFirst() throws Exception {
    TensorParts parts = whole.split(0, 2);
    TensorPart part = parts.get(0);
    Tensor tensor =
        onThread(
            "first",
            () -> {
              Tensor mine = part.tensor();
              assertSame(mine, part.tensor());
              mine.fill(1f);
              runOnThread(
                  "second",
                  () -> {
                    assertRefuses(part::tensor, "part 0 of a FLOAT32 tensor", "\"first\"");
                    assertRefuses(() -> mine.fill(2f), "part 0", "\"first\"", "\"second\"");
                    assertRefuses(part::close, "\"first\"");
                  });
              return mine;
            });
    assertTrue(tensor.isAlive(), "it was not closed");
    assertRefuses(() -> tensor.fill(2f), "its thread has ended", "close() of the part");
    part.close();
    assertRefuses(() -> tensor.getFloatAt(0), "is dead: its part was closed, part 0 of a FLOAT32");
    assertRefuses(part::tensor, "part 0", "was closed");
    assertNull(tensor.tryShare());
    parts.close();
  }

  @Test
  void aPartThatNobodyTookIsClosedByAnybodyAndGivesNoTensorThen() throws Exception {
    TensorParts parts = whole.split(0, 2);
    runOnThread("any", () -> parts.get(0).close());
    assertRefuses(() -> parts.get(0).tensor(), "was closed");
    assertFalse(parts.get(0).isOpen());
    assertTrue(parts.get(1).isOpen());
    parts.get(0).close();
    parts.get(1).close();
    whole.fill(0f);
  }

  @Test
  void whatThePartsTensorTracksIsClosedWithIt() throws Exception {
    TensorParts parts = whole.split(0, 2);
    StringBuilder closed = new StringBuilder();
    Tensor[] tensor = new Tensor[1];
    runOnThread(
        "worker",
        () -> {
          TensorPart part = parts.get(0);
          tensor[0] = part.tensor();
          tensor[0].track(() -> closed.append("first "));
          tensor[0].track(
              () -> {
                part.close(); // which is being closed
                assertTrue(tensor[0].isAlive());
                tensor[0].slice(0, 0, 1).track(() -> closed.append("late "));
                throw new java.io.IOException("thrown");
              });
          assertRefuses(part::close, "a tracked resource failed to close");
          assertFalse(part.isOpen());
        });
    assertEquals("late first ", closed.toString());
    parts.close();
    whole.fill(1f);
  }

  @Test
  void aGuardThatAResourceMakesIsClosedToo() {
    TensorPart part = whole.split(0, 1).get(0);
    Tensor tensor = part.tensor();
    StringBuilder closed = new StringBuilder();
    class Noting extends Guard {
      @Override
      public void close() {
        closed.append("guard");
      }
    }

    tensor.track(() -> tensor.guard(Noting.class, guarded -> new Noting()));
    part.close();
    assertEquals("guard", closed.toString());
  }

  @Test
  void whoClosesThePartOfAnEndedThreadHasItMeanwhile() throws Exception {
    TensorPart part = whole.split(0, 1).get(0);
    AtomicInteger closed = new AtomicInteger();
    runOnThread(
        "ended",
        () -> {
          Tensor mine = part.tensor();
          mine.track(
              () -> {
                mine.fill(closed.incrementAndGet());
                runOnThread("late", () -> assertRefuses(part::close, "of thread \""));
              });
        });
    part.close();
    assertEquals(1, closed.get());
    assertEquals(1f, whole.getFloatAt(11));
  }

  @Test
  void aGuardKeepsThePartOpen() throws Exception {
    TensorParts parts = whole.split(0, 2);
    TensorPart part = parts.get(0);
    boolean[] refuses = {true};
    class Refusing extends Guard {
      @Override
      public void close() {
        if (refuses[0]) {
          throw new IllegalStateException("in use");
        }
      }
    }

    Tensor mine =
        onThread(
            "worker",
            () -> {
              part.tensor().guard(Refusing.class, guarded -> new Refusing());
              assertRefuses(part::close, "in use");
              return part.tensor().fill(2f);
            });
    assertRefuses(part::close, "in use"); // its thread has ended
    assertRefuses(() -> mine.fill(3f), "its thread has ended");
    assertRefuses(parts::close, "in use");
    assertFalse(whole.isWritable());
    refuses[0] = false;
    runOnThread("any", part::close);
    parts.close();
    assertTrue(whole.isWritable());
  }

  // ---- closing all

  @Test
  void closingAllClosesThoseThatNobodyTookAndThoseWhoseThreadHasEnded() throws Exception {
    TensorParts parts = whole.split(0, 4);
    onThread("ended", () -> parts.get(1).tensor().fill(1f));
    parts.get(2).tensor();
    String mine = "2 (thread \"" + Thread.currentThread().getName() + "\")";
    for (int i = 0; i < 2; i++) {
      IllegalStateException refused =
          TestSupport.assertRefuses(IllegalStateException.class, parts::close, "open: " + mine);
      assertFalse(refused.getMessage().contains("ended"), refused.getMessage());
      assertRefuses(() -> parts.get(0).tensor(), "was closed");
      assertRefuses(() -> parts.get(1).tensor(), "was closed");
      assertFalse(whole.isWritable());
    }
    runOnThread("other", () -> assertRefuses(parts::close, "\"other\""));
    assertTrue(parts.toString().contains("open are " + mine), parts.toString());
    parts.get(2).close();
    parts.close();
    parts.close();
    assertTrue(whole.isWritable());
    assertEquals("4 parts of a FLOAT32 tensor of shape [4, 3], closed", parts.toString());
    assertEquals("part 2 of a FLOAT32 tensor of shape [4, 3], closed", parts.get(2).toString());
  }

  @Test
  void theOwnersWrongThreadClosesNothing() throws Exception {
    TensorParts parts = whole.split(0, 2);
    runOnThread("other", () -> assertRefuses(parts::close, "\"other\""));
    assertTrue(parts.get(0).isOpen() && parts.get(1).isOpen());
    ctx.reset();
    runOnThread("other", parts::close); // the whole is dead
    assertFalse(parts.get(0).isOpen() || parts.get(1).isOpen());
  }

  // ---- sharing a part

  @Test
  void aPartThatIsSharedIsFrozenAndTheWholeStaysSoForGood() throws Exception {
    TensorParts parts = whole.split(0, 2);
    SharedTensor shared =
        onThread(
            "worker",
            () -> {
              try (TensorPart part = parts.get(0)) {
                Tensor mine = part.tensor().fill(1f);
                SharedTensor handle = mine.slice(0, 0, 1).share();
                assertRefuses(() -> mine.fill(2f), "is frozen: it was shared");
                assertRefuses(() -> mine.split(0, 2), "is frozen");
                assertFalse(mine.isWritable());
                mine.share().close();
                return handle;
              }
            });
    Tensor other = parts.get(1).tensor().fill(3f);
    assertRefuses(() -> whole.fill(0f), "is frozen while parts of it are open");
    other.fill(4f);
    parts.get(1).close();
    parts.close();
    for (int i = 0; i < 2; i++) {
      assertFalse(whole.isWritable());
      assertRefuses(() -> whole.setFloatAt(0, 9f), "is frozen: it was shared");
      assertRefuses(() -> whole.split(0, 2), "is frozen");
      shared.close(); // for good: also when the share is closed
    }
    try (SharedTensor all = whole.share()) {
      assertArrayEquals(new float[] {1, 1, 1, 1, 1, 1, 4, 4, 4, 4, 4, 4}, all.toFloatArray());
    }
    Tensor again = whole.mutable(ctx);
    assertEquals(whole.address(), again.address(), "the way back is that of every share");
    again.fill(0f);
  }

  @Test
  void whatWasWritableIsWritableAgainAndNoOlderHandle() {
    whole.share().close();
    Tensor again = whole.mutable(ctx);
    again.split(0, 2).close();
    assertFalse(whole.isWritable());
    again.fill(0f);
  }

  @Test
  void whatAPartSharedKeepsItsBytesAsEveryShareDoes() throws Exception {
    Scope scope = ctx.scope();
    Tensor inner = ctx.allocSlice(counting(1000));
    TensorParts parts = inner.split(0, 2);
    SharedTensor shared =
        onThread(
            "worker",
            () -> {
              try (TensorPart part = parts.get(1)) {
                return part.tensor().share();
              }
            });
    parts.close();
    scope.close();
    ctx.allocSlice(counting(2000)).fill(-1f);
    assertEquals(500f, shared.getFloatAt(0));
    Tensor taken = shared.mutable(ctx);
    assertEquals(inner.start() + 2000, taken.address(), "it alone holds the bytes by now");
    taken.fill(1f);
  }

  @Test
  void mutableOfAPartIsACopy() {
    TensorParts parts = whole.split(0, 2);
    Tensor part = parts.get(0).tensor();
    Tensor copy = part.mutable(ctx);
    copy.fill(9f);
    assertEquals(1f, part.getFloatAt(1));
    part.share().close();
    part.mutable(ctx).fill(9f);
    assertEquals(1f, part.getFloatAt(1));
    parts.get(0).close();
    parts.close();
  }
}
