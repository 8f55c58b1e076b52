package dev.tensorarena.arrow;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tensorarena.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * The metadata of {@link FixedShapeTensorType}: an object with the array {@code shape}, and
 * possibly with {@code permutation} and {@code dim_names}. What else is in it is not looked at.
 */
final class TensorMetadata {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private TensorMetadata() {}

  static String write(TensorLayout layout) {
    ObjectNode metadata = JSON.createObjectNode();
    ArrayNode extents = metadata.putArray("shape");
    for (long extent : layout.shape().toArray()) {
      extents.add(extent);
    }
    if (!layout.permutation().isEmpty()) {
      layout.permutation().forEach(metadata.putArray("permutation")::add);
    }
    if (!layout.dimNames().isEmpty()) {
      layout.dimNames().forEach(metadata.putArray("dim_names")::add);
    }
    return metadata.toString();
  }

  static TensorLayout read(String text) {
    try {
      JsonNode metadata = JSON.readTree(text);
      if (!metadata.path("shape").isArray()) {
        throw new IllegalArgumentException("there is no array \"shape\"");
      }
      long[] extents =
          array(metadata, "shape", JsonNode::canConvertToLong, JsonNode::longValue).stream()
              .mapToLong(Long::longValue)
              .toArray();
      return new TensorLayout(
          Shape.of(extents),
          array(metadata, "permutation", JsonNode::canConvertToInt, JsonNode::intValue),
          array(metadata, "dim_names", JsonNode::isTextual, JsonNode::textValue));
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "the metadata of " + FixedShapeTensorType.NAME + " is " + text + ": " + e.getMessage(),
          e);
    }
  }

  /** Returns the elements of an array, which may be missing. */
  private static <T> List<T> array(
      JsonNode metadata, String name, Predicate<JsonNode> is, Function<JsonNode, T> value) {
    JsonNode array = metadata.path(name);
    if (!array.isArray() && !array.isMissingNode() && !array.isNull()) {
      throw new IllegalArgumentException("\"" + name + "\" is no array");
    }
    List<T> values = new ArrayList<>();
    for (JsonNode element : array) {
      if (!is.test(element) || element.isFloatingPointNumber()) {
        throw new IllegalArgumentException("\"" + name + "\" has " + element);
      }
      values.add(value.apply(element));
    }
    return values;
  }
}
