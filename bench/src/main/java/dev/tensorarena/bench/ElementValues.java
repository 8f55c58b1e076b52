package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What {@link ElementAccess}'s rows, and those of its siblings for JDK 22, read and write: x and y
 * as tensors, and room for new results.
 */
@State(Scope.Thread)
public abstract class ElementValues extends AverageTime {
  /** New results between two resets: they walk 160 kB. */
  private static final int RESULTS = 4;

  /** Whole numbers below this: sums of ten thousand of them are exact in any order. */
  private static final int DIFFERENT = 16;

  /** Elements of f32. */
  @Param("10000")
  public int elements;

  private ExecutionContext context;
  private ArenaCycle results;
  private Shape shape;

  /** Filled. */
  Tensor x;

  /** To be written to. */
  Tensor y;

  /** For the rows' classes. */
  protected ElementValues() {}

  /** Fills x, and has all rows compute once, each of which must be right. */
  @Setup
  public void prepare() {
    shape = Shape.of(elements);
    context = ExecutionContext.open();
    results = new ArenaCycle(RESULTS);
    x = context.copyOf(shape, values());
    y = context.zeros(DType.FLOAT32, shape);
    for (int i = 0; i < RESULTS; i++) {
      newResult().fill(0); // no row pays for a first touch
    }
    checkRows();
  }

  /** Gives the memory back. */
  @TearDown
  public void close() {
    results.close();
    context.close();
  }

  /** Computes with each row, and has the result checked. */
  abstract void checkRows();

  /** What x is filled with. */
  final float[] values() {
    float[] values = new float[elements];
    for (int i = 0; i < elements; i++) {
      values[i] = i % DIFFERENT;
    }
    return values;
  }

  /** Uninitialised; lives until as many more were made as there are between two resets. */
  final Tensor newResult() {
    return results.next().empty(DType.FLOAT32, shape);
  }

  /** Expects 2x. */
  final void checkDoubled(float... result) {
    check(2, 0, result);
  }

  /** Expects ones + 2x. */
  final void checkAxpy(float... result) {
    check(2, 1, result);
  }

  private void check(float factor, float summand, float... result) {
    float[] expected = values();
    for (int i = 0; i < elements; i++) {
      expected[i] = factor * expected[i] + summand;
    }
    int at = Arrays.mismatch(expected, result);
    if (at >= 0) {
      throw new AssertionError("element " + at + " of " + elements + " is wrong");
    }
  }

  final void checkSum(float sum) {
    float expected = 0;
    for (float value : values()) {
      expected += value;
    }
    if (sum != expected) {
      throw new AssertionError("a sum of " + sum + " instead of " + expected);
    }
  }
}
