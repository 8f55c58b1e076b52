package dev.tensorarena;

/**
 * Arithmetic of strides, all in elements. Where strides are null, the elements are in row-major
 * order without gaps.
 */
final class Strides {
  private Strides() {}

  /** Returns the strides of a row-major tensor. */
  static long[] rowMajor(Shape shape) {
    long[] strides = new long[shape.rank()];
    long stride = 1;
    for (int axis = strides.length - 1; axis >= 0; axis--) {
      strides[axis] = stride;
      stride *= shape.extent(axis);
    }
    return strides;
  }

  /** Returns the strides, or null if they are those of a row-major tensor. */
  static long[] normalised(Shape shape, long[] strides) {
    if (shape.numElements() == 0) {
      return null;
    }
    long expected = 1;
    for (int axis = strides.length - 1; axis >= 0; axis--) {
      if (shape.extent(axis) != 1) { // the stride of an axis of extent 1 does not matter
        if (strides[axis] != expected) {
          return strides;
        }
        expected *= shape.extent(axis);
      }
    }
    return null;
  }

  /**
   * Returns the number of elements that the tensor spans, from its first to its last, gaps
   * included.
   */
  static long extent(Shape shape, long[] strides) {
    if (shape.numElements() == 0) {
      return 0;
    }
    long last = 0;
    for (int axis = 0; axis < strides.length; axis++) {
      last += (shape.extent(axis) - 1) * strides[axis];
    }
    return last + 1;
  }

  /** Returns the distance of an element from the first, by its row-major index. */
  static long place(Shape shape, long[] strides, long flat) {
    long rest = flat;
    long place = 0;
    for (int axis = strides.length - 1; axis >= 0; axis--) {
      long extent = shape.extent(axis);
      place += rest % extent * strides[axis];
      rest /= extent;
    }
    return place;
  }
}
