package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is tracked is closed at the end of its scope: last first, each even when another throws. */
@Tag("platform")
class TrackTest {
  private final ExecutionContext ctx = ExecutionContext.open();
  private final List<String> closed = new ArrayList<>();

  @AfterEach
  void close() {
    ctx.close();
  }

  private AutoCloseable noting(String name) {
    return () -> closed.add(name);
  }

  private static AutoCloseable throwing(Exception e) {
    return () -> {
      throw e;
    };
  }

  @Test
  void trackGivesItsArgumentBack() {
    AutoCloseable resource = noting("it");
    assertSame(resource, ctx.track(resource));
    assertSame(resource, ctx.scope().track(resource));
    Tensor tensor = ctx.allocTemp(1);
    assertSame(resource, tensor.track(resource));
    SharedTensor shared = tensor.share();
    assertSame(resource, shared.track(resource));
    shared.close();
  }

  @Test
  void nullIsRefusedAtOnce() {
    Tensor tensor = ctx.allocTemp(1);
    assertThrows(NullPointerException.class, () -> ctx.track(null));
    assertThrows(NullPointerException.class, () -> ctx.scope().track(null));
    assertThrows(NullPointerException.class, () -> tensor.track(null));
    SharedTensor shared = tensor.share();
    assertThrows(NullPointerException.class, () -> shared.track(null));
    shared.close();
  }

  @Test
  void lastTrackedIsClosedFirst() {
    Scope scope = ctx.scope();
    for (String name : List.of("a", "b", "c")) {
      scope.track(noting(name));
    }
    scope.close();
    assertEquals(List.of("c", "b", "a"), closed);
    scope.close();
    assertEquals(3, closed.size(), "each once");
  }

  @Test
  void aContextTracksInItsInnermostOpenScope() {
    ctx.track(noting("root"));
    Scope scope = ctx.scope();
    ctx.track(noting("scope"));
    scope.close();
    assertEquals(List.of("scope"), closed);
    ctx.reset();
    assertEquals(List.of("scope", "root"), closed);
    ctx.track(noting("root again"));
    ctx.close();
    assertEquals(List.of("scope", "root", "root again"), closed);
  }

  @Test
  void anOuterScopeTracksWhileAnInnerOneIsOpen() {
    Scope outer = ctx.scope();
    Scope inner = ctx.scope();
    outer.track(noting("outer"));
    inner.close();
    assertEquals(List.of(), closed);
    outer.close();
    assertEquals(List.of("outer"), closed);
  }

  @Test
  void aTensorTracksInItsOwnScopeAndSoDoItsViews() {
    Scope outer = ctx.scope();
    Tensor tensor = ctx.allocSlice(1f, 2f);
    Scope inner = ctx.scope();
    tensor.track(noting("tensor"));
    tensor.slice(0, 0, 1).track(noting("view"));
    inner.close();
    assertEquals(List.of(), closed);
    outer.close();
    assertEquals(List.of("view", "tensor"), closed);
  }

  @Test
  void aSharedHandleTracksUntilItsOwnRelease() throws Exception {
    Scope scope = ctx.scope();
    SharedTensor shared = ctx.allocSlice(1f, 2f).share();
    SharedTensor other = shared.share();
    shared.track(noting("handle"));
    shared.slice(0, 0, 1).track(noting("view of the handle"));
    other.track(noting("other handle"));
    scope.close();
    assertEquals(List.of(), closed);
    TestSupport.runOnThread("consumer", shared::close);
    assertEquals(List.of("view of the handle", "handle"), closed);
    other.close();
    assertEquals(List.of("view of the handle", "handle", "other handle"), closed);
  }

  @Test
  void aHandleConsumedByMutableClosesWhatItTracks() {
    Scope scope = ctx.scope();
    SharedTensor copied = ctx.allocSlice(1f).share();
    copied.track(noting("copied"));
    copied.mutable(ctx);
    assertEquals(List.of("copied"), closed);
    SharedTensor sole = ctx.allocSlice(2f).share();
    sole.track(noting("sole"));
    scope.close();
    assertEquals(2f, sole.mutable(ctx).getFloat(0));
    assertEquals(List.of("copied", "sole"), closed);
  }

  @Test
  void tensorsAreStillAliveWhileResourcesClose() {
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocSlice(7f);
    float[] seen = new float[1];
    scope.track(() -> seen[0] = tensor.getFloat(0));
    scope.close();
    assertArrayEquals(new float[] {7}, seen);
    assertFalse(tensor.isAlive());
  }

  @Test
  void eachIsClosedEvenWhenAnotherThrows() {
    Exception first = new IllegalArgumentException("first");
    Exception second = new IOException("second");
    Exception third = new IllegalArgumentException("third");
    Scope outer = ctx.scope();
    outer.track(throwing(third));
    outer.track(noting("outer"));
    Scope inner = ctx.scope();
    inner.track(throwing(second));
    inner.track(noting("inner"));
    inner.track(throwing(first));
    Tensor tensor = ctx.allocTemp(1f);

    Throwable thrown = assertThrows(IllegalArgumentException.class, outer::close);

    assertSame(first, thrown);
    assertArrayEquals(new Throwable[] {second, third}, thrown.getSuppressed());
    assertEquals(List.of("inner", "outer"), closed);
    assertFalse(tensor.isAlive(), "the scope has ended all the same");
    assertEquals(0, ctx.memoryUsage());
  }

  /** What cannot be closed at first for want of stack or heap. */
  private static final class ClosedAtLast implements OpenResource {
    private final Error first;
    private int calls;

    ClosedAtLast(Error first) {
      this.first = first;
    }

    @Override
    public void close() {
      if (calls++ == 0) {
        throw first;
      }
    }

    @Override
    public boolean isOpen() {
      return calls < 2;
    }
  }

  @Test
  void whatIsOpenWhereStackOrHeapHaveEndedIsClosedByTheNextCall() {
    for (Error end : new Error[] {new StackOverflowError(), new OutOfMemoryError()}) {
      Scope scope = ctx.scope();
      ClosedAtLast resource = scope.track(new ClosedAtLast(end));
      assertSame(end, assertThrows(Error.class, scope::close));
      assertTrue(resource.isOpen());
      scope.close();
      assertEquals(2, resource.calls);
      SharedTensor handle = ctx.allocTemp(1).share();
      ClosedAtLast tracked = handle.track(new ClosedAtLast(end));
      assertSame(end, assertThrows(Error.class, handle::close));
      assertTrue(tracked.isOpen());
      handle.close();
      assertEquals(2, tracked.calls);
    }
  }

  @Test
  void whatWasThrownBeforeTheStackEndedIsThrownByTheEndThatCompletes() {
    Scope scope = ctx.scope();
    scope.track(new ClosedAtLast(new StackOverflowError()));
    scope.track(throwing(new IOException("not written")));
    Scope inner = ctx.scope();
    inner.track(throwing(new IllegalArgumentException("first")));
    assertThrows(StackOverflowError.class, scope::close);
    IllegalArgumentException thrown = assertThrows(IllegalArgumentException.class, scope::close);
    assertEquals("not written", thrown.getSuppressed()[0].getMessage());
    assertFalse(scope.isOpen());
    scope.close();
  }

  @Test
  void aHandleThatWasMadeMutableIsOpenWhileSomethingThatItTracksIs() {
    SharedTensor handle = ctx.allocTemp(1).share();
    ClosedAtLast tracked = handle.track(new ClosedAtLast(new StackOverflowError()));
    ExecutionContext outer = ExecutionContext.open();
    outer.track(handle);
    ctx.reset();
    assertThrows(StackOverflowError.class, () -> handle.mutable(ctx));
    assertTrue(tracked.isOpen());
    assertTrue(handle.isOpen());
    outer.close();
    assertFalse(tracked.isOpen());
    assertFalse(handle.isOpen());
  }

  @Test
  void aCheckedExceptionComesInsideAnUncheckedOne() {
    Exception checked = new IOException("disk full");
    ctx.track(throwing(checked));
    assertSame(
        checked, assertRefuses(IllegalStateException.class, ctx::reset, "disk full").getCause());
    ctx.track(throwing(checked));
    assertSame(
        checked, assertRefuses(IllegalStateException.class, ctx::close, "disk full").getCause());
    ctx.close();
  }

  @Test
  void anErrorIsThrownAsItIs() {
    Error error = new StackOverflowError("test");
    Scope scope = ctx.scope();
    scope.track(
        () -> {
          throw error;
        });
    assertSame(error, assertThrows(StackOverflowError.class, scope::close));
  }

  @Test
  void theSameExceptionFromTwoResourcesIsThrownOnce() {
    IllegalArgumentException same = new IllegalArgumentException("same");
    Scope scope = ctx.scope();
    scope.track(throwing(same));
    scope.track(throwing(same));
    assertSame(same, assertThrows(IllegalArgumentException.class, scope::close));
    assertEquals(0, same.getSuppressed().length);
  }

  @Test
  void aHandleIsReleasedEvenWhenItsResourceThrows() throws Exception {
    long pinned = ChunkPool.stats().pinnedChunks();
    for (boolean detached : new boolean[] {false, true}) {
      Scope scope = ctx.scope();
      SharedTensor shared = ctx.allocSlice(1f).share();
      shared.track(throwing(new IllegalArgumentException("late")));
      if (detached) {
        scope.close();
        ctx.reset();
        assertEquals(pinned + 1, ChunkPool.stats().pinnedChunks());
      }
      assertThrows(IllegalArgumentException.class, shared::close);
      assertFalse(shared.isAlive());
      shared.close();
      ctx.reset();
      assertEquals(pinned, ChunkPool.stats().pinnedChunks());
    }
  }

  @Test
  void aHandleConsumedByMutableIsGoneEvenWhenItsResourceThrows() {
    long pinned = ChunkPool.stats().pinnedChunks();
    for (boolean alone : new boolean[] {false, true}) {
      Scope scope = ctx.scope();
      Tensor tensor = ctx.allocSlice(1f);
      SharedTensor shared = tensor.share();
      shared.track(throwing(new IllegalArgumentException("late")));
      if (alone) {
        scope.close();
      }
      assertThrows(IllegalArgumentException.class, () -> shared.mutable(ctx));
      assertFalse(shared.isAlive());
      ctx.reset();
      assertEquals(0, ctx.memoryUsage());
      assertEquals(pinned, ChunkPool.stats().pinnedChunks());
    }
  }

  @Test
  void sharedHandlesMayBeTrackedThemselves() {
    long pinned = ChunkPool.stats().pinnedChunks();
    SharedTensor shared;
    try (ExecutionContext producer = ExecutionContext.open()) {
      shared = producer.allocSlice(1f).share();
    }
    assertEquals(pinned + 1, ChunkPool.stats().pinnedChunks());
    ctx.track(shared);
    assertTrue(shared.isAlive());
    ctx.reset();
    assertFalse(shared.isAlive());
    assertEquals(pinned, ChunkPool.stats().pinnedChunks());
  }
}
