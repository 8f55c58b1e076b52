package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Every public method of a dead tensor throws and says what ended it. Methods are enumerated, so
 * one that is added later is tested by itself; so are the ways to die.
 */
class LivenessGateTest {
  /** What never throws, since debuggers call it. */
  private static final Set<String> EXEMPT =
      Set.of("toString", "equals", "hashCode", "dtype", "shape", "isAlive", "isOpen", "close");

  /** Throws on a wrong thread, gives null for a dead tensor. */
  private static final String NULL_WHEN_DEAD = "tryShare";

  /** Makes a tensor and lets it die; the context is open for arguments. */
  private record Death(
      String name, String reason, BiFunction<ExecutionContext, Calls.Kind, Tensor> kill) {}

  private static final List<Death> DEATHS =
      List.of(
          new Death("scope closed", "its scope was closed", LivenessGateTest::inClosedScope),
          new Death(
              "outer scope closed",
              "its scope was closed",
              (ctx, kind) -> {
                Scope outer = ctx.scope();
                ctx.scope();
                Tensor tensor = kind.in(ctx);
                outer.close();
                return tensor;
              }),
          new Death(
              "view of a dead tensor",
              "its scope was closed",
              (ctx, kind) -> {
                Scope scope = ctx.scope();
                Tensor view = kind.in(ctx).transpose();
                scope.close();
                return view;
              }),
          new Death(
              "scope closed but for another",
              "its scope was closed",
              (ctx, kind) -> {
                Scope scope = ctx.scope();
                Tensor tensor = kind.in(ctx);
                scope.closeKeeping(ctx.allocTemp(1f));
                return tensor;
              }),
          new Death(
              "kept, old handle",
              "its scope was closed",
              (ctx, kind) -> {
                Scope scope = ctx.scope();
                Tensor tensor = kind.in(ctx);
                scope.closeKeeping(tensor);
                return tensor;
              }),
          new Death(
              "context reset",
              "its context was reset",
              (ctx, kind) -> {
                Tensor tensor = kind.in(ctx);
                ctx.reset();
                return tensor;
              }),
          new Death(
              "context reset with a scope open",
              "its context was reset",
              (ctx, kind) -> {
                ctx.scope();
                Tensor tensor = kind.in(ctx);
                ctx.reset();
                return tensor;
              }),
          new Death(
              "context closed",
              "its context was closed",
              (ctx, kind) -> {
                try (ExecutionContext another = ExecutionContext.open()) {
                  return kind.in(another);
                }
              }),
          new Death(
              "shared original",
              "its scope was closed",
              (ctx, kind) -> {
                Scope scope = ctx.scope();
                Tensor tensor = kind.in(ctx);
                ctx.track(tensor.share());
                scope.close();
                return tensor;
              }),
          new Death(
              "wrapped memory gone",
              "the memory that it wraps has gone",
              LivenessGateTest::overMemoryThatGoes),
          new Death(
              "part closed",
              "its part was closed, part 0 of a ",
              (ctx, kind) -> {
                TensorPart part = kind.in(ctx).split(0, 1).get(0);
                Tensor tensor = part.tensor();
                part.close();
                return tensor;
              }),
          new Death(
              "view of a part closed",
              "its part was closed, part 0 of a ",
              (ctx, kind) -> {
                try (TensorPart part = kind.in(ctx).split(0, 1).get(0)) {
                  return part.tensor().transpose();
                }
              }),
          new Death(
              "handle released", "its shared handle was released", LivenessGateTest::released),
          new Death(
              "handle released after its scope",
              "its shared handle was released",
              (ctx, kind) -> {
                Scope scope = ctx.scope();
                SharedTensor handle = kind.in(ctx).share();
                scope.close();
                handle.close();
                return handle;
              }),
          new Death(
              "view of a released handle",
              "its shared handle was released",
              (ctx, kind) -> {
                SharedTensor handle = kind.in(ctx).share();
                Tensor view = handle.transpose();
                handle.close();
                return view;
              }),
          new Death(
              "handle consumed",
              "its shared handle was released",
              (ctx, kind) -> {
                SharedTensor handle = kind.in(ctx).share();
                handle.mutable(ctx);
                return handle;
              }));

  private static Tensor inClosedScope(ExecutionContext ctx, Calls.Kind kind) {
    Scope scope = ctx.scope();
    Tensor tensor = kind.in(ctx);
    scope.close();
    return tensor;
  }

  private static Tensor overMemoryThatGoes(ExecutionContext ctx, Calls.Kind kind) {
    boolean[] alive = {true};
    ForeignMemory memory =
        new BufferMemory(kind.dtype().byteSize()) {
          @Override
          public boolean isAlive() {
            return alive[0];
          }
        };
    Tensor tensor = ctx.wrap(memory, kind.dtype(), kind.shape());
    alive[0] = false;
    return tensor;
  }

  private static Tensor released(ExecutionContext ctx, Calls.Kind kind) {
    SharedTensor handle = kind.in(ctx).share();
    handle.close();
    return handle;
  }

  private static Stream<Method> gated() {
    return Calls.methods(SharedTensor.class).filter(method -> !EXEMPT.contains(method.getName()));
  }

  /** The first kind of tensor on which the method works, so that its arguments are good. */
  private static Calls.Kind kindFor(Method method) {
    List<Throwable> failures = new ArrayList<>();
    for (Calls.Kind kind : Calls.KINDS) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = kind.in(ctx);
        Object result = Calls.call(method, tensor, tensor, ctx);
        if (result instanceof OpenResource && result != tensor) {
          ((OpenResource) result).close();
        }
        return kind;
      } catch (Throwable e) {
        failures.add(e);
      }
    }
    return fail("no kind of tensor is accepted by " + method + ", see " + failures);
  }

  @TestFactory
  Stream<DynamicTest> everyMethodOfADeadTensorSaysWhatEndedIt() {
    return gated()
        .filter(method -> !method.getName().equals(NULL_WHEN_DEAD))
        .map(method -> dynamicTest(method.toString(), () -> assertGated(method)));
  }

  private static void assertGated(Method method) {
    Calls.Kind kind = kindFor(method);
    for (Death death : DEATHS) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = death.kill().apply(ctx, kind);
        assertRefuses(
            () -> Calls.call(method, tensor, tensor, ctx), "is dead: " + death.reason(), "tensor");
      }
    }
  }

  @TestFactory
  Stream<DynamicTest> everyMethodOfAnUnsharedTensorNamesBothThreadsOnAnother() {
    return gated()
        .map(
            method ->
                dynamicTest(
                    method.toString(),
                    () -> {
                      Calls.Kind kind = kindFor(method);
                      try (ExecutionContext ctx = ExecutionContext.open()) {
                        Tensor tensor = kind.in(ctx);
                        Tensor view = tensor.transpose();
                        tensor.share().close();
                        TestSupport.runOnThread(
                            "stranger",
                            () -> {
                              assertStranger(method, tensor);
                              assertStranger(method, view);
                            });
                      }
                    }));
  }

  private static void assertStranger(Method method, Tensor tensor) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      assertRefuses(() -> Calls.call(method, tensor, tensor, ctx), "\"main\"", "\"stranger\"");
    }
  }

  @Test
  void whatDebuggersCallNeverThrows() throws Exception {
    for (Death death : DEATHS) {
      Tensor tensor;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        tensor = death.kill().apply(ctx, new Calls.Kind(DType.INT16, Shape.of(1)));
        assertDescribed(tensor);
      }
      TestSupport.runOnThread("stranger", () -> assertDescribed(tensor));
    }
  }

  private static void assertDescribed(Tensor tensor) {
    assertTrue(tensor.toString().startsWith("INT16 tensor of shape [1]"), tensor::toString);
    assertTrue(tensor.toString().endsWith(", dead"), tensor::toString);
    assertEquals(tensor, tensor);
    assertEquals(System.identityHashCode(tensor), tensor.hashCode());
    assertEquals(DType.INT16, tensor.dtype());
    assertEquals(Shape.of(1), tensor.shape());
    assertFalse(tensor.isAlive());
    if (tensor instanceof SharedTensor) {
      assertDoesNotThrow(((SharedTensor) tensor)::close);
    }
  }

  @Test
  void tryShareOfADeadTensorGivesNull() {
    for (Death death : DEATHS) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = death.kill().apply(ctx, Calls.KINDS.get(0));
        assertNull(tensor.tryShare(), death.name());
      }
    }
  }

  @Test
  void aDeadTensorIsRefusedAsAnArgument() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Calls.Kind kind = Calls.KINDS.get(0);
      Tensor dead = inClosedScope(ctx, kind);
      Tensor alive = kind.in(ctx);
      assertRefuses(() -> alive.copyFrom(dead), "is dead");
      assertRefuses(() -> alive.contentEquals(dead), "is dead");
      assertRefuses(() -> ctx.allocTemp(1L).contentEquals(dead), "is dead");
      assertRefuses(() -> alive.mismatch(dead), "is dead");
      Scope scope = ctx.scope();
      assertRefuses(() -> scope.closeKeeping(dead), "is dead");
      scope.close();
    }
  }

  @Test
  void aClosedContextIsRefusedAsAnArgument() {
    ExecutionContext closed = ExecutionContext.open();
    closed.close();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.zeros(DType.INT8, 2, 2);
      assertRefuses(() -> tensor.copy(closed), "is closed");
      assertRefuses(() -> tensor.contiguous(closed), "is closed");
      assertRefuses(() -> tensor.transpose().contiguous(closed), "is closed");
      assertRefuses(() -> tensor.mutable(closed), "is closed");
      SharedTensor shared = tensor.share();
      assertRefuses(() -> shared.mutable(closed), "is closed");
      assertTrue(shared.isAlive(), "not consumed");
      shared.close();
    }
  }

  @Test
  void aTensorLivesAsLongAsItsOwnScope() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor outer = ctx.allocSlice(1f);
      Scope scope = ctx.scope();
      Tensor view = outer.reshape(Shape.of(1, 1));
      scope.close();
      assertTrue(outer.isAlive());
      assertEquals(1f, view.getFloat(0, 0), "a view lives as long as its source");
    }
  }
}
