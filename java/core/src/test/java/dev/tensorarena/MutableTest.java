package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** mutable(ctx): the same bytes when nobody else holds them, otherwise a private copy. */
@Tag("platform")
class MutableTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  /** A handle whose context has let go of it. */
  private SharedTensor detached(float... values) {
    Scope scope = ctx.scope();
    SharedTensor shared = ctx.allocSlice(values).share();
    scope.close();
    return shared;
  }

  private static long pinned() {
    return ChunkPool.stats().pinnedChunks();
  }

  @Test
  void aWritableTensorOfTheContextIsReturnedAsItIs() {
    Tensor tensor = ctx.allocSlice(1f);
    assertSame(tensor, tensor.mutable(ctx));
    Tensor view = tensor.reshape(Shape.of(1, 1));
    assertSame(view, view.mutable(ctx));
  }

  @Test
  void aTensorOfAnotherContextIsCopied() {
    try (ExecutionContext other = ExecutionContext.open()) {
      Tensor tensor = other.allocSlice(1f);
      Tensor copy = tensor.mutable(ctx);
      copy.setFloat(2f, 0);
      assertEquals(1f, tensor.getFloat(0));
      assertTrue(tensor.isWritable());
    }
  }

  @Test
  void theOriginalGetsItsBytesBackWhenAllHandlesAreReleased() {
    Tensor tensor = ctx.allocSlice(1f);
    SharedTensor shared = tensor.share();
    shared.close();
    Tensor writable = tensor.mutable(ctx);
    assertEquals(tensor.address(), writable.address());
    writable.setFloat(2f, 0);
    assertEquals(2f, tensor.getFloat(0), "the same bytes");
    assertFalse(tensor.isWritable(), "the old handle stays frozen");
  }

  @Test
  void theOriginalIsCopiedWhileAHandleLives() {
    Tensor tensor = ctx.allocSlice(1f);
    SharedTensor shared = tensor.share();
    Tensor copy = tensor.mutable(ctx);
    assertNotEquals(tensor.address(), copy.address());
    copy.setFloat(2f, 0);
    assertEquals(1f, shared.getFloat(0));
    assertTrue(tensor.isAlive(), "an original is not consumed");
    shared.close();
  }

  @Test
  void anotherThreadsReleaseMakesTheOriginalTheSoleHolder() throws Exception {
    Tensor tensor = ctx.allocSlice(1f);
    SharedTensor shared = tensor.share();
    TestSupport.runOnThread("consumer", () -> shared.share().close());
    assertNotEquals(tensor.address(), tensor.mutable(ctx).address());
    TestSupport.runOnThread("consumer", shared::close);
    assertEquals(tensor.address(), tensor.mutable(ctx).address());
  }

  @Test
  void aHandleBeforeItsScopeEndsIsCopiedSinceTheOriginalHoldsToo() {
    Tensor tensor = ctx.allocSlice(1f);
    SharedTensor shared = tensor.share();
    long address = shared.address();
    Tensor copy = shared.mutable(ctx);
    assertNotEquals(address, copy.address());
    assertFalse(shared.isAlive(), "consumed");
    copy.setFloat(2f, 0);
    assertEquals(1f, tensor.getFloat(0));
    assertEquals(address, tensor.mutable(ctx).address(), "and released");
  }

  @Test
  void offTheOwnersThreadBeforeDetachItCopies() throws Exception {
    long pinned = pinned();
    Scope scope = ctx.scope();
    SharedTensor shared = ctx.allocSlice(1f).share();
    long address = shared.address();
    TestSupport.runOnThread(
        "consumer",
        () -> {
          try (ExecutionContext own = ExecutionContext.open()) {
            Tensor copy = shared.mutable(own);
            assertNotEquals(address, copy.address());
            copy.setFloat(5f, 0);
            assertEquals(5f, copy.getFloat(0));
          }
        });
    assertFalse(shared.isAlive());
    scope.close();
    ctx.reset();
    assertEquals(pinned, pinned(), "consumed there means released");
  }

  @Test
  void afterDetachTheSoleHolderGetsTheSameBytesOnAnyThread() throws Exception {
    long pinned = pinned();
    SharedTensor shared = detached(1f, 2f);
    long address = shared.address();
    TestSupport.runOnThread(
        "consumer",
        () -> {
          try (ExecutionContext own = ExecutionContext.open()) {
            long used = own.memoryUsage();
            Scope scope = own.scope();
            Tensor writable = shared.mutable(own);
            assertEquals(address, writable.address());
            assertEquals(used + 8, own.memoryUsage(), "charged, though nothing was copied");
            assertFalse(shared.isAlive(), "consumed");
            writable.setFloat(9f, 0);
            assertEquals(2f, writable.getFloat(1));
            scope.close();
            assertRefuses(() -> writable.getFloat(0), "its scope was closed");
          }
        });
    ctx.reset();
    assertEquals(0, ctx.memoryUsage());
    assertEquals(pinned, pinned());
  }

  @Test
  void afterDetachOneOfTwoHoldersGetsACopy() {
    SharedTensor first = detached(1f);
    SharedTensor second = first.share();
    long address = first.address();
    Tensor copy = first.mutable(ctx);
    assertNotEquals(address, copy.address());
    copy.setFloat(2f, 0);
    assertEquals(1f, second.getFloat(0));
    assertEquals(address, second.mutable(ctx).address(), "then the other is alone");
  }

  @Test
  void theResultKeepsTheBytesWhereTheyAreUntilItsScopeEnds() {
    long pinned = pinned();
    SharedTensor shared;
    try (ExecutionContext producer = ExecutionContext.open()) {
      shared = producer.allocSlice(1f).share();
    }
    Tensor writable = shared.mutable(ctx);
    assertEquals(pinned + 1, pinned());
    Scope inner = ctx.scope();
    inner.close();
    assertEquals(1f, writable.getFloat(0));
    ctx.reset();
    assertFalse(writable.isAlive());
    assertEquals(pinned, pinned());
  }

  @Test
  void theResultLivesInTheInnermostOpenScope() {
    SharedTensor shared = detached(1f);
    Scope scope = ctx.scope();
    Tensor writable = shared.mutable(ctx);
    Tensor copy;
    SharedTensor another = ctx.allocSlice(2f).share();
    copy = another.mutable(ctx);
    scope.close();
    assertFalse(writable.isAlive());
    assertFalse(copy.isAlive());
  }

  @Test
  void aWritableResultMayBeSharedAndFrozenAgain() {
    Tensor writable = detached(1f).mutable(ctx);
    writable.setFloat(2f, 0);
    SharedTensor again = writable.share();
    assertFalse(writable.isWritable());
    assertRefuses(() -> writable.setFloat(3f, 0), "is frozen");
    ctx.reset();
    assertEquals(2f, again.getFloat(0));
    long address = again.address();
    Tensor third = again.mutable(ctx);
    assertEquals(address, third.address(), "detached for the second time");
    third.setFloat(4f, 0);
    assertEquals(4f, third.getFloat(0));
  }

  @Test
  void viewsOfAWritableResultAreWritableAndFreezeWithIt() {
    Tensor writable = detached(1f, 2f).mutable(ctx);
    Tensor view = writable.slice(0, 1, 2);
    view.setFloat(5f, 0);
    assertEquals(5f, writable.getFloat(1));
    SharedTensor shared = view.share();
    assertFalse(view.isWritable());
    assertFalse(writable.isWritable());
    shared.close();
  }

  @Test
  void ofSeveralWritableTensorsOverTheSameBytesOnlyTheLastStaysWritable() {
    Tensor tensor = ctx.allocSlice(1f);
    tensor.share().close();
    Tensor first = tensor.mutable(ctx);
    Tensor second = tensor.mutable(ctx);
    assertNotSame(first, second);
    assertFalse(first.isWritable());
    assertTrue(second.isWritable());
    assertSame(second, second.mutable(ctx));
  }

  @Test
  void aViewOfAFrozenTensorGivesAWritableView() {
    Tensor matrix = ctx.copyOf(Shape.of(2, 2), 1f, 2f, 3f, 4f);
    matrix.share().close();
    Tensor column = matrix.select(1, 1).mutable(ctx);
    column.setFloat(9f, 0);
    assertEquals(9f, matrix.getFloat(0, 1), "the same bytes");
    assertEquals(2, column.stride(0));
  }

  @Test
  void aViewOfAHandleIsCopiedAndTheHandleStays() {
    SharedTensor shared = detached(1f, 2f);
    Tensor view = shared.slice(0, 1, 2);
    Tensor copy = view.mutable(ctx);
    copy.setFloat(5f, 0);
    assertTrue(shared.isAlive());
    assertEquals(2f, shared.getFloat(1));
    shared.close();
  }

  @Test
  void whenTheCopyPassesTheLimitNothingHasChanged() {
    try (ExecutionContext small = ExecutionContext.withMemoryLimit(100)) {
      SharedTensor shared = ctx.empty(DType.INT8, 101).fill(3).share();
      assertThrows(MemoryLimitExceededException.class, () -> shared.mutable(small));
      assertTrue(shared.isAlive(), "not consumed");
      assertEquals(3, shared.getByte(100));
      assertEquals(0, small.memoryUsage());
      shared.close();
    }
  }

  @Test
  void anotherThreadsContextIsRefused() throws Exception {
    SharedTensor shared = detached(1f);
    TestSupport.runOnThread(
        "consumer", () -> assertRefuses(() -> shared.mutable(ctx), "\"consumer\""));
    assertTrue(shared.isAlive());
    shared.close();
  }
}
