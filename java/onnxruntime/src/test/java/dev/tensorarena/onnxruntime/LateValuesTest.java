package dev.tensorarena.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.OpenResource;
import dev.tensorarena.Scope;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.Test;

/** Values that are asked for while what closes them is going on: closed by it, each of them. */
class LateValuesTest {
  private static final long LONG_ENOUGH_MILLIS = 60_000;

  private interface Task {
    void run() throws Exception;
  }

  /** Runs something that, without its mend, never returns. */
  private static void withoutWaiting(Task task) throws Exception {
    CompletableFuture<Void> done = new CompletableFuture<>();
    Thread runner =
        new Thread(
            () -> {
              try {
                task.run();
                done.complete(null);
              } catch (Throwable e) {
                done.completeExceptionally(e);
              }
            });
    runner.setDaemon(true);
    runner.start();
    runner.join(LONG_ENOUGH_MILLIS);
    assertTrue(done.isDone(), "a value was asked for, and waits for ever");
    done.get();
  }

  private static OnnxTensor value(Tensor tensor) {
    try {
      return OnnxTensors.createTensor(Models.ENVIRONMENT, tensor);
    } catch (OrtException e) {
      throw new AssertionError(e);
    }
  }

  private static void assertAllClosed(int count, List<OnnxTensor> values) {
    assertEquals(count, values.size());
    values.forEach(value -> assertTrue(value.isClosed()));
  }

  @Test
  void severalResourcesOfAScopeAskForOneEachAsTheyAreClosed() throws Exception {
    withoutWaiting(
        () -> {
          try (ExecutionContext ctx = ExecutionContext.open()) {
            List<OnnxTensor> late = new ArrayList<>();
            Scope scope = ctx.scope();
            Tensor tensor = ctx.allocSlice(1f);
            for (int i = 0; i < 3; i++) {
              scope.track(() -> late.add(value(tensor)));
            }
            late.add(value(tensor));
            scope.close();
            assertAllClosed(4, late);
          }
        });
  }

  @Test
  void severalResourcesOfAHandleAskForOneEachAsTheyAreClosed() throws Exception {
    withoutWaiting(
        () -> {
          try (ExecutionContext ctx = ExecutionContext.open()) {
            List<OnnxTensor> late = new ArrayList<>();
            SharedTensor handle = ctx.allocSlice(1f).share();
            for (int i = 0; i < 3; i++) {
              handle.track(() -> late.add(value(handle)));
            }
            handle.close();
            assertAllClosed(3, late);
            assertThrows(IllegalStateException.class, () -> value(handle));
          }
          assertEquals(0, ChunkPool.stats().pinnedChunks());
        });
  }

  /** The closing thread waits for the other one, as a resource does that ends a worker. */
  @Test
  void anotherThreadAsksForOneWhileAResourceThatIsClosedWaitsForIt() throws Exception {
    withoutWaiting(
        () -> {
          try (ExecutionContext ctx = ExecutionContext.open()) {
            List<OnnxTensor> late = new ArrayList<>();
            SharedTensor handle = ctx.allocSlice(1f).share();
            for (int i = 0; i < 3; i++) {
              handle.track(() -> CompletableFuture.runAsync(() -> late.add(value(handle))).join());
            }
            handle.close();
            assertAllClosed(3, late);
          }
        });
  }

  @Test
  void whoHasLockedAValueAndAsksForAnotherOneWhileTheHandleIsClosedIsRefused() throws Exception {
    withoutWaiting(
        () -> {
          try (ExecutionContext ctx = ExecutionContext.open()) {
            SharedTensor handle = ctx.allocSlice(1f).share();
            CompletableFuture<OnnxTensor> first = new CompletableFuture<>();
            CyclicBarrier isLocked = new CyclicBarrier(2);
            handle.track(
                () -> {
                  first.complete(value(handle)); // is the next to be closed
                  isLocked.await();
                });
            Thread closer = new Thread(handle::close);
            closer.setDaemon(true);
            closer.start();
            OnnxTensor locked = first.get();
            synchronized (locked) {
              isLocked.await();
              while (closer.getState() != Thread.State.BLOCKED) {
                Thread.onSpinWait();
              }
              assertThrows(IllegalStateException.class, () -> value(handle));
            }
            closer.join();
            assertTrue(locked.isClosed());
          }
        });
  }

  @Test
  void aValueIsToBeHadAfterAnEndThatWasBrokenOff() throws Exception {
    withoutWaiting(
        () -> {
          try (ExecutionContext ctx = ExecutionContext.open()) {
            List<OnnxTensor> late = new ArrayList<>();
            Scope scope = ctx.scope();
            Tensor tensor = ctx.allocSlice(1f);
            scope.track(new BrokenOnce());
            scope.track(() -> late.add(value(tensor)));
            assertThrows(StackOverflowError.class, scope::close);
            late.add(value(tensor));
            scope.close();
            assertAllClosed(2, late);
          }
        });
  }

  /** Its memory would be freed under the copy, which ends the process. */
  @Test
  void aValueThatAnotherThreadEndsIsCopiedWholeOrRefused() throws Exception {
    for (int round = 0; round < 2000; round++) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        SharedTensor handle = ctx.zeros(DType.INT64, 1 << 14).fill(3).share();
        OnnxTensor value = value(handle);
        CyclicBarrier start = new CyclicBarrier(2);
        CompletableFuture<Void> copying =
            CompletableFuture.runAsync(() -> copyUntilRefused(value, start));
        start.await();
        handle.close();
        copying.get();
      }
    }
  }

  private static void copyUntilRefused(OnnxTensor value, CyclicBarrier start) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      start.await();
      while (true) {
        Tensor copy = OnnxTensors.copyOf(ctx, value);
        assertEquals(3, copy.getLongAt(0));
        assertEquals(3, copy.getLongAt((1 << 14) - 1));
        ctx.reset();
      }
    } catch (IllegalStateException e) {
      assertTrue(value.isClosed());
    } catch (InterruptedException | BrokenBarrierException e) {
      throw new AssertionError(e);
    }
  }

  /** Meets the end of the stack, once, as what is closed may. */
  private static final class BrokenOnce implements OpenResource {
    private boolean isOpen = true;
    private boolean wasBroken;

    @Override
    public boolean isOpen() {
      return isOpen;
    }

    @Override
    public void close() {
      if (!wasBroken) {
        wasBroken = true;
        throw new StackOverflowError();
      }
      isOpen = false;
    }
  }
}
