package dev.tensorarena.bench;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What {@link Views}' rows, and those of its sibling for JDK 22, look at: a matrix, as a tensor and
 * as an array, and what its elements add up to.
 */
@State(Scope.Thread)
public abstract class MatrixValues extends AverageTime {
  /** Of the matrix; each is looked at in turn. */
  static final int ROWS = 100;

  /** Of the matrix: 40 kB are in all, more than the first-level cache and less than the second. */
  static final int COLUMNS = 100;

  /** Of a row. */
  static final int ROW_BYTES = COLUMNS * Float.BYTES;

  private ExecutionContext context;

  /** The matrix. */
  Tensor tensor;

  /** The same elements, row after row. */
  float[] array;

  /** For the rows' classes. */
  protected MatrixValues() {}

  /** Fills the matrix, and has all rows look at it once, each of which must see what is there. */
  @Setup
  public void prepare() {
    array = new float[ROWS * COLUMNS];
    for (int i = 0; i < array.length; i++) {
      array[i] = i % 16; // whole numbers, whose sums are exact in any order
    }
    context = ExecutionContext.open();
    tensor = context.copyOf(Shape.of(ROWS, COLUMNS), array);
    open();
    checkRows();
  }

  /** Gives the memory back. */
  @TearDown
  public void close() {
    free();
    context.close();
  }

  /** Makes what the rivals look at. */
  abstract void open();

  /** Gives it back. */
  abstract void free();

  /** Has each row look. */
  abstract void checkRows();

  /** Expects the sum of the first element of each row. */
  final void checkFirsts(float sum) {
    check(sum, COLUMNS);
  }

  /** Expects the sum of all elements. */
  final void checkAll(float sum) {
    check(sum, 1);
  }

  private void check(float sum, int step) {
    float expected = 0;
    for (int i = 0; i < array.length; i += step) {
      expected += array[i];
    }
    if (sum != expected) {
      throw new AssertionError("a sum of " + sum + " instead of " + expected);
    }
  }
}
