package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.Blackhole;

/**
 * What does it cost to open and close contexts on 64 virtual threads, beside the same work on two
 * threads of the system?
 *
 * <p>Each virtual thread opens a context, allocates 4000 B, and closes it, so often; then it opens
 * four, each in the other, and yields meanwhile, so that up to 256 are open beside each other and
 * threads change their carriers. Of four chunks that come or go together, a magazine has or takes
 * one; for the others the pool's lock is asked. The threads of the system do the same without
 * yielding. What threads, yields and the wait for the last one cost is in the rows {@code
 * arithmetic…}, which compute as long in place of each context.
 */
@State(Scope.Thread)
public class CrowdOn22 extends AverageTime {
  private static final int VIRTUAL = 64;
  private static final int OF_THE_SYSTEM = 2;

  /** Of all threads together. */
  private static final int TURNS = VIRTUAL * 50;

  /** Contexts of a turn, those that are open while a virtual thread yields included. */
  private static final int IN_A_TURN = 20;

  private static final int OPEN_TOGETHER = 4;

  private static final int OPERATIONS = TURNS * IN_A_TURN;
  private static final Shape SHAPE = Shape.of(4000);

  /** Takes about as long as a context, 70 ns here, so that what threads cost is as large a part. */
  private static final int ARITHMETIC = 60;

  private ExecutorService virtual;
  private ExecutorService system;

  /** Starts two threads; virtual ones start anew each time, as they are meant to. */
  @Setup
  public void start() {
    virtual = Executors.newVirtualThreadPerTaskExecutor();
    system = Executors.newFixedThreadPool(OF_THE_SYSTEM);
  }

  /** Ends them. */
  @TearDown
  public void end() {
    virtual.close();
    system.close();
  }

  /** What is done so often; {@code between} is run while it is half done. */
  private interface Work {
    void run(Runnable between);
  }

  private static void onAll(ExecutorService threads, int count, Runnable turnsEnd, Work work)
      throws InterruptedException, ExecutionException {
    Runnable together = turnsEnd;
    for (int i = 0; i < OPEN_TOGETHER; i++) {
      Runnable inner = together;
      together = () -> work.run(inner);
    }
    Runnable last = together;
    Callable<Void> turns =
        () -> {
          for (int turn = 0; turn < TURNS / count; turn++) {
            for (int i = OPEN_TOGETHER; i < IN_A_TURN; i++) {
              work.run(() -> {});
            }
            last.run();
          }
          return null;
        };
    List<Future<Void>> running = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      running.add(threads.submit(turns));
    }
    for (Future<Void> thread : running) {
      thread.get();
    }
  }

  private static Work context(Blackhole somebody) {
    return between -> {
      try (ExecutionContext context = ExecutionContext.open()) {
        somebody.consume(context.empty(DType.INT8, SHAPE));
        between.run();
      }
    };
  }

  private static void arithmetic(Runnable between) {
    Blackhole.consumeCPU(ARITHMETIC);
    between.run();
  }

  /**
   * Contexts on virtual threads.
   *
   * @param somebody who sees the tensors
   * @throws InterruptedException if interrupted
   * @throws ExecutionException if a thread failed
   */
  @Benchmark
  @OperationsPerInvocation(OPERATIONS)
  public void contextsOnVirtualThreads(Blackhole somebody)
      throws InterruptedException, ExecutionException {
    onAll(virtual, VIRTUAL, Thread::yield, context(somebody));
  }

  /**
   * As many contexts on two threads of the system.
   *
   * @param somebody who sees the tensors
   * @throws InterruptedException if interrupted
   * @throws ExecutionException if a thread failed
   */
  @Benchmark
  @OperationsPerInvocation(OPERATIONS)
  public void contextsOnTwoThreads(Blackhole somebody)
      throws InterruptedException, ExecutionException {
    onAll(system, OF_THE_SYSTEM, () -> {}, context(somebody));
  }

  /**
   * No contexts, on virtual threads.
   *
   * @throws InterruptedException if interrupted
   * @throws ExecutionException if a thread failed
   */
  @Benchmark
  @OperationsPerInvocation(OPERATIONS)
  public void arithmeticOnVirtualThreads() throws InterruptedException, ExecutionException {
    onAll(virtual, VIRTUAL, Thread::yield, CrowdOn22::arithmetic);
  }

  /**
   * No contexts, on two threads of the system.
   *
   * @throws InterruptedException if interrupted
   * @throws ExecutionException if a thread failed
   */
  @Benchmark
  @OperationsPerInvocation(OPERATIONS)
  public void arithmeticOnTwoThreads() throws InterruptedException, ExecutionException {
    onAll(system, OF_THE_SYSTEM, () -> {}, CrowdOn22::arithmetic);
  }
}
