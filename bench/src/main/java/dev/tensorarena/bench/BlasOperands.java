package dev.tensorarena.bench;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import dev.tensorarena.blas.Blas;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What the rows of {@link BlasCall}, and those of its sibling for JDK 22, are called with. */
@State(Scope.Thread)
public abstract class BlasOperands extends AverageTime {
  /** Elements of f32. */
  @Param({"384", "10000"})
  public int elements;

  private ExecutionContext context;

  /** Read. */
  Tensor x;

  /** Read, too. */
  Tensor y;

  /** For the rows' classes. */
  protected BlasOperands() {}

  /** Fills x and y. */
  @Setup
  public void fill() {
    Blas.threads(1);
    context = ExecutionContext.open();
    float[] values = new float[elements];
    for (int i = 0; i < elements; i++) {
      values[i] = i % 7;
    }
    x = context.allocSlice(values);
    y = context.allocSlice(values);
  }

  /** Gives the memory back. */
  @TearDown
  public void close() {
    context.close();
  }
}
