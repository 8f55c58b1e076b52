package dev.tensorarena.arrow;

import dev.tensorarena.DType;
import dev.tensorarena.Shape;
import java.util.Arrays;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;

/** Vectors whose values lie in row-major order without gaps: lists of a fixed size, nested. */
final class Vectors {
  /** The field of what is in lists: Arrow's vectors call it so, whatever a field says. */
  private static final String LISTED = "$data$";

  private Vectors() {}

  /**
   * Returns the field of a column with a value for each index of the first axis.
   *
   * @throws IllegalArgumentException if there is no axis, no type, or an extent is too large
   */
  static Field field(String name, DType dtype, Shape shape) {
    requireCounts(dtype, shape);
    return nested(name, dtype, shape, 1);
  }

  private static Field nested(String name, DType dtype, Shape shape, int axis) {
    return axis == shape.rank()
        ? new Field(name, Elements.fieldType(dtype), null)
        : new Field(
            name,
            FieldType.nullable(new ArrowType.FixedSizeList((int) shape.dim(axis))),
            List.of(nested(LISTED, dtype, shape, axis + 1)));
  }

  /** Arrow counts values by an {@code int}, on each level. */
  private static void requireCounts(DType dtype, Shape shape) {
    if (shape.rank() == 0) {
      throw new IllegalArgumentException(
          "a "
              + dtype
              + " scalar has no axis to be a column's rows; pass reshape(Shape.of(1)) of it");
    }
    long values = 1;
    for (long extent : shape.toArray()) {
      values = extent > Integer.MAX_VALUE ? extent : values * extent;
      if (values > Integer.MAX_VALUE) {
        throw new IllegalArgumentException(
            "a "
                + dtype
                + " tensor of shape "
                + shape
                + " has too many elements for a vector of Arrow's, which counts up to "
                + Integer.MAX_VALUE
                + "; pass slices of it, or take buffer(allocator, tensor)");
      }
    }
  }

  /**
   * Makes a vector over bytes.
   *
   * @param field one whose vector has a value for each index of the shape's first axis
   * @param bytes are held by the vector, and by nobody where this throws
   */
  static FieldVector over(
      TensorAllocation bytes, BufferAllocator allocator, Field field, Shape shape) {
    FieldVector vector = field.createVector(allocator);
    try (ArrowBuf data = allocator.wrapForeignAllocation(bytes)) {
      load(vector, shape, data, allocator.getEmpty());
      return vector;
    } catch (Throwable e) {
      vector.close();
      throw e;
    }
  }

  /** Loads every level; from no bits Arrow makes its own, which say that no value is null. */
  private static void load(FieldVector outermost, Shape shape, ArrowBuf data, ArrowBuf noBits) {
    FieldVector vector = outermost;
    long values = 1;
    for (int axis = 0; axis < shape.rank(); axis++) {
      values *= shape.dim(axis);
      ArrowFieldNode node = new ArrowFieldNode(values, 0);
      if (axis == shape.rank() - 1) {
        vector.loadFieldBuffers(node, List.of(noBits, data));
      } else {
        vector.loadFieldBuffers(node, List.of(noBits));
        vector = vector.getChildrenFromFields().get(0);
      }
    }
  }

  /** Where a vector's values lie, and what they are. */
  record Values(DType dtype, Shape shape, ArrowBuf data) {
    long bytes() {
      return shape.numElements() * dtype.byteSize();
    }
  }

  /**
   * Returns the values of a vector of elements, or of lists of a fixed size, nested.
   *
   * @throws IllegalArgumentException if it is another vector, or has nulls
   */
  static Values of(FieldVector outermost) {
    FieldVector vector = outermost;
    Shape shape = Shape.of(vector.getValueCount());
    while (vector instanceof FixedSizeListVector lists) {
      requireNoNulls(vector);
      shape = with(shape, lists.getListSize());
      vector = lists.getDataVector();
    }
    DType dtype = Elements.dtype(vector.getField());
    requireNoNulls(vector);
    ArrowBuf data = vector.getDataBuffer();
    long elements = Math.min(vector.getValueCount(), data.capacity() / dtype.byteSize());
    if (elements < shape.numElements()) { // Arrow believes what a file says
      throw new IllegalArgumentException(
          "the vector of "
              + outermost.getField()
              + " has "
              + elements
              + " elements, fewer than its lists, which are a tensor of shape "
              + shape);
    }
    return new Values(dtype, shape, data);
  }

  private static Shape with(Shape outer, long extent) {
    long[] extents = Arrays.copyOf(outer.toArray(), outer.rank() + 1);
    extents[outer.rank()] = extent;
    return Shape.of(extents);
  }

  private static void requireNoNulls(FieldVector vector) {
    int nulls = vector.getNullCount();
    if (nulls != 0) {
      throw new IllegalArgumentException(
          "the vector of "
              + vector.getField()
              + " has "
              + nulls
              + " nulls among its "
              + vector.getValueCount()
              + " values, and a tensor has none");
    }
  }
}
