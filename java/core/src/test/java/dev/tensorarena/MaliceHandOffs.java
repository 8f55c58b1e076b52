package dev.tensorarena;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Handles that go through a queue, and into tasks that run at once, later, by another actor, or
 * never. What is taken out was put in, once; and the handle of a task that is done is closed.
 */
final class MaliceHandOffs {
  private static final int MAX_TASKS = 8;
  private static final int TRIES = 9;

  /** What is known of the handles that are in a queue. */
  private final Map<SharedTensor, Malice.Holding> queued =
      Collections.synchronizedMap(new IdentityHashMap<>());

  private final AtomicReference<TensorQueue> queue =
      new AtomicReference<>(TensorQueue.bounded(5, 1 << 14));

  /** A task that waits for somebody to run or cancel it. */
  private record Waiting(Runnable task, Borrowed borrowed) {}

  private final AtomicReference<Waiting> waiting = new AtomicReference<>();

  /** The function of a task, and what it has returned. */
  private static final class Borrowed {
    private final Malice.Holding h;
    private volatile SharedTensor result;
    private volatile Future<SharedTensor> future;

    Borrowed(Malice.Holding h) {
      this.h = h;
    }

    SharedTensor run(SharedTensor handle) {
      MaliceActor actor = (MaliceActor) Thread.currentThread();
      if (handle != h.real || !h.isAlive()) {
        actor.violated(h + " is dead or another one in the function that has it");
      }
      MaliceActor.strike();
      actor.check(h);
      if (actor.random.nextBoolean()) {
        result = handle.share();
      }
      return result;
    }
  }

  void step(MaliceSteps actor) {
    switch (actor.random.nextInt(8)) {
      case 0, 1 -> offer(actor);
      case 2, 3 -> poll(actor);
      case 4, 5 -> submit(actor);
      case 6 -> thenApply(actor);
      default -> {
        if (actor.random.nextInt(8) == 0) {
          close(actor);
        } else {
          runWaiting(actor);
        }
      }
    }
  }

  // ---- the queue

  private void offer(MaliceSteps actor) {
    Malice.Holding h = MaliceShelf.take(actor);
    if (h == null) {
      return;
    }
    SharedTensor handle = (SharedTensor) h.real;
    queued.put(handle, h);
    boolean[] done = new boolean[1];
    boolean interrupted = actor.random.nextInt(16) == 0;
    actor.call(
        "offer",
        h,
        () -> {
          if (interrupted) {
            Thread.currentThread().interrupt();
          }
          try {
            done[0] = queue.get().offer(handle, 0, TimeUnit.SECONDS);
          } catch (InterruptedException e) {
            done[0] = false;
          }
        });
    Thread.interrupted();
    if (!done[0]) {
      if (queued.remove(handle) == null) {
        actor.violated(h + " was refused by the queue, and taken out of it");
      }
      actor.holdings.add(h);
      actor.check(h);
    }
  }

  private void poll(MaliceSteps actor) {
    SharedTensor[] got = new SharedTensor[1];
    actor.call(
        "poll",
        queue,
        () -> {
          try {
            got[0] = queue.get().poll(0, TimeUnit.SECONDS);
          } catch (InterruptedException e) {
            actor.violated("nobody has interrupted this");
          }
        });
    if (got[0] != null) {
      Malice.Holding h = queued.remove(got[0]);
      if (h == null) {
        actor.violated(got[0] + " was not in the queue, and was taken out of it");
      } else {
        actor.holdings.add(h);
        actor.check(h);
      }
    }
  }

  private void close(MaliceSteps actor) {
    synchronized (queued) {
      queued.values().forEach(h -> h.closeAsked.incrementAndGet());
    }
    TensorQueue old = queue.getAndSet(TensorQueue.bounded(5, 1 << 14));
    for (int tries = 0; tries < TRIES; tries++) {
      if (actor.call("close", old, old::close) == null) {
        break; // else a guard refused
      }
    }
    actor.unfinished.add(old); // also what it had is closed then
  }

  // ---- tasks

  private void submit(MaliceSteps actor) {
    Malice.Holding h = MaliceShelf.take(actor);
    if (h == null) {
      return;
    }
    SharedTensor handle = (SharedTensor) h.real;
    h.closeAsked.incrementAndGet();
    actor.unfinished.add(handle); // if a guard keeps it open; else that does nothing
    Borrowed borrowed = new Borrowed(h);
    int way = actor.random.nextInt(4);
    Runnable[] later = new Runnable[1];
    Executor executor =
        task -> {
          MaliceActor.strike();
          if (way < 2) {
            task.run();
          } else {
            later[0] = task;
          }
          MaliceActor.strike(); // which may be a refusal, after all
        };
    Throwable thrown =
        actor.call(
            "submit", h, () -> borrowed.future = Handoff.submit(executor, handle, borrowed::run));
    if (later[0] != null && way == 2 && thrown == null) {
      Waiting before = waiting.getAndSet(new Waiting(later[0], borrowed));
      if (before != null) {
        end(actor, before);
      }
    } else if (later[0] != null) {
      end(actor, new Waiting(later[0], borrowed));
    } else {
      lookAt(actor, borrowed, thrown);
    }
  }

  private void runWaiting(MaliceSteps actor) {
    Waiting next = waiting.getAndSet(null);
    if (next != null) {
      end(actor, next);
    }
  }

  private void end(MaliceSteps actor, Waiting task) {
    Future<SharedTensor> future = task.borrowed.future;
    if (future != null && actor.random.nextBoolean()) {
      actor.call("cancel", future, () -> future.cancel(false));
    }
    actor.call("run", task.task, task.task::run);
    lookAt(actor, task.borrowed, null);
  }

  private void thenApply(MaliceSteps actor) {
    Malice.Holding h = MaliceShelf.take(actor);
    if (h == null) {
      return;
    }
    SharedTensor handle = (SharedTensor) h.real;
    h.closeAsked.incrementAndGet();
    actor.unfinished.add(handle);
    Borrowed borrowed = new Borrowed(h);
    CompletableFuture<SharedTensor> stage = new CompletableFuture<>();
    actor.call("thenApply", h, () -> borrowed.future = Handoff.thenApply(stage, borrowed::run));
    Future<SharedTensor> future = borrowed.future;
    if (future == null) {
      return; // at an edge: the handle is ours
    }
    if (actor.random.nextInt(4) == 0) {
      actor.call("cancel", future, () -> future.cancel(false));
    }
    Throwable thrown = actor.call("complete", h, () -> stage.complete(handle));
    lookAt(actor, borrowed, thrown);
  }

  /** What a task has left: a result that somebody has, or else nothing that is open. */
  private void lookAt(MaliceSteps actor, Borrowed borrowed, Throwable thrown) {
    Future<SharedTensor> future = borrowed.future;
    Malice.Holding place = future == null ? null : actor.place();
    if (place == null || !future.isDone()) {
      giveUp(actor, borrowed);
      actor.holdings.remove(place);
      return;
    }
    place.cells = borrowed.h.cells;
    place.frozen = borrowed.h.frozen;
    boolean[] failed = new boolean[1];
    Throwable refusal =
        actor.call(
            "get",
            future,
            () -> {
              try {
                place.real = future.get();
              } catch (ExecutionException e) {
                failed[0] = true;
              }
            });
    boolean edges = actor.program.edges != null;
    if (actor.isFilled(place)) {
      actor.check(place);
    } else if (edges) {
      giveUp(actor, borrowed);
    } else if (failed[0] || refusal != null) {
      SharedTensor lost = borrowed.result;
      if (lost != null && !lost.isClosed()) {
        actor.violated(lost + " is the result of a task that failed, and is open");
      }
    }
    boolean isWhole = thrown == null && !failed[0] && refusal == null;
    if (isWhole && !edges && borrowed.h.isAlive()) {
      actor.violated(borrowed.h + " is open after the function that had it");
    }
  }

  private static void giveUp(MaliceSteps actor, Borrowed borrowed) {
    if (borrowed.result != null) {
      actor.unfinished.add(borrowed.result);
    }
  }

  /** Ends all that is left. */
  void clear(MaliceSteps actor) {
    runWaiting(actor);
    close(actor);
  }
}
