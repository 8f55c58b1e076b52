package dev.tensorarena;

import java.lang.ref.Reference;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RunnableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/**
 * What an executor gets of a hand-off. Nothing of the library's refers to it, so that it becomes
 * unreachable when the executor lets go of it, whoever still waits for the {@link Result}. It is a
 * future itself, since that is what executors that are shut down or purged look for.
 */
final class HandoffTask<R> implements RunnableFuture<R> {
  private final Result<R> result;

  private HandoffTask(Result<R> result) {
    this.result = result;
  }

  static <R> HandoffTask<R> of(
      SharedTensor handle, Function<? super SharedTensor, ? extends R> function) {
    Custody custody = new Custody(handle);
    Result<R> result = new Result<>(custody, function);
    HandoffTask<R> task = new HandoffTask<>(result);
    custody.watch(task, result);
    return task;
  }

  /** Returns the future result; throws what the executor throws. */
  Future<R> executeBy(Executor executor) {
    try {
      executor.execute(this);
    } catch (Throwable refusal) {
      try {
        cancel(false); // what was refused may be in a queue all the same, or have begun
      } catch (Throwable e) {
        Resources.join(refusal, e);
      }
      throw refusal;
    }
    return result;
  }

  /** The future result of the function. */
  private static final class Result<R> extends FutureTask<R> {
    private final Custody custody;

    Result(Custody custody, Function<? super SharedTensor, ? extends R> function) {
      super(() -> custody.begin(function));
      this.custody = custody;
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
      StackRoom.requireForUsers(); // as in run()
      return super.cancel(mayInterruptIfRunning);
    }

    @Override
    protected void done() {
      if (isCancelled()) {
        custody.drop();
      }
    }

    @Override
    protected void set(R value) {
      super.set(value);
      if (isCancelled()) {
        Handoff.discard(value);
      }
    }
  }

  // ---- the task

  @Override
  public void run() {
    StackRoom.requireForUsers(); // where it ended in FutureTask.set, nobody would get a result
    result.run();
    Reference.reachabilityFence(this); // or the collector could come before the function begins
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    return result.cancel(mayInterruptIfRunning);
  }

  @Override
  public boolean isCancelled() {
    return result.isCancelled();
  }

  @Override
  public boolean isDone() {
    return result.isDone();
  }

  @Override
  public R get() throws InterruptedException, ExecutionException {
    return result.get();
  }

  @Override
  public R get(long timeout, TimeUnit unit)
      throws InterruptedException, ExecutionException, TimeoutException {
    return result.get(timeout, unit);
  }
}
