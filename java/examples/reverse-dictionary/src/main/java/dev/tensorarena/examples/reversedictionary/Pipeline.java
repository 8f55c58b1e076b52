package dev.tensorarena.examples.reversedictionary;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;

/**
 * Stages on threads of their own, joined by bounded queues: while one query is embedded, the next
 * is tokenised and the one before it scored. A query's failure is its own, the next one goes on.
 *
 * <p>What a stage hands on belongs to the pipeline: if it is {@link AutoCloseable}, such as a
 * {@link dev.tensorarena.SharedTensor}, it is closed when the next stage has returned or thrown.
 * The queue is the safe publication that a shared handle asks for.
 *
 * <p>A pipeline is used and closed by one thread.
 *
 * @param <I> what goes in
 * @param <O> what comes out; belongs to the caller
 */
final class Pipeline<I, O> implements AutoCloseable {

  /** One step. It is called by one thread only, so it may keep buffers of its own. */
  @FunctionalInterface
  interface Stage<A, B> {
    B process(A input) throws Exception;
  }

  /** A pipeline's stages so far. */
  static final class Builder<I, O> {

    private final List<String> names = new ArrayList<>();
    private final List<Stage<Object, Object>> stages = new ArrayList<>();

    private Builder() {}

    /** Appends a stage. */
    @SuppressWarnings("unchecked") // a stage receives what the one before it gave, an O
    <P> Builder<I, P> then(String name, Stage<? super O, ? extends P> stage) {
      names.add(name);
      stages.add((Stage<Object, Object>) (Stage<?, ?>) stage);
      return (Builder<I, P>) this;
    }

    Pipeline<I, O> start() {
      return new Pipeline<>(names, stages);
    }
  }

  /** Follows the last job: a stage that receives it passes it on and ends. */
  private static final Job END = new Job(null, null);

  private static final int QUEUE_LENGTH = 4;

  private record Job(Object payload, CompletableFuture<Object> result) {}

  private final BlockingQueue<Job> entrance;
  private final List<Thread> threads = new ArrayList<>();
  private boolean closed;

  private Pipeline(List<String> names, List<Stage<Object, Object>> stages) {
    entrance = new ArrayBlockingQueue<>(QUEUE_LENGTH);
    BlockingQueue<Job> inbox = entrance;
    for (int i = 0; i < stages.size(); i++) {
      BlockingQueue<Job> from = inbox;
      BlockingQueue<Job> to = i + 1 < stages.size() ? new ArrayBlockingQueue<>(QUEUE_LENGTH) : null;
      Stage<Object, Object> stage = stages.get(i);
      Thread thread = new Thread(() -> run(stage, from, to), names.get(i));
      thread.setDaemon(true);
      thread.start();
      threads.add(thread);
      inbox = to;
    }
  }

  static <I, O> Builder<I, O> of(String name, Stage<? super I, ? extends O> stage) {
    return new Builder<I, I>().then(name, stage);
  }

  /** Puts a job in, waiting while the first queue is full. */
  @SuppressWarnings("unchecked") // the last stage gives an O
  CompletableFuture<O> submit(I input) throws InterruptedException {
    if (closed) {
      throw new IllegalStateException("the pipeline is closed");
    }
    CompletableFuture<Object> result = new CompletableFuture<>();
    entrance.put(new Job(input, result));
    return (CompletableFuture<O>) (CompletableFuture<?>) result;
  }

  /** The threads of the stages, each with its stage's name. */
  List<Thread> threads() {
    return List.copyOf(threads);
  }

  /** Waits until all that was put in has come out, and ends the threads. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    // Not cut short by an interrupt: stages use native memory that is freed after this.
    boolean interrupted = false;
    for (boolean told = false, ended = false; !ended; ) {
      try {
        if (!told) {
          entrance.put(END);
          told = true;
        }
        for (Thread thread : threads) {
          thread.join();
        }
        ended = true;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static void run(
      Stage<Object, Object> stage, BlockingQueue<Job> from, BlockingQueue<Job> to) {
    try {
      for (Job job = from.take(); job != END; job = from.take()) {
        Object output;
        try {
          output = process(stage, job.payload);
        } catch (Throwable failure) {
          job.result.completeExceptionally(failure);
          continue;
        }
        if (to != null) {
          to.put(new Job(output, job.result));
        } else {
          job.result.complete(output);
        }
      }
      if (to != null) {
        to.put(END);
      }
    } catch (InterruptedException e) {
      throw new AssertionError(
          "nobody else knows this thread, and the pipeline interrupts none", e);
    }
  }

  private static Object process(Stage<Object, Object> stage, Object payload) throws Exception {
    try {
      return stage.process(payload);
    } finally {
      if (payload instanceof AutoCloseable handle) {
        handle.close();
      }
    }
  }
}
