package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Tracked resources that use the library while it closes them leave it in order. */
class UnrulyResourceTest {
  private final ExecutionContext ctx = ExecutionContext.open();
  private final List<String> closed = new ArrayList<>();

  @AfterEach
  void close() {
    ctx.close();
  }

  @Test
  void whatIsTrackedWhileClosingIsClosedToo() {
    Scope scope = ctx.scope();
    scope.track(
        () -> {
          scope.track(() -> closed.add("late"));
          closed.add("early");
        });
    scope.close();
    assertEquals(List.of("early", "late"), closed);
  }

  @Test
  void aScopeLeftOpenWhileClosingEndsWithIt() {
    AtomicReference<Tensor> tensor = new AtomicReference<>();
    Scope outer = ctx.scope();
    outer.track(
        () -> {
          ctx.scope().track(() -> closed.add("left open"));
          tensor.set(ctx.allocSlice(1f));
        });
    outer.close();
    assertEquals(List.of("left open"), closed);
    assertFalse(tensor.get().isAlive());
    assertEquals(0, ctx.memoryUsage());
  }

  @Test
  void aScopeLeftOpenMayTrackInTheScopeThatCloses() {
    Scope outer = ctx.scope();
    outer.track(() -> ctx.scope().track(() -> outer.track(() -> closed.add("last"))));
    outer.close();
    assertEquals(List.of("last"), closed);
  }

  @Test
  void tensorsAllocatedWhileClosingDieWithTheScope() {
    AtomicReference<Tensor> tensor = new AtomicReference<>();
    Scope scope = ctx.scope();
    scope.track(() -> tensor.set(ctx.empty(DType.INT8, 1 << 20)));
    scope.close();
    assertFalse(tensor.get().isAlive());
    assertEquals(0, ctx.memoryUsage());
  }

  @Test
  void aShareTakenWhileClosingKeepsTheBytes() {
    AtomicReference<SharedTensor> shared = new AtomicReference<>();
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocSlice(4f);
    scope.track(() -> shared.set(tensor.share()));
    scope.close();
    ctx.allocSlice(5f);
    assertEquals(4f, shared.get().getFloat(0));
    shared.get().close();
  }

  @Test
  void closingTheScopeThatClosesDoesNothing() {
    Scope scope = ctx.scope();
    scope.track(() -> closed.add("first tracked"));
    scope.track(scope);
    scope.track(scope::close);
    scope.close();
    assertEquals(List.of("first tracked"), closed);
  }

  @Test
  void anEnclosingScopeCannotBeEndedFromWithin() {
    Tensor root = ctx.allocSlice(1f);
    Scope outer = ctx.scope();
    Tensor tensor = ctx.allocSlice(2f);
    Scope inner = ctx.scope();
    for (AutoCloseable end :
        List.<AutoCloseable>of(
            outer::close, () -> outer.closeKeeping(tensor), ctx::reset, ctx::close)) {
      inner.track(end);
    }
    IllegalStateException thrown =
        assertRefuses(IllegalStateException.class, inner::close, "cannot be ended by a resource");
    assertEquals(3, thrown.getSuppressed().length);
    assertEquals(1f, root.getFloat(0));
    assertEquals(2f, tensor.getFloat(0));
    outer.close();
    assertFalse(tensor.isAlive());
    assertTrue(root.isAlive());
  }

  /** The copy of a result that was shared lies in the innermost scope until the end. */
  @Test
  void aPlainScopeInsideTheOneThatClosesCannotBeEndedFromWithin() {
    Tensor root = ctx.allocSlice(0f);
    Scope outer = ctx.scope();
    Tensor result = ctx.allocSlice(1f, 2f);
    result.share().close();
    Scope inner = ctx.scope();
    ctx.empty(DType.INT8, 1000);
    outer.guard(
        Ending.class,
        scope ->
            new Ending(() -> assertRefuses(() -> inner.closeKeeping(root), "cannot be ended")));
    Tensor kept = outer.closeKeeping(result);
    ctx.empty(DType.INT8, 2000).fill(7);
    assertEquals(1f, kept.getFloat(0));
    assertEquals(2f, kept.getFloat(1));
  }

  @Test
  void whatAHandleTracksIsClosedAlsoIfAGuardMakesTheHandleMutableMeanwhile() {
    ExecutionContext other = ExecutionContext.open();
    SharedTensor handle = other.allocSlice(1f, 2f).share();
    other.close();
    handle.track(() -> closed.add("tracked"));
    Tensor[] writable = new Tensor[1];
    handle.guard(
        Ending.class,
        tensor ->
            new Ending(
                () -> {
                  if (writable[0] == null) {
                    writable[0] = handle.mutable(ctx);
                  }
                }));
    assertRefuses(() -> handle.mutable(ctx), "released");
    assertEquals(List.of("tracked"), closed);
    assertEquals(2f, writable[0].getFloat(1));
  }

  private static final class Ending extends Guard {
    private final Runnable attempt;

    Ending(Runnable attempt) {
      this.attempt = attempt;
    }

    @Override
    public void close() {
      attempt.run();
    }
  }

  @Test
  void theContextCannotBeEndedByWhatItCloses() {
    ctx.track(ctx);
    ctx.track(ctx::reset);
    Tensor tensor = ctx.allocSlice(1f);
    assertThrows(IllegalStateException.class, ctx::reset);
    assertFalse(tensor.isAlive());
    assertEquals(2f, ctx.allocSlice(2f).getFloat(0), "the context is usable");
    ctx.track(ctx);
    assertThrows(IllegalStateException.class, ctx::close);
    assertRefuses(() -> ctx.allocSlice(1f), "is closed");
  }

  @Test
  void anInnerScopeMayBeClosedByTheOuterOnesResource() {
    Scope outer = ctx.scope();
    outer.track(
        () -> {
          Scope left = ctx.scope();
          left.track(() -> closed.add("inner"));
          left.close();
          closed.add("outer");
        });
    outer.close();
    assertEquals(List.of("inner", "outer"), closed);
  }

  @Test
  void anotherContextMayBeEndedByAResource() {
    ExecutionContext other = ExecutionContext.open();
    Tensor tensor = other.allocSlice(1f);
    ctx.track(other);
    ctx.reset();
    assertFalse(tensor.isAlive());
  }

  @Test
  void aHandleMayEndItsOwnScopeAndContext() {
    long pinned = ChunkPool.stats().pinnedChunks();
    Scope scope = ctx.scope();
    SharedTensor first = ctx.allocSlice(1f).share();
    first.track(scope);
    first.close();
    assertRefuses(() -> scope.track(() -> {}), "its scope was closed");

    ExecutionContext other = ExecutionContext.open();
    SharedTensor second = other.allocSlice(1f).share();
    second.track(other);
    second.close();
    assertRefuses(other::scope, "is closed");
    assertEquals(pinned, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void aHandleMayCloseItself() {
    long pinned = ChunkPool.stats().pinnedChunks();
    SharedTensor shared = ctx.allocSlice(1f).share();
    SharedTensor other = shared.share();
    shared.track(shared);
    shared.track(shared::close);
    shared.close();
    ctx.reset();
    assertEquals(pinned + 1, ChunkPool.stats().pinnedChunks(), "released once");
    other.track(other);
    other.close();
    assertEquals(pinned, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void aKeptResultThatAResourceSharesAndReleasesIsKeptLikeAnyOther() {
    ctx.empty(DType.INT8, 64);
    Scope scope = ctx.scope();
    ctx.empty(DType.INT8, 640);
    Tensor result = ctx.allocSlice(1f, 2f);
    scope.track(() -> result.share().close());
    Tensor kept = scope.closeKeeping(result);
    kept.setFloat(3f, 0);
    ctx.empty(DType.INT8, 1000).fill(1);
    assertEquals(3f, kept.getFloat(0));
    assertEquals(2f, kept.getFloat(1));
  }

  @Test
  void aKeptResultThatAResourceSharesIsNeverWrittenUnderItsReaders() {
    AtomicReference<SharedTensor> shared = new AtomicReference<>();
    Scope scope = ctx.scope();
    ctx.empty(DType.INT8, 64);
    Tensor result = ctx.allocSlice(1f, 2f);
    scope.track(() -> shared.set(result.share()));
    Tensor kept = scope.closeKeeping(result);
    try (SharedTensor reader = shared.get()) {
      assertEquals(1f, reader.getFloat(0));
      assertEquals(2f, kept.getFloat(1));
      if (kept.isWritable()) {
        kept.setFloat(9f, 0);
      }
      assertEquals(1f, reader.getFloat(0));
      ctx.allocSlice(8f, 8f, 8f, 8f);
      assertEquals(1f, reader.getFloat(0));
      assertEquals(2f, kept.getFloat(1));
    }
  }

  private static final class Refuser extends Guard {
    boolean refuses = true;

    @Override
    public void close() {
      if (refuses) {
        throw new IllegalStateException("not now");
      }
    }
  }

  @Test
  void anEndThatAScopeLeftOpenRefusesGoesOnWithTheNextCall() {
    for (AutoCloseable end : List.<AutoCloseable>of(ctx::reset, ctx::close)) {
      Refuser[] made = new Refuser[1];
      closed.clear();
      Scope scope = ctx.scope();
      Tensor tensor = ctx.allocSlice(1f);
      scope.track(() -> closed.add("tracked first"));
      scope.track(() -> ctx.scope().guard(Refuser.class, in -> made[0] = new Refuser()));
      assertRefuses(scope::close, "not now");
      assertRefuses(scope::close, "not now");
      assertRefuses(end::close, "not now");
      assertEquals(1f, tensor.getFloat(0));
      assertEquals(List.of("tracked first"), closed, "each once");
      made[0].refuses = false;
      scope.close();
      assertFalse(tensor.isAlive());
      assertEquals(0, ctx.memoryUsage());
    }
  }

  @Test
  void aMakerThatEndsWhatIsToBeGuardedLeavesNoGuardUnclosed() {
    Scope scope = ctx.scope();
    assertRefuses(
        () ->
            scope.guard(
                Noting.class,
                guarded -> {
                  scope.close();
                  return new Noting();
                }),
        "its scope was closed");
    assertEquals(List.of("guard"), closed);
    SharedTensor handle = ctx.allocSlice(1f).share();
    assertRefuses(
        () ->
            handle.guard(
                Noting.class,
                guarded -> {
                  handle.close();
                  return new Noting();
                }),
        "was released");
    assertEquals(List.of("guard", "guard"), closed);
  }

  private final class Noting extends Guard {
    @Override
    public void close() {
      closed.add("guard");
    }
  }

  @Test
  void aMakerThatAsksForTheSameGuardGetsTheOneThatStays() {
    Scope scope = ctx.scope();
    Noting[] inner = new Noting[1];
    Noting outer =
        scope.guard(
            Noting.class,
            guarded -> {
              inner[0] = scope.guard(Noting.class, again -> new Noting());
              return new Noting();
            });
    assertSame(inner[0], outer);
    assertEquals(List.of("guard"), closed, "the other one ends at once");
    scope.close();
    assertEquals(List.of("guard", "guard"), closed);
  }

  private static final class Asking extends Guard {
    private final Runnable ask;

    Asking(Runnable ask) {
      this.ask = ask;
    }

    @Override
    public void close() {
      ask.run();
    }
  }

  @Test
  void aGuardThatIsAddedWhileAHandlesGuardsCloseIsClosedToo() {
    SharedTensor handle = ctx.allocSlice(1f).share();
    handle.guard(
        Asking.class,
        guarded ->
            new Asking(
                () -> {
                  handle.guard(Noting.class, again -> new Noting());
                  handle.track(() -> closed.add("tracked"));
                  handle.close();
                }));
    handle.close();
    assertEquals(List.of("guard", "tracked"), closed);
    assertFalse(handle.isAlive());
  }

  @Test
  void whatIsReleasedIsToldWhenTheContextIsWholeAgain() {
    List<Object> seen = new ArrayList<>();
    Scope outer = ctx.scope();
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocSlice(1f);
    for (RuntimeException thrown : new RuntimeException[] {null, new IllegalStateException("it")}) {
      ctx.add(
          new Released() {
            @Override
            void released() {
              seen.add(tensor.isAlive());
              seen.add(ctx.memoryUsage());
              assertEquals(2f, ctx.allocSlice(2f).getFloat(0));
              outer.close();
              if (thrown != null) {
                throw thrown;
              }
            }
          });
    }
    scope.track(() -> {});
    scope.close();
    assertEquals(List.of(false, 0L, false, 0L), seen);
  }

  @Test
  void anErrorLeavesWhatIsToBeToldForTheNextEnd() {
    int[] told = new int[1];
    for (boolean fails : new boolean[] {false, true}) {
      ctx.add(
          new Released() {
            @Override
            void released() {
              told[0]++;
              if (fails) {
                throw new AssertionError("it");
              }
            }
          });
    }
    assertThrows(AssertionError.class, ctx::reset);
    assertEquals(1, told[0]);
    assertEquals(2f, ctx.allocSlice(2f).getFloat(0));
    ctx.reset();
    assertEquals(2, told[0]);
  }

  // ---- where the stack ends

  /** Its first close meets the end of the stack. */
  private static class Broken implements AutoCloseable {
    int closes;

    @Override
    public void close() {
      if (closes++ == 0) {
        throw new StackOverflowError();
      }
    }
  }

  private static final class BrokenAndOpen extends Broken implements OpenResource {
    @Override
    public boolean isOpen() {
      return closes < 2;
    }
  }

  @Test
  void whatSaysThatItIsOpenStillIsClosedByTheNextCall() {
    Scope scope = ctx.scope();
    Broken once = scope.track(new Broken());
    BrokenAndOpen twice = scope.track(new BrokenAndOpen());
    assertThrows(StackOverflowError.class, scope::close);
    assertTrue(scope.isOpen());
    assertEquals(0, once.closes, "the scope has not come to it");
    assertThrows(StackOverflowError.class, scope::close);
    assertFalse(scope.isOpen());
    scope.close();
    assertEquals(1, once.closes);
    assertEquals(2, twice.closes);
  }

  @Test
  void whatSaysThatItIsOpenStillKeepsAHandleOpen() {
    SharedTensor handle = ctx.allocSlice(1f).share();
    BrokenAndOpen twice = handle.track(new BrokenAndOpen());
    assertThrows(StackOverflowError.class, handle::close);
    assertTrue(handle.isOpen());
    handle.close();
    assertFalse(handle.isOpen());
    assertEquals(2, twice.closes);
  }
}
