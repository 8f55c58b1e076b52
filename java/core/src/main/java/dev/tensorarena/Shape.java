package dev.tensorarena;

import java.util.Arrays;

/**
 * The extents of a tensor's axes, outermost first; immutable. A shape without axes is that of a
 * scalar and has one element; a shape with an extent of 0 has no elements.
 */
public final class Shape {
  private static final Shape SCALAR = new Shape(new long[0]);

  private final long[] dims;
  private final long numElements;

  /**
   * The shape of what one index of the first axis selects; null until somebody selects. Threads may
   * make it twice: it is immutable, so either will do.
   */
  private Shape row;

  private Shape(long[] dims) {
    this(dims, product(dims));
  }

  private Shape(long[] dims, long numElements) {
    this.dims = dims;
    this.numElements = numElements;
  }

  /**
   * Returns the shape with these extents.
   *
   * @param dims the extents, outermost first; copied
   * @return the shape
   * @throws IllegalArgumentException if an extent is negative, or if the number of elements is not
   *     below 2<sup>63</sup>
   */
  public static Shape of(long... dims) {
    return dims.length == 0 ? SCALAR : new Shape(dims.clone());
  }

  /**
   * Returns the shape of a single value: no axes, one element.
   *
   * @return the shape of rank 0
   */
  public static Shape scalar() {
    return SCALAR;
  }

  /**
   * Returns the shape with these extents, which are not copied: the caller must not change them.
   */
  static Shape owning(long[] dims) {
    return new Shape(dims);
  }

  /**
   * Returns this shape without its first axis. A loop over the rows of a tensor asks again and
   * again, so it is made once.
   *
   * @throws IndexOutOfBoundsException if there is no axis
   */
  Shape row() {
    Shape known = row;
    return known == null ? row = makeRow() : known;
  }

  private Shape makeRow() {
    return dims.length == 1 ? SCALAR : new Shape(Arrays.copyOfRange(dims, 1, dims.length));
  }

  /** Returns this shape with so many rows, no more than it has; it has an element. */
  Shape withRows(long rows) {
    long[] fewer = dims.clone();
    fewer[0] = rows;
    return new Shape(fewer, row().numElements * rows);
  }

  private static long product(long[] dims) {
    boolean empty = false;
    for (long dim : dims) {
      if (dim < 0) {
        throw new IllegalArgumentException(
            "negative dimension " + dim + " in shape " + Arrays.toString(dims));
      }
      empty |= dim == 0;
    }
    if (empty) {
      return 0; // as in NumPy, even if the product of the other extents overflows
    }
    long product = 1;
    for (long dim : dims) {
      if (Math.multiplyHigh(product, dim) != 0 || product * dim < 0) {
        throw new IllegalArgumentException(
            "shape " + Arrays.toString(dims) + " has more than 2^63 - 1 elements");
      }
      product *= dim;
    }
    return product;
  }

  /**
   * Returns the number of axes.
   *
   * @return 0 for a scalar
   */
  public int rank() {
    return dims.length;
  }

  /**
   * Returns the number of elements: the product of the extents, 1 for a scalar.
   *
   * @return the number of elements
   */
  public long numElements() {
    return numElements;
  }

  /**
   * Returns the extent of an axis.
   *
   * @param axis from 0 to {@code rank() - 1}
   * @return the extent
   * @throws IndexOutOfBoundsException if there is no such axis
   */
  public long dim(int axis) {
    if (axis < 0 || axis >= dims.length) {
      throw new IndexOutOfBoundsException("axis " + axis + " of shape " + this);
    }
    return dims[axis];
  }

  /** Returns the extent of an axis that the caller knows to exist. */
  long extent(int axis) {
    return dims[axis];
  }

  /**
   * Returns the extents.
   *
   * @return a new array, outermost first
   */
  public long[] toArray() {
    return dims.clone();
  }

  @Override
  public boolean equals(Object other) {
    return this == other || (other instanceof Shape && Arrays.equals(dims, ((Shape) other).dims));
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  /**
   * Returns the extents in brackets, as in {@code [2, 3]}.
   *
   * @return the extents, outermost first
   */
  @Override
  public String toString() {
    return Arrays.toString(dims);
  }
}
