package dev.tensorarena.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.DetachedContext;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Scope;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPart;
import dev.tensorarena.TensorParts;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** When a value ends: ours first, theirs first, on other threads. */
class LifetimeTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  private static OnnxTensor value(Tensor tensor) {
    try {
      return OnnxTensors.createTensor(Models.ENVIRONMENT, tensor);
    } catch (OrtException e) {
      throw new AssertionError(e);
    }
  }

  private static void elsewhere(Runnable task) {
    CompletableFuture.runAsync(task).join();
  }

  private static void assertEnded(OnnxTensor value) {
    assertTrue(value.isClosed());
    assertThrows(IllegalStateException.class, value::getValue);
    assertThrows(IllegalStateException.class, value::getByteBuffer);
  }

  // ---- of a scope

  @Test
  void aValueEndsBeforeTheBytesWhenTheScopeDoes() {
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocSlice(1f);
    List<Boolean> seen = new ArrayList<>();
    List<OnnxTensor> values = new ArrayList<>();
    scope.track(
        () -> {
          seen.add(tensor.isAlive());
          values.forEach(value -> seen.add(value.isClosed()));
        });
    for (int i = 0; i < 3; i++) {
      values.add(value(tensor));
    }
    scope.close();
    assertEquals(List.of(true, true, true, true), seen);
    values.forEach(LifetimeTest::assertEnded);
  }

  @Test
  void aValueEndsWithResetCloseAndTheScopeItsTensorIsOf() {
    OnnxTensor outer = value(ctx.allocSlice(1f));
    Scope scope = ctx.scope();
    OnnxTensor inner = value(ctx.allocSlice(1f));
    scope.close();
    assertEnded(inner);
    assertFalse(outer.isClosed());
    ctx.reset();
    assertEnded(outer);
    OnnxTensor last = value(ctx.allocSlice(1f));
    ctx.close();
    assertEnded(last);
  }

  /** ONNX Runtime warns of what is closed twice, which fails every test here. */
  @Test
  void aValueThatItsUserHasClosedIsLeftAlone() throws Exception {
    Tensor tensor = ctx.allocSlice(1f);
    OnnxTensor first = value(tensor);
    first.close();
    OnnxTensor second = value(tensor);
    elsewhere(second::close);
    assertTrue(tensor.isWritable());
    OnnxTensor third = value(tensor);
    ctx.close();
    assertEnded(third);
    third.close();
    assertEquals(List.of("Closing an already closed tensor."), NoSecondClose.warnings());
  }

  @Test
  void aValueDoesNotKeepTheBytes() {
    Tensor tensor = ctx.allocSlice(1f);
    long address = tensor.address();
    OnnxTensor open = value(tensor);
    assertEquals(0, ChunkPool.stats().pinnedChunks());
    ctx.reset();
    assertEquals(address, ctx.allocSlice(1f).address());
    assertEnded(open);
  }

  @Test
  void aKeptResultIsHandedOverAgain() throws Exception {
    Scope scope = ctx.scope();
    Tensor y = ctx.empty(DType.FLOAT32, 2);
    OnnxTensor output = OnnxTensors.createOutput(Models.ENVIRONMENT, y);
    try (OrtSession session = Models.identity(Models.FLOAT);
        OnnxTensor input = value(ctx.allocSlice(3f, 4f))) {
      session.run(Map.of("x", input), Map.of("y", output)).close();
    }
    Tensor kept = scope.closeKeeping(y);
    assertEnded(output);
    try (OnnxTensor again = value(kept)) {
      assertEquals(4f, ((float[]) again.getValue())[1]);
    }
  }

  @Test
  void aValueThatIsMadeWhileTheScopeEndsEndsWithIt() {
    List<OnnxTensor> late = new ArrayList<>();
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocSlice(1f);
    scope.track(() -> late.add(value(tensor)));
    value(tensor);
    scope.close();
    assertEnded(late.get(0));
  }

  @Test
  void aValueGoesWithADetachedContextAndEndsOnTheThreadThatClosesIt() {
    Tensor tensor = ctx.allocSlice(1f, 2f);
    OnnxTensor before = value(tensor);
    DetachedContext moving = ctx.detach();
    elsewhere(
        () -> {
          ExecutionContext here = moving.attach();
          assertFalse(before.isClosed());
          OnnxTensor after = value(tensor);
          here.close();
          assertEnded(after);
        });
    assertEnded(before);
  }

  @Test
  void aValueOfAPartEndsWithIt() {
    Tensor tensor = ctx.zeros(DType.FLOAT32, 4, 2);
    OnnxTensor ofPart;
    try (TensorParts parts = tensor.split(0, 2)) {
      TensorPart first = parts.get(0);
      ofPart = value(first.tensor());
      first.close();
      assertEnded(ofPart);
      parts.get(1).close();
    }
    value(tensor).close();
  }

  // ---- of a shared handle

  @Test
  void aValueOfASharedHandleEndsWithItOnWhicheverThread() {
    Tensor tensor = ctx.allocSlice(1f, 2f);
    SharedTensor handle = tensor.share();
    SharedTensor other = tensor.share();
    OnnxTensor ofTensor = value(tensor);
    OnnxTensor ofHandle = value(handle);
    OnnxTensor ofView = value(handle.slice(0, 1, 2));
    ctx.close();
    assertEnded(ofTensor);
    elsewhere(
        () -> {
          OnnxTensor ofOther = value(other);
          assertFalse(ofHandle.isClosed() || ofView.isClosed());
          handle.close();
          assertEnded(ofHandle);
          assertEnded(ofView);
          assertFalse(ofOther.isClosed());
          other.close();
          assertEnded(ofOther);
        });
    assertEquals(0, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void aHandleThatBecomesWritableEndsItsValues() {
    SharedTensor handle = ctx.allocSlice(1f, 2f).share();
    OnnxTensor frozen = value(handle);
    Tensor mutable = handle.mutable(ctx);
    assertEnded(frozen);
    assertTrue(mutable.isWritable());
  }

  /** Such as a table that is an input of each query, and lives as long as the program. */
  @Test
  void aHandleThatLivesLongDoesNotCollectWhatItsUserHasClosed() throws Exception {
    SharedTensor handle = ctx.allocSlice(1f).share();
    List<OnnxTensor> open = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      WeakReference<OnnxTensor> closed = closedAmongMany(handle);
      while (closed.get() != null) { // for ever, if it is kept
        System.gc();
        Thread.sleep(1);
      }
      for (int j = 0; j < 50; j++) {
        open.add(value(handle));
      }
    }
    open.forEach(value -> assertFalse(value.isClosed()));
    handle.close();
    open.forEach(LifetimeTest::assertEnded);
  }

  private static WeakReference<OnnxTensor> closedAmongMany(Tensor tensor) {
    OnnxTensor first = value(tensor);
    first.close();
    for (int i = 0; i < 1000; i++) {
      value(tensor).close();
    }
    return new WeakReference<>(first);
  }

  @Test
  void whatIsMadeWhileAnotherThreadClosesTheHandleIsClosed() throws Exception {
    for (int round = 0; round < 300; round++) {
      SharedTensor handle = ctx.allocSlice(1f).share();
      CyclicBarrier start = new CyclicBarrier(3);
      List<CompletableFuture<List<OnnxTensor>>> makers = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        makers.add(CompletableFuture.supplyAsync(() -> untilRefused(handle, start)));
      }
      start.await();
      handle.close();
      List<OnnxTensor> made = new ArrayList<>();
      for (CompletableFuture<List<OnnxTensor>> maker : makers) {
        made.addAll(maker.get());
      }
      ctx.reset(); // where its owner's thread looks for what it has missed
      made.forEach(value -> assertTrue(value.isClosed()));
    }
  }

  private static List<OnnxTensor> untilRefused(SharedTensor handle, CyclicBarrier start) {
    List<OnnxTensor> made = new ArrayList<>();
    try {
      start.await();
      while (true) {
        made.add(OnnxTensors.createTensor(Models.ENVIRONMENT, handle));
      }
    } catch (IllegalStateException e) {
      return made; // it has ended
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  // ---- on other threads

  @Test
  void anotherThreadRunsWithTheValuesOfOurTensors() throws Exception {
    Tensor y = ctx.empty(DType.FLOAT32, 2);
    try (OrtSession session = Models.identity(Models.FLOAT)) {
      OnnxTensor input = value(ctx.allocSlice(3f, 4f));
      OnnxTensor output = OnnxTensors.createOutput(Models.ENVIRONMENT, y);
      elsewhere(
          () -> {
            try {
              session.run(Map.of("x", input), Map.of("y", output)).close();
            } catch (OrtException e) {
              throw new AssertionError(e);
            }
            input.close();
            output.close();
          });
      assertEquals(4f, y.getFloatAt(1));
    }
  }
}
