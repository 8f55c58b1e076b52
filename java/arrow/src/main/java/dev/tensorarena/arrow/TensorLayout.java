package dev.tensorarena.arrow;

import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * How each value of a column lies in memory: row-major, by its physical shape. Its logical axes are
 * these in another order.
 *
 * @param shape the physical one
 * @param permutation for each logical axis the physical one; empty if they are the same
 * @param dimNames the names of the physical axes; empty if they have none
 */
record TensorLayout(Shape shape, List<Integer> permutation, List<String> dimNames) {
  TensorLayout {
    if (shape.numElements() > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "values of shape "
              + shape
              + " have more than the "
              + Integer.MAX_VALUE
              + " elements of a list of Arrow's");
    }
    List<Integer> axes = axes(shape);
    if (!permutation.isEmpty()
        && !(permutation.size() == axes.size() && new HashSet<>(permutation).containsAll(axes))) {
      throw new IllegalArgumentException(
          "permutation " + permutation + " does not name each axis of shape " + shape + " once");
    }
    if (!dimNames.isEmpty() && dimNames.size() != shape.rank()) {
      throw new IllegalArgumentException(
          "dim_names " + dimNames + " are not one for each axis of shape " + shape);
    }
    permutation = permutation.equals(axes) ? List.of() : List.copyOf(permutation);
    dimNames = List.copyOf(dimNames);
  }

  private static List<Integer> axes(Shape shape) {
    return IntStream.range(0, shape.rank()).boxed().toList();
  }

  /** Returns the permutation, also if it changes nothing. */
  List<Integer> order() {
    return permutation.isEmpty() ? axes(shape) : permutation;
  }

  Shape logicalShape() {
    return Shape.of(order().stream().mapToLong(shape::dim).toArray());
  }

  /** Returns values, as they lie in lists, with their logical axes. */
  Tensor logical(Tensor lists) {
    long[] extents = new long[shape.rank() + 1];
    extents[0] = lists.shape().dim(0);
    System.arraycopy(shape.toArray(), 0, extents, 1, shape.rank());
    Tensor physical = lists.reshape(Shape.of(extents));
    return permutation.isEmpty() ? physical : physical.transpose(behindRows(permutation));
  }

  /**
   * Returns values with logical axes as they lie in memory.
   *
   * @throws IllegalArgumentException if they have another shape, or lie in another order
   */
  Tensor physical(Tensor values) {
    long[] extents = values.shape().toArray();
    if (extents.length == 0
        || !logicalShape().equals(Shape.of(Arrays.copyOfRange(extents, 1, extents.length)))) {
      throw new IllegalArgumentException(
          "a "
              + values.dtype()
              + " tensor of shape "
              + values.shape()
              + " is no column of values whose logical shape is "
              + logicalShape());
    }
    if (permutation.isEmpty()) {
      return values;
    }
    Integer[] inverse = new Integer[permutation.size()];
    for (int axis = 0; axis < inverse.length; axis++) {
      inverse[permutation.get(axis)] = axis;
    }
    int[] stored = behindRows(List.of(inverse));
    Tensor physical = values.transpose(stored);
    if (!physical.isContiguous()) {
      throw new IllegalArgumentException(
          values
              + " does not lie as permutation "
              + permutation
              + " says; pass transpose("
              + list(stored)
              + ").contiguous(ctx).transpose("
              + list(behindRows(permutation))
              + ")");
    }
    return physical;
  }

  private static String list(int[] axes) {
    return Arrays.stream(axes).mapToObj(Integer::toString).collect(Collectors.joining(", "));
  }

  private static int[] behindRows(List<Integer> axes) {
    int[] all = new int[axes.size() + 1];
    for (int axis = 1; axis < all.length; axis++) {
      all[axis] = axes.get(axis - 1) + 1;
    }
    return all;
  }
}
