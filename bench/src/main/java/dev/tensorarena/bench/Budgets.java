package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.MemoryBudget;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.Blackhole;

/** What do budgets cost? */
@State(Scope.Thread)
public class Budgets extends AverageTime {
  private static final Shape SMALL = Shape.of(4000);

  /** How many budgets there are above each other; 0 for none. */
  @Param({"0", "1", "3"})
  public int depth;

  private ExecutionContext.Builder builder;
  private ExecutionContext context;
  private MemoryBudget[] budgets;

  /** Makes the budgets, and a context. */
  @Setup
  public void prepare() {
    budgets = new MemoryBudget[depth];
    builder = ExecutionContext.builder();
    for (int i = 0; i < depth; i++) {
      budgets[i] =
          i == 0
              ? MemoryBudget.of("root", Long.MAX_VALUE)
              : budgets[i - 1].child("child", Long.MAX_VALUE);
      builder.budget(budgets[i]);
    }
    context = builder.open();
  }

  /** Ends them. */
  @TearDown
  public void close() {
    context.close();
    for (int i = depth; i-- > 0; ) {
      budgets[i].close();
    }
  }

  /**
   * A chunk taken from the pool and given back: it is shared, so that it leaves its context, and
   * goes home with the handle.
   */
  @Benchmark
  public void takeAndReturn() {
    SharedTensor handle = context.empty(DType.INT8, SMALL).share();
    context.reset();
    handle.close();
  }

  /**
   * A context with a tensor, opened and closed: the budget knows its contexts by name.
   *
   * @param somebody who sees the tensor
   */
  @Benchmark
  public void openAndClose(Blackhole somebody) {
    try (ExecutionContext opened = builder.open()) {
      somebody.consume(opened.empty(DType.INT8, SMALL));
    }
  }
}
