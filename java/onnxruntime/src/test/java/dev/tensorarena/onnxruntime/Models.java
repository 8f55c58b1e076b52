package dev.tensorarena.onnxruntime;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.tensorarena.DType;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Models of one operator, written as onnx.proto says: inputs {@code x}, {@code x1}, output y. */
final class Models {
  static final OrtEnvironment ENVIRONMENT = OrtEnvironment.getEnvironment();

  /** Types of elements, by their numbers in TensorProto.DataType. */
  static final int FLOAT = 1;

  static final int UINT16 = 4;
  static final int INT64 = 7;
  static final int UINT32 = 12;
  static final int UINT64 = 13;

  private static final int IR_VERSION = 8;
  private static final int OPSET_VERSION = 17;
  private static final int ATTRIBUTE_INT = 2;

  private Models() {}

  static int number(DType dtype) {
    return switch (dtype) {
      case FLOAT32 -> FLOAT;
      case UINT8 -> 2;
      case INT8 -> 3;
      case INT16 -> 5;
      case INT32 -> 6;
      case INT64 -> INT64;
      case BOOL -> 9;
      case FLOAT16 -> 10;
      case FLOAT64 -> 11;
      case BFLOAT16 -> 16;
    };
  }

  /** What it is given, of one type. */
  static OrtSession identity(int type) throws OrtException {
    return session("Identity", List.of(type), type, new Message());
  }

  /** The sum of two matrices of float32, broadcast. */
  static OrtSession add() throws OrtException {
    return session("Add", List.of(FLOAT, FLOAT), FLOAT, new Message());
  }

  /** The values that are not 0, as pairs of indices: as many as there are. */
  static OrtSession nonZero() throws OrtException {
    return session("NonZero", List.of(FLOAT), INT64, new Message());
  }

  /** The same numbers in another type. */
  static OrtSession cast(int from, int to) throws OrtException {
    Message target = new Message().text(1, "to").number(3, to).number(20, ATTRIBUTE_INT);
    return session("Cast", List.of(from), to, new Message().message(5, target));
  }

  private static OrtSession session(String operator, List<Integer> from, int to, Message attributes)
      throws OrtException {
    Message node = new Message();
    Message graph = new Message();
    for (int i = 0; i < from.size(); i++) {
      node.text(1, input(i));
    }
    node.text(2, "y").text(4, operator).append(attributes);
    graph.message(1, node).text(2, operator);
    for (int i = 0; i < from.size(); i++) {
      graph.message(11, value(input(i), from.get(i)));
    }
    graph.message(12, value("y", to));
    byte[] model =
        new Message()
            .number(1, IR_VERSION)
            .message(7, graph)
            .message(8, new Message().number(2, OPSET_VERSION))
            .toBytes();
    return ENVIRONMENT.createSession(model);
  }

  private static String input(int i) {
    return i == 0 ? "x" : "x" + i;
  }

  /** A value of a type, and of any shape. */
  private static Message value(String name, int type) {
    Message tensor = new Message().message(1, new Message().number(1, type));
    return new Message().text(1, name).message(2, tensor);
  }

  /** A message of protocol buffers. */
  private static final class Message {
    private static final int VARINT = 0;
    private static final int LENGTH_DELIMITED = 2;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    Message number(int field, long value) {
      varint(field << 3 | VARINT);
      varint(value);
      return this;
    }

    Message text(int field, String text) {
      return bytes(field, text.getBytes(StandardCharsets.UTF_8));
    }

    Message message(int field, Message message) {
      return bytes(field, message.toBytes());
    }

    Message append(Message fields) {
      bytes.writeBytes(fields.toBytes());
      return this;
    }

    byte[] toBytes() {
      return bytes.toByteArray();
    }

    private Message bytes(int field, byte[] value) {
      varint(field << 3 | LENGTH_DELIMITED);
      varint(value.length);
      bytes.writeBytes(value);
      return this;
    }

    private void varint(long value) {
      long rest = value;
      for (; (rest & ~0x7FL) != 0; rest >>>= 7) {
        bytes.write((int) (rest & 0x7F | 0x80));
      }
      bytes.write((int) rest);
    }
  }
}
