package dev.tensorarena.bench;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A thread that owns a context, and a tensor of it that this thread was given. */
final class OtherThread implements AutoCloseable {
  private final ExecutorService owner = Executors.newSingleThreadExecutor();
  private final ExecutionContext context;
  private final SharedTensor tensor;

  OtherThread(float... values) {
    context = on(owner, ExecutionContext::open);
    tensor = on(owner, () -> context.copyOf(Shape.of(values.length), values).share());
  }

  SharedTensor tensor() {
    return tensor;
  }

  private static <T> T on(ExecutorService thread, Callable<T> call) {
    try {
      return thread.submit(call).get();
    } catch (InterruptedException | ExecutionException e) {
      throw new IllegalStateException("the owner's thread failed", e);
    }
  }

  @Override
  public void close() {
    tensor.close();
    on(
        owner,
        () -> {
          context.close();
          return null;
        });
    owner.shutdown();
  }
}
