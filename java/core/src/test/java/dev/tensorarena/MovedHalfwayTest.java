package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.runOnThread;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Contexts in transit whose end is refused, and ends that an error has left half done. */
class MovedHalfwayTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  private static final class InUse extends Guard {
    boolean refuses = true;

    @Override
    public void close() {
      if (refuses) {
        throw new IllegalStateException("in use");
      }
    }
  }

  @Test
  void whatAGuardKeepsFromClosingInTransitIsAsDetachedAsBefore() throws Exception {
    Tensor tensor = ctx.allocSlice(1f);
    SharedTensor shared = tensor.share();
    InUse guard = new InUse();
    ctx.track(() -> tensor.guard(InUse.class, guarded -> guard));
    DetachedContext moving = ctx.detach();
    assertRefuses(moving::close, "in use");
    assertTrue(moving.isOpen());
    assertRefuses(() -> tensor.fill(2f), "is in transit");
    guard.refuses = false;
    runOnThread(
        "next",
        () -> {
          assertSame(ctx, moving.attach());
          shared.share().close();
          assertFalse(moving.isOpen());
          ctx.close();
        });
    assertFalse(tensor.isAlive());
    shared.close();
  }

  @Test
  void aDeadScopeStaysDeadOnItsWay() {
    Scope scope = ctx.scope();
    scope.die(End.SCOPE); // all that an error has let it come to
    ctx.moveTo(Thread.currentThread());
    assertFalse(scope.isOpen());
    assertEquals(0, ctx.memoryUsage(), "it is completed by the next call");
  }

  @Test
  void aContextThatIsBeingClosedHasNoFigures() throws Exception {
    ctx.allocSlice(1f);
    ctx.current.die(End.CLOSE);
    runOnThread("monitor", () -> assertRefuses(ctx::arenaStats, "is closed"));
    runOnThread("monitor", () -> assertRefuses(ctx::memoryUsage, "is closed"));
  }

  @Test
  void anotherThreadDoesNotCompleteAnEnd() throws Exception {
    Scope scope = ctx.scope();
    ctx.allocSlice(1f);
    scope.die(End.SCOPE);
    runOnThread("another", scope::close);
    assertSame(scope, ctx.current);
    scope.close();
    assertEquals(0, ctx.memoryUsage());
  }
}
