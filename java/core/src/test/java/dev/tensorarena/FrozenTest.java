package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.lang.reflect.Method;
import java.nio.Buffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Shared means frozen, for good. */
@Tag("platform")
class FrozenTest {
  private static Stream<Method> methodsThatBegin(String prefixes) {
    return Calls.methods(Tensor.class).filter(method -> method.getName().matches(prefixes));
  }

  /** Kinds of tensors that the method accepts, each in a context of its own. */
  private static List<Calls.Kind> kindsFor(Method method) {
    List<Calls.Kind> kinds = new ArrayList<>();
    for (Calls.Kind kind : Calls.KINDS) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = kind.in(ctx);
        Calls.call(method, tensor, tensor, ctx);
        kinds.add(kind);
      } catch (Throwable e) {
        continue;
      }
    }
    assertFalse(kinds.isEmpty());
    return kinds;
  }

  @TestFactory
  Stream<DynamicTest> everyWriterOfASharedTensorThrows() {
    return methodsThatBegin("(set|fill|copyFrom).*")
        .map(method -> dynamicTest(method.toString(), () -> assertFrozen(method)));
  }

  private static void assertFrozen(Method method) {
    for (Calls.Kind kind : kindsFor(method)) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = kind.in(ctx);
        Tensor earlierView = tensor.transpose();
        SharedTensor shared = tensor.share();
        SharedTensor other = shared.share();
        for (Tensor any :
            List.of(tensor, earlierView, tensor.transpose(), shared, shared.transpose(), other)) {
          assertFalse(any.isWritable());
          assertRefuses(() -> Calls.call(method, any, any, ctx), "is frozen", "mutable(ctx)");
        }
        shared.close();
        other.close();
        assertRefuses(() -> Calls.call(method, tensor, tensor, ctx), "is frozen");
        assertRefuses(() -> Calls.call(method, earlierView, tensor, ctx), "is frozen");
      }
    }
  }

  @TestFactory
  Stream<DynamicTest> everyRawViewOfASharedTensorIsReadOnly() {
    return methodsThatBegin("as[A-Z].*Buffer")
        .map(
            method ->
                dynamicTest(
                    method.toString(),
                    () -> {
                      for (Calls.Kind kind : kindsFor(method)) {
                        assertViewsReadOnly(method, kind);
                      }
                    }));
  }

  private static void assertViewsReadOnly(Method method, Calls.Kind kind) throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = kind.in(ctx);
      Buffer before = (Buffer) method.invoke(tensor);
      assertFalse(before.isReadOnly());
      SharedTensor shared = tensor.share();
      for (Tensor any : List.of(tensor, tensor.transpose(), shared, shared.transpose())) {
        assertTrue(((Buffer) method.invoke(any)).isReadOnly());
      }
      assertFalse(before.isReadOnly(), "what was taken before stays as it is");
      shared.close();
      assertTrue(((Buffer) method.invoke(tensor)).isReadOnly());
    }
  }

  @Test
  void allThatIsShownIsFrozenWhateverOtherHoldersDoLater() throws Exception {
    SharedTensor last;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(1f);
      SharedTensor first = tensor.share();
      last = tensor.share();
      TestSupport.runOnThread("consumer", first::close);
      assertFalse(tensor.isWritable());
      assertFalse(last.isWritable());
    }
    assertFalse(last.isWritable(), "the only holder, and still frozen");
    assertRefuses(() -> last.setFloatAt(0, 2f), "is frozen");
    last.close();
  }

  /** The documented exception, for workers that fill disjoint parts while the owner waits. */
  @Test
  void aRawViewTakenBeforeTheFirstShareStaysWritable() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.zeros(DType.FLOAT32, 4);
      FloatBuffer low = tensor.slice(0, 0, 2).asFloatBuffer();
      FloatBuffer high = tensor.slice(0, 2, 4).asFloatBuffer();
      SharedTensor shared = tensor.share();
      TestSupport.runOnThread("worker 1", () -> low.put(0, 1f).put(1, 2f));
      TestSupport.runOnThread("worker 2", () -> high.put(0, 3f).put(1, 4f));
      assertEquals(FloatBuffer.wrap(new float[] {1, 2, 3, 4}), shared.asFloatBuffer());
      shared.close();
    }
  }

  @Test
  void otherTensorsOfTheScopeStayWritable() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(1f);
      Tensor neighbour = ctx.allocSlice(2f);
      tensor.share().close();
      neighbour.setFloat(5f, 0);
      assertEquals(5f, neighbour.getFloat(0));
      assertTrue(neighbour.isWritable());
    }
  }

  @Test
  void aFailedTryShareFreezesNothing() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      SharedTensor shared;
      Scope scope = ctx.scope();
      shared = ctx.allocSlice(1f).share();
      scope.close();
      Tensor writable = shared.mutable(ctx);
      shared.tryShare();
      assertTrue(writable.isWritable());
    }
  }
}
