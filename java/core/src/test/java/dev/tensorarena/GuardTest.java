package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.runOnThread;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A guard is one of its class in a lifetime, is closed first when that ends, and may refuse. */
class GuardTest {
  private final ExecutionContext ctx = ExecutionContext.open();
  private final List<String> closed = new ArrayList<>();
  private String refusal;

  @AfterEach
  void close() {
    refusal = null;
    ctx.close();
  }

  private class Noting implements AutoCloseable {
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
    return tensor.guard(Noting.class, () -> new Noting(name));
  }

  @Test
  void thereIsOneOfEachClassForAScopeAndItsTensors() {
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocSlice(1f, 2f);
    Noting guard = scope.guard(Noting.class, () -> new Noting("it"));
    assertSame(guard, guard(tensor, "another"));
    assertSame(guard, guard(tensor.slice(0, 1, 2), "another"));
    assertNotSame(guard, tensor.guard(Other.class, Other::new));
    assertSame(guard, guard(ctx.allocTemp(1), "another"));
    scope.close();
    assertEquals(List.of("other", "it"), closed);
    assertRefuses(() -> scope.guard(Other.class, Other::new), "its scope was closed");
    Scope next = ctx.scope();
    assertNotSame(guard, next.guard(Noting.class, () -> new Noting("next")));
    ctx.reset();
    assertEquals(List.of("other", "it", "next"), closed);
  }

  @Test
  void anotherClassThanAskedForIsRefused() {
    Tensor tensor = ctx.allocTemp(1);
    assertRefuses(
        IllegalArgumentException.class, () -> tensor.guard(Noting.class, Other::new), "Other");
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
  void whatEndedBeforeTheRefusalStaysEndedAndItsFailureIsNotLost() {
    Scope outer = ctx.scope();
    guard(ctx.allocSlice(1f), "guard");
    ctx.scope();
    Tensor inner = ctx.allocSlice(1f);
    ctx.track(
        () -> {
          throw new IllegalArgumentException("inner");
        });
    refusal = "not now";
    IllegalStateException thrown = assertRefusesClose(outer);
    assertEquals("inner", thrown.getSuppressed()[0].getMessage());
    assertFalse(inner.isAlive());
    refusal = null;
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
    scope.guard(Resource.class, () -> new Resource(scope::close));
    scope.close();
    assertEquals(ctx.scope().parent, scope.parent);
  }

  private interface Action {
    void run() throws IOException;
  }

  private record Resource(Action action) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      action.run();
    }
  }

  @Test
  void aCheckedExceptionComesInsideAnUncheckedOne() {
    Scope scope = ctx.scope();
    boolean[] refuses = {true};
    scope.guard(
        Resource.class,
        () ->
            new Resource(
                () -> {
                  if (refuses[0]) {
                    throw new IOException("no");
                  }
                }));
    assertRefuses(scope::close, "no");
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
    handle.guard(Resource.class, () -> new Resource(() -> hold[0] = handle.share()));
    handle.track(() -> closed.add("tracked"));
    ctx.reset();
    assertEquals(List.of("scope"), closed);
    refusal = "not now";
    assertRefuses(handle::close, "not now");
    assertTrue(handle.isAlive());
    hold[0].close();
    refusal = null;
    handle.guard(Resource.class, () -> new Resource(() -> hold[0] = handle.share()));
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
    handle.guard(Resource.class, () -> new Resource(() -> hold[0] = handle.share()));
    handle.mutable(ctx).setFloat(2f, 0);
    assertFalse(handle.isAlive());
    assertEquals(1f, hold[0].getFloat(0));
    SharedTensor alone = hold[0];
    guard(alone, "consumed");
    assertEquals(alone.address(), alone.mutable(ctx).address());
    assertEquals(List.of("consumed"), closed);
  }
}
