package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.runOnThread;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** A guard is one of its class in a lifetime, is closed first when that ends, and may refuse. */
@Tag("platform")
class GuardTest {
  private final ExecutionContext ctx = ExecutionContext.open();
  private final List<String> closed = new ArrayList<>();
  private String refusal;

  @AfterEach
  void close() {
    refusal = null;
    ctx.close();
  }

  private class Noting extends Guard {
    final String name;

    Noting(String name) {
      this.name = name;
    }

    @Override
    public void close() {
      if (refusal != null) {
        throw new IllegalStateException(refusal);
      }
      closed.add(name);
    }
  }

  private final class Other extends Noting {
    Other() {
      super("other");
    }
  }

  private Noting guard(Tensor tensor, String name) {
    return tensor.guard(Noting.class, guarded -> new Noting(name));
  }

  @Test
  void thereIsOneOfEachClassForAScopeAndItsTensors() {
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocSlice(1f, 2f);
    Noting guard = scope.guard(Noting.class, guarded -> new Noting("it"));
    assertSame(guard, guard(tensor, "another"));
    assertSame(guard, guard(tensor.slice(0, 1, 2), "another"));
    assertNotSame(guard, tensor.guard(Other.class, guarded -> new Other()));
    assertSame(guard, guard(ctx.allocTemp(1), "another"));
    scope.close();
    assertEquals(List.of("other", "it"), closed);
    assertRefuses(() -> scope.guard(Other.class, guarded -> new Other()), "its scope was closed");
    Scope next = ctx.scope();
    assertNotSame(guard, next.guard(Noting.class, guarded -> new Noting("next")));
    ctx.reset();
    assertEquals(List.of("other", "it", "next"), closed);
  }

  @Test
  void anotherClassThanAskedForIsRefused() {
    Tensor tensor = ctx.allocTemp(1);
    assertRefuses(
        IllegalArgumentException.class,
        () -> tensor.guard(Noting.class, guarded -> new Other()),
        "Other");
  }

  @Test
  void itIsMadeOfWhatItGuards() {
    List<Object> guarded = new ArrayList<>();
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocTemp(1);
    scope.guard(Noting.class, it -> noted(guarded, it, new Noting("scope")));
    tensor.guard(Other.class, it -> noted(guarded, it, new Other()));
    try (SharedTensor handle = tensor.share()) {
      Tensor view = handle.reshape(Shape.of(1));
      view.guard(Noting.class, it -> noted(guarded, it, new Noting("handle")));
      assertEquals(List.of(scope, tensor, view), guarded);
    }
  }

  private static <T> T noted(List<Object> list, Object guarded, T guard) {
    list.add(guarded);
    return guard;
  }

  /** Or the guards that were made before it would be lost, and end with nothing. */
  @Test
  void oneThatGuardsSomethingElseIsRefused() {
    Noting guard = ctx.scope().guard(Noting.class, guarded -> new Noting("inner"));
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocTemp(1);
    scope.guard(Other.class, guarded -> new Other());
    assertTaken(() -> scope.guard(Noting.class, guarded -> guard));
    try (SharedTensor handle = tensor.share()) {
      assertTaken(() -> handle.guard(Noting.class, guarded -> guard));
    }
    Noting[] late = new Noting[1];
    scope.track(() -> late[0] = scope.guard(Noting.class, guarded -> new Noting("late")));
    ctx.reset();
    assertEquals(List.of("inner", "other", "late"), closed);
    assertTaken(() -> ctx.scope().guard(Noting.class, guarded -> guard));
    assertTaken(() -> ctx.scope().guard(Noting.class, guarded -> late[0]));
  }

  private static void assertTaken(Executable ask) {
    assertRefuses(IllegalArgumentException.class, ask, "already");
  }

  @Test
  void itIsClosedBeforeWhatIsTrackedWhileTensorsAreAlive() {
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocSlice(1f);
    ctx.track(() -> closed.add("tracked, alive " + tensor.isAlive()));
    guard(tensor, "guard");
    ctx.track(() -> closed.add("tracked later"));
    scope.close();
    assertEquals(List.of("guard", "tracked later", "tracked, alive true"), closed);
  }

  @Test
  void whileItRefusesNothingEnds() {
    Scope outer = ctx.scope();
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocSlice(1f);
    guard(tensor, "guard");
    scope.track(() -> closed.add("tracked"));
    long used = ctx.memoryUsage();
    refusal = "not now";
    assertRefuses(scope::close, "not now");
    assertRefuses(outer::close, "not now");
    assertRefuses(ctx::reset, "not now");
    assertRefuses(ctx::close, "not now");
    assertRefuses(() -> scope.closeKeeping(tensor), "not now");
    assertEquals(List.of(), closed);
    assertEquals(1f, tensor.getFloat(0));
    assertEquals(used, ctx.memoryUsage());
    refusal = null;
    scope.close();
    assertEquals(List.of("guard", "tracked"), closed);
    assertFalse(tensor.isAlive());
  }

  @Test
  void allGuardsAreAskedBeforeAnythingInsideEnds() {
    Scope outer = ctx.scope();
    guard(ctx.allocSlice(1f), "guard");
    Scope inner = ctx.scope();
    Tensor tensor = ctx.allocSlice(1f);
    inner.guard(Other.class, guarded -> new Other());
    inner.track(() -> closed.add("tracked"));
    Scope innermost = ctx.scope();
    refusal = "not now";
    assertRefusesClose(outer);
    assertEquals(List.of(), closed);
    assertTrue(tensor.isAlive());
    innermost.track(() -> {});
    assertTrue(ctx.allocSlice(1f).isAlive());
    refusal = null;
    outer.close();
    assertEquals(List.of("guard", "other", "tracked"), closed);
    assertFalse(tensor.isAlive());
    assertEquals(0, ctx.memoryUsage());
  }

  @Test
  void aFailureBeforeARefusalIsNotLost() {
    Scope outer = ctx.scope();
    Tensor tensor = ctx.allocSlice(1f);
    outer.track(
        () -> {
          guard(tensor, "guard");
          refusal = "not now";
          throw new IllegalArgumentException("tracked");
        });
    assertRefusesClose(outer);
    assertTrue(tensor.isAlive());
    refusal = null;
    assertRefuses(IllegalArgumentException.class, outer::close, "tracked"); // all is closed now
    assertEquals(List.of("guard"), closed);
    outer.close();
    assertEquals(0, ctx.memoryUsage());
  }

  private static IllegalStateException assertRefusesClose(Scope scope) {
    return assertRefuses(IllegalStateException.class, scope::close, "not now");
  }

  @Test
  void oneThatIsAskedForWhileTheScopeEndsIsClosedWithIt() {
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocSlice(1f);
    ctx.track(() -> guard(tensor, "late"));
    scope.close();
    assertEquals(List.of("late"), closed);
  }

  @Test
  void aGuardThatEndsItsScopeItselfDoesNothing() {
    Scope scope = ctx.scope();
    scope.guard(Resource.class, guarded -> new Resource(guarded::close));
    scope.close();
    assertEquals(ctx.scope().parent, scope.parent);
  }

  private static final class Resource extends Guard {
    private final Runnable action;

    Resource(Runnable action) {
      this.action = action;
    }

    @Override
    public void close() {
      action.run();
    }
  }

  @Test
  void anErrorRefusesToo() {
    Scope scope = ctx.scope();
    boolean[] refuses = {true};
    scope.guard(
        Resource.class,
        guarded ->
            new Resource(
                () -> {
                  if (refuses[0]) {
                    throw new AssertionError("no");
                  }
                }));
    assertRefuses(AssertionError.class, scope::close, "no");
    assertRefuses(AssertionError.class, ctx::close, "no");
    refuses[0] = false;
    scope.close();
  }

  @Test
  void aHandleHasItsOwnWhichMayStillUseIt() throws Exception {
    Tensor tensor = ctx.allocSlice(1f, 2f);
    SharedTensor handle = tensor.share();
    Noting guard = guard(handle, "handle");
    assertNotSame(guard, guard(tensor, "scope"));
    assertSame(guard, guard(handle.slice(0, 0, 1), "another"));
    SharedTensor[] hold = new SharedTensor[1];
    handle.guard(Resource.class, guarded -> new Resource(() -> hold[0] = guarded.share()));
    handle.track(() -> closed.add("tracked"));
    ctx.reset();
    assertEquals(List.of("scope"), closed);
    refusal = "not now";
    assertRefuses(handle::close, "not now");
    assertTrue(handle.isAlive());
    hold[0].close();
    refusal = null;
    handle.guard(Resource.class, guarded -> new Resource(() -> hold[0] = guarded.share()));
    runOnThread("releaser", handle::close);
    assertEquals(List.of("scope", "handle", "tracked"), closed);
    handle.close();
    assertArrayEquals(new float[] {1, 2}, hold[0].toFloatArray(), "kept by what the guard took");
    hold[0].close();
  }

  @Test
  void aHoldThatAGuardTakesMakesMutableCopy() {
    SharedTensor[] hold = new SharedTensor[1];
    SharedTensor handle = ctx.allocSlice(1f).share();
    ctx.reset();
    handle.guard(Resource.class, guarded -> new Resource(() -> hold[0] = guarded.share()));
    handle.mutable(ctx).setFloat(2f, 0);
    assertFalse(handle.isAlive());
    assertEquals(1f, hold[0].getFloat(0));
    SharedTensor alone = hold[0];
    guard(alone, "consumed");
    assertEquals(alone.address(), alone.mutable(ctx).address());
    assertEquals(List.of("consumed"), closed);
  }
}
