package dev.tensorarena.arrow;

import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.util.hash.ArrowBufHasher;
import org.apache.arrow.vector.ExtensionTypeVector;
import org.apache.arrow.vector.ValueVector;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.util.CallBack;
import org.apache.arrow.vector.util.TransferPair;

/**
 * A vector of {@link FixedShapeTensorType}, whose values are lists of a fixed size below. All of
 * them together are the tensor that {@link ArrowTensors#wrap} makes.
 */
public final class FixedShapeTensorVector extends ExtensionTypeVector<FixedSizeListVector> {
  private final FieldType fieldType;

  /**
   * Makes an empty vector. Its elements have the type of the field's child, which is told by {@link
   * #initializeChildrenFromFields}, as {@link Field#createVector} does.
   *
   * @param name of the field
   * @param fieldType a {@link FixedShapeTensorType}, with what else a field has
   * @param allocator for the lists
   */
  public FixedShapeTensorVector(String name, FieldType fieldType, BufferAllocator allocator) {
    super(name, allocator, lists(name, fieldType, allocator));
    this.fieldType = fieldType;
  }

  private static FixedSizeListVector lists(
      String name, FieldType fieldType, BufferAllocator allocator) {
    FixedShapeTensorType type = (FixedShapeTensorType) fieldType.getType();
    return new FixedSizeListVector(
        name, allocator, new FieldType(fieldType.isNullable(), type.storageType(), null), null);
  }

  /**
   * Returns the type of the values.
   *
   * @return the type
   */
  public FixedShapeTensorType type() {
    return (FixedShapeTensorType) fieldType.getType();
  }

  @Override
  public Field getField() {
    return new Field(getName(), fieldType, getUnderlyingVector().getField().getChildren());
  }

  /** Returns the elements of one value as a list, in the order in which they lie in memory. */
  @Override
  public List<?> getObject(int index) {
    return getUnderlyingVector().getObject(index);
  }

  @Override
  public int hashCode(int index) {
    return getUnderlyingVector().hashCode(index);
  }

  @Override
  public int hashCode(int index, ArrowBufHasher hasher) {
    return getUnderlyingVector().hashCode(index, hasher);
  }

  // ---- transfers: what Arrow has gives vectors of plain lists

  @Override
  public TransferPair getTransferPair(BufferAllocator allocator) {
    return getTransferPair(getName(), allocator);
  }

  @Override
  public TransferPair getTransferPair(String name, BufferAllocator allocator) {
    return makeTransferPair(new FixedShapeTensorVector(name, fieldType, allocator));
  }

  @Override
  public TransferPair getTransferPair(String name, BufferAllocator allocator, CallBack callBack) {
    return getTransferPair(name, allocator);
  }

  @Override
  public TransferPair getTransferPair(Field field, BufferAllocator allocator) {
    return makeTransferPair(
        new FixedShapeTensorVector(field.getName(), field.getFieldType(), allocator));
  }

  @Override
  public TransferPair getTransferPair(Field field, BufferAllocator allocator, CallBack callBack) {
    return getTransferPair(field, allocator);
  }

  @Override
  public TransferPair makeTransferPair(ValueVector target) {
    FixedShapeTensorVector to = (FixedShapeTensorVector) target;
    return new Transfer(to, getUnderlyingVector().makeTransferPair(to.getUnderlyingVector()));
  }

  /** Transfers the lists. */
  private record Transfer(FixedShapeTensorVector to, TransferPair lists) implements TransferPair {
    @Override
    public void transfer() {
      lists.transfer();
    }

    @Override
    public void splitAndTransfer(int start, int length) {
      lists.splitAndTransfer(start, length);
    }

    @Override
    public ValueVector getTo() {
      return to;
    }

    @Override
    public void copyValueSafe(int from, int at) {
      lists.copyValueSafe(from, at);
    }
  }
}
