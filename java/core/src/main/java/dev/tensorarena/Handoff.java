package dev.tensorarena;

import java.lang.ref.Reference;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.function.Function;

/**
 * Runs functions of shared handles on other threads, so that each handle is closed whatever becomes
 * of its task. A handle that a lambda merely captures is lost with a task that never runs.
 *
 * <pre>{@code
 * Future<Float> best = Handoff.submit(executor, tensor.share(), x -> max(x));
 * }</pre>
 *
 * <p>The function borrows the handle: it is closed, by the function's own thread, when the function
 * has returned or thrown. What outlives that takes a {@link Tensor#share} of its own.
 *
 * <p>A function may return a handle, which then is whoever's who gets the result. Where nobody can,
 * since the future was cancelled or completed meanwhile, that handle is closed, too.
 */
public final class Handoff {
  private Handoff() {}

  /**
   * Has an executor call a function of a handle. From this call on the handle is not the caller's
   * any more, also where it throws: it is closed
   *
   * <ul>
   *   <li>when the function has returned or thrown; what closing it throws then is what the future
   *       fails with, and a handle that a guard keeps open is closed by the collector,
   *   <li>by {@link Future#cancel} and by a refusal of the executor's, if the function has not
   *       begun, which it will not then, and
   *   <li>by the collector, if the executor lets go of the task, as {@code shutdownNow} does: the
   *       future is cancelled then, and need not be let go of for that. The tasks that {@code
   *       shutdownNow} returns are futures, which can be cancelled at once, or run by another.
   * </ul>
   *
   * <p>Cancelling what has begun may interrupt its thread, and leaves the handle alone.
   *
   * @param <R> the type of the result
   * @param executor what runs the function
   * @param handle the handle
   * @param task the function, which does not close the handle
   * @return the future result
   * @throws java.util.concurrent.RejectedExecutionException if the executor refuses
   * @throws IllegalStateException if the handle was released
   * @throws StackOverflowError if there is no room to begin, and then the handle is still the
   *     caller's; or as the executor throws it, and then it is closed
   */
  public static <R> Future<R> submit(
      Executor executor, SharedTensor handle, Function<? super SharedTensor, ? extends R> task) {
    Objects.requireNonNull(handle, "handle");
    StackRoom.requireForUsers(); // or there might be none to close the handle when something fails
    HandoffTask<R> handedOff;
    try {
      Objects.requireNonNull(executor, "executor");
      Objects.requireNonNull(task, "task");
      handle.living();
      handedOff = HandoffTask.of(handle, task);
    } catch (Throwable e) {
      close(handle, e);
      throw e;
    }
    return handedOff.executeBy(executor);
  }

  /**
   * Calls a function of the handle with which a stage completes, on the thread that completes it,
   * or at once if it has; like {@link CompletionStage#thenApply}. The handle is closed when the
   * function has returned or thrown; what closing it throws then is what the future fails with, and
   * a handle that a guard keeps open is closed by the collector. If the returned future is complete
   * before the stage is, since it was cancelled or timed out, the function is not called, and the
   * handle is closed when it comes; what closing it throws is logged then.
   *
   * @param <R> the type of the result
   * @param stage what gives the handle, to nobody else
   * @param task the function, which does not close the handle
   * @return the future result; it fails as the stage and the function do
   */
  public static <R> CompletableFuture<R> thenApply(
      CompletionStage<SharedTensor> stage, Function<? super SharedTensor, ? extends R> task) {
    Objects.requireNonNull(stage, "stage");
    Objects.requireNonNull(task, "task");
    CompletableFuture<R> result = new CompletableFuture<>();
    stage.whenComplete(
        (handle, failure) -> {
          if (failure != null) {
            fail(result, failure);
          } else if (handle != null && result.isDone()) {
            closeLate(handle);
          } else {
            complete(result, handle, task);
          }
        });
    return result;
  }

  private static <R> void complete(
      CompletableFuture<R> result,
      SharedTensor handle,
      Function<? super SharedTensor, ? extends R> task) {
    R value;
    try {
      value = borrow(Objects.requireNonNull(handle, "the handle of the stage"), task);
    } catch (Throwable e) {
      fail(result, e);
      return;
    }
    if (!result.complete(value)) {
      discard(value);
    }
  }

  /** Calls a function of a handle that is nobody else's, and closes the handle. */
  private static <R> R borrow(
      SharedTensor handle, Function<? super SharedTensor, ? extends R> task) {
    Object borrower = new Object();
    Custody custody = watched(handle, borrower);
    try {
      return custody.begin(task);
    } finally {
      Reference.reachabilityFence(borrower);
    }
  }

  private static Custody watched(SharedTensor handle, Object borrower) {
    try {
      Custody custody = new Custody(handle);
      custody.watch(borrower, null);
      return custody;
    } catch (Throwable e) {
      close(handle, e);
      throw e;
    }
  }

  /** Closes a handle for which nobody waits, so that what that throws is only logged. */
  private static void closeLate(SharedTensor handle) {
    try {
      Custody.close(handle);
    } catch (Throwable e) {
      Released.logIfPossible("closing a handle that came too late failed", e);
    }
  }

  /** Fails a future as {@link CompletableFuture#thenApply} does. */
  private static void fail(CompletableFuture<?> result, Throwable failure) {
    result.completeExceptionally(
        failure instanceof CompletionException ? failure : new CompletionException(failure));
  }

  /** Calls a function of a handle that is the caller's alone, and closes the handle. */
  static <R> R apply(Function<? super SharedTensor, ? extends R> task, SharedTensor handle) {
    R value = null;
    try (handle) {
      value = task.apply(handle);
    } catch (Throwable e) {
      discard(value); // there is one if closing the handle has thrown
      throw e;
    } finally {
      Reference.reachabilityFence(handle);
    }
    return value;
  }

  /** Closes a result that nobody gets, if it is a handle. */
  static void discard(Object value) {
    if (value instanceof SharedTensor handle) {
      Custody.close(handle);
    }
  }

  private static void close(SharedTensor handle, Throwable failure) {
    try {
      Custody.close(handle);
    } catch (Throwable e) {
      Resources.join(failure, e);
    }
  }
}
