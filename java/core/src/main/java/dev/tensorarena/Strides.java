package dev.tensorarena;

import java.util.Arrays;
import java.util.Comparator;

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
   * Returns strides that somebody gave, with 1 for axes where they do not matter.
   *
   * @throws IllegalArgumentException if they are not one for each axis, negative, reach beyond
   *     2<sup>63</sup> - 1 elements, or if the elements of one axis lie over or between those of
   *     another
   */
  static long[] checked(Shape shape, long[] given) {
    if (given.length != shape.rank()) {
      throw new IllegalArgumentException(wrong(shape, given, "there must be one for each axis"));
    }
    if (shape.numElements() == 0) {
      return rowMajor(shape);
    }
    long[] strides = given.clone();
    Integer[] axes = new Integer[strides.length];
    for (int axis = 0; axis < axes.length; axis++) {
      axes[axis] = axis;
      if (shape.extent(axis) == 1) {
        strides[axis] = 1;
      } else if (strides[axis] < 0) {
        throw new IllegalArgumentException(wrong(shape, given, "none may be negative"));
      }
    }
    // Axes in nested order, each of which must step over all elements of those within.
    Arrays.sort(axes, Comparator.comparingLong(axis -> strides[axis]));
    long spanned = 1;
    for (int axis : axes) {
      long steps = shape.extent(axis) - 1;
      if (steps > 0 && strides[axis] < spanned) {
        throw new IllegalArgumentException(
            wrong(shape, given, "elements would overlap or interleave"));
      }
      if (steps > 0 && strides[axis] > (Long.MAX_VALUE - spanned) / steps) {
        throw new IllegalArgumentException(
            wrong(shape, given, "they reach beyond 2^63 - 1 elements"));
      }
      spanned += steps * strides[axis];
    }
    return strides;
  }

  private static String wrong(Shape shape, long[] strides, String why) {
    return "strides " + Arrays.toString(strides) + " for shape " + shape + ": " + why;
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
