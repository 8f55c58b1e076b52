package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Contexts full of tensors, for {@link Free}.
 *
 * <p>An end takes nanoseconds, no more than reading a clock; so {@link #CONTEXTS} contexts are
 * filled outside the measured time, and one shot ends them all. A second of filling leaves other
 * caches and branch predictors behind than a microsecond does: so that the ends find the machine
 * alike, other contexts are filled with a few tensors and ended just before the shot, and what it
 * will touch is touched once.
 */
@State(Scope.Thread)
public class FilledContexts extends Free.Many {
  static final int CONTEXTS = 64;
  private static final int FEW = 10;
  private static final int SHOTS_TO_COMPILE = 2_000;
  private static final int SHOTS_BEFORE = 500;

  // One byte each, unaligned, so that a million in each context fit a small machine.
  private final Shape shape = Shape.of(1);
  private ExecutionContext[] contexts;
  private ExecutionContext[] others;

  /** Opens all contexts, and has the JIT compile what a shot runs. */
  @Setup
  public void open() {
    contexts = openAll();
    others = openAll();
    for (int shot = 0; shot < SHOTS_TO_COMPILE; shot++) {
      fill(others, FEW);
      reset(others);
    }
  }

  private ExecutionContext[] openAll() {
    ExecutionContext[] all = new ExecutionContext[CONTEXTS];
    for (int i = 0; i < CONTEXTS; i++) {
      all[i] = ExecutionContext.builder().alignment(1).open();
      // Every so many resets go through C: each shot shall have as many of them.
      for (int resets = 0; resets < i; resets++) {
        all[i].empty(DType.INT8, shape);
        all[i].reset();
      }
    }
    return all;
  }

  /** Fills all contexts, and leaves the machine as any number of tensors would. */
  @Setup(Level.Invocation)
  public void fill() {
    fill(contexts, tensors);
    for (int shot = 0; shot < SHOTS_BEFORE; shot++) {
      fill(others, FEW);
      reset(others);
    }
    for (ExecutionContext context : contexts) {
      context.scope().close(); // touches what a reset does: context, arena, the chunk's descriptor
    }
  }

  private void fill(ExecutionContext[] all, int count) {
    for (ExecutionContext context : all) {
      for (int i = 0; i < count; i++) {
        context.empty(DType.INT8, shape);
      }
    }
  }

  private static void reset(ExecutionContext[] all) {
    for (ExecutionContext context : all) {
      context.reset();
    }
  }

  /** Gives the memory back. */
  @TearDown
  public void close() {
    for (int i = 0; i < CONTEXTS; i++) {
      contexts[i].close();
      others[i].close();
    }
  }

  void reset() {
    reset(contexts);
  }
}
