package dev.tensorarena.arrow;

import dev.tensorarena.DType;
import java.util.Map;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;

/** The types of elements that both sides have. */
final class Elements {
  /**
   * Arrow's {@code bool} has a bit for each element. Its canonical extension for those that have a
   * byte, of which 0 is false and any other true, is known by the field's metadata.
   */
  private static final String BOOL8 = "arrow.bool8";

  private static final String EXTENSION = ArrowType.ExtensionType.EXTENSION_METADATA_KEY_NAME;

  private Elements() {}

  /**
   * Returns the type of a field for elements.
   *
   * @throws IllegalArgumentException if Arrow has none
   */
  static FieldType fieldType(DType dtype) {
    return switch (dtype) {
      case FLOAT16 -> floating(FloatingPointPrecision.HALF);
      case FLOAT32 -> floating(FloatingPointPrecision.SINGLE);
      case FLOAT64 -> floating(FloatingPointPrecision.DOUBLE);
      case INT8, INT16, INT32, INT64 -> integer(dtype, true, null);
      case UINT8 -> integer(dtype, false, null);
      case BOOL ->
          integer(
              dtype,
              true,
              Map.of(
                  EXTENSION, BOOL8, ArrowType.ExtensionType.EXTENSION_METADATA_KEY_METADATA, ""));
      case BFLOAT16 ->
          throw new IllegalArgumentException(
              "Arrow has no type for the elements of a BFLOAT16 tensor; buffer(allocator, tensor)"
                  + " gives their bytes without a type");
    };
  }

  private static FieldType floating(FloatingPointPrecision precision) {
    return FieldType.nullable(new ArrowType.FloatingPoint(precision));
  }

  private static FieldType integer(DType dtype, boolean signed, Map<String, String> metadata) {
    ArrowType type = new ArrowType.Int(dtype.byteSize() * Byte.SIZE, signed);
    return new FieldType(true, type, null, metadata);
  }

  /**
   * Returns the type of a field's elements.
   *
   * @throws IllegalArgumentException if tensors have none such
   */
  static DType dtype(Field field) {
    if (field.getDictionary() != null) {
      throw new IllegalArgumentException(
          "the field " + field + " is dictionary-encoded: its vector has indices, not elements");
    }
    ArrowType type = field.getType();
    if (type.equals(fieldType(DType.INT8).getType())
        && BOOL8.equals(field.getMetadata().get(EXTENSION))) {
      return DType.BOOL;
    }
    for (DType dtype : DType.values()) {
      if (dtype != DType.BFLOAT16
          && dtype != DType.BOOL
          && type.equals(fieldType(dtype).getType())) {
        return dtype;
      }
    }
    throw new IllegalArgumentException(
        "no tensor has elements as those of the field "
            + field
            + (type instanceof ArrowType.Bool
                ? ": it has a bit for each, and a BOOL tensor a byte"
                : type instanceof ArrowType.ExtensionType
                    ? ": it is of an extension type, of which getUnderlyingVector() may be wrapped"
                    : ""));
  }
}
