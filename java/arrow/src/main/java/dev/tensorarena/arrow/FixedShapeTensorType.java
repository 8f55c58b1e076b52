package dev.tensorarena.arrow;

import dev.tensorarena.DType;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.ExtensionTypeRegistry;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;

/**
 * Arrow's canonical type {@value #NAME}: every value of a column is a tensor of the same shape. The
 * values lie one after another, as lists of a fixed size; the type says how each list is a tensor.
 *
 * <p>Files and streams are read as this type once it was {@linkplain #register() registered}, and
 * as plain lists before.
 *
 * <p>Immutable.
 */
public final class FixedShapeTensorType extends ArrowType.ExtensionType {
  /** The name of the type. */
  public static final String NAME = "arrow.fixed_shape_tensor";

  private final TensorLayout layout;

  /**
   * Makes the type of tensors whose axes are those that lie in memory, without names.
   *
   * @param shape of each value
   * @throws IllegalArgumentException if it has 2<sup>31</sup> elements or more
   */
  public FixedShapeTensorType(Shape shape) {
    this(shape, java.util.List.of(), java.util.List.of()); // List is a type of Arrow's here
  }

  /**
   * Makes a type.
   *
   * @param shape of each value as it lies in memory, row-major: its physical shape
   * @param permutation for each logical axis the physical one that it stands for, as {@link
   *     Tensor#transpose} takes it; none, or one that changes nothing, for physical axes
   * @param dimNames the names of the physical axes; none if they have no names
   * @throws IllegalArgumentException if the shape has 2<sup>31</sup> elements or more, the
   *     permutation does not name each axis once, or there are more or fewer names than axes
   */
  public FixedShapeTensorType(
      Shape shape, java.util.List<Integer> permutation, java.util.List<String> dimNames) {
    this(new TensorLayout(shape, permutation, dimNames));
  }

  FixedShapeTensorType(TensorLayout layout) {
    this.layout = layout;
  }

  /**
   * Has Arrow read columns of this type as {@link FixedShapeTensorVector}, in the whole class
   * loader of Arrow. Nothing in this module does so by itself. Another type that is registered
   * under the same name is left there.
   *
   * @return false if another type is registered
   */
  public static boolean register() {
    synchronized (FixedShapeTensorType.class) {
      ExtensionType found = ExtensionTypeRegistry.lookup(NAME);
      if (found == null) {
        found = new FixedShapeTensorType(Shape.scalar()); // makes others of what it reads
        ExtensionTypeRegistry.register(found);
      }
      return found instanceof FixedShapeTensorType;
    }
  }

  /**
   * Returns the shape of each value as it lies in memory.
   *
   * @return the physical shape
   */
  public Shape shape() {
    return layout.shape();
  }

  /**
   * Returns the shape of each value in the order of its logical axes.
   *
   * @return the shape after the permutation
   */
  public Shape logicalShape() {
    return layout.logicalShape();
  }

  /**
   * Returns for each logical axis the physical one that it stands for.
   *
   * @return each axis once
   */
  public java.util.List<Integer> permutation() {
    return layout.order();
  }

  /**
   * Returns the names of the physical axes.
   *
   * @return the names, or none
   */
  public java.util.List<String> dimNames() {
    return layout.dimNames();
  }

  TensorLayout layout() {
    return layout;
  }

  /** Returns the field of a column of so many rows and elements in each. */
  Field field(String name, DType dtype, Shape stored) {
    return new Field(
        name, FieldType.nullable(this), Vectors.field(name, dtype, stored).getChildren());
  }

  // ---- what Arrow asks

  @Override
  public ArrowType storageType() {
    return new FixedSizeList((int) shape().numElements());
  }

  @Override
  public String extensionName() {
    return NAME;
  }

  @Override
  public boolean extensionEquals(ExtensionType other) {
    return other instanceof FixedShapeTensorType type && layout.equals(type.layout);
  }

  @Override
  public int hashCode() {
    return layout.hashCode();
  }

  /** Returns the type's metadata, as JSON. */
  @Override
  public String serialize() {
    return TensorMetadata.write(layout);
  }

  /**
   * Makes the type of what was read.
   *
   * @throws IllegalArgumentException if the metadata is not what the type's specification asks for,
   *     or the lists have another size
   */
  @Override
  public ArrowType deserialize(ArrowType storageType, String serializedData) {
    FixedShapeTensorType type = new FixedShapeTensorType(TensorMetadata.read(serializedData));
    if (!type.storageType().equals(storageType)) {
      throw new IllegalArgumentException(
          "the metadata of " + NAME + " is " + serializedData + ", and its storage " + storageType);
    }
    return type;
  }

  @Override
  public FieldVector getNewVector(String name, FieldType fieldType, BufferAllocator allocator) {
    return new FixedShapeTensorVector(name, fieldType, allocator);
  }

  @Override
  public String toString() {
    return NAME + serialize();
  }
}
