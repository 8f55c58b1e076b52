package dev.tensorarena.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import dev.tensorarena.arrow.ArrowTensors;
import dev.tensorarena.netty.TensorBuffers;
import dev.tensorarena.onnxruntime.OnnxTensors;
import io.netty.buffer.ByteBuf;
import java.nio.FloatBuffer;
import java.util.HexFormat;
import java.util.Map;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does it cost to hand a tensor over to another library, and to take one of it: without a
 * copy, and by the copy that people write where there is no module for it?
 */
@State(Scope.Thread)
public class Interop extends AverageTime {
  /** In the format of onnx.proto: y = Identity(x), of float. */
  private static final String MODEL =
      "08083a320a100a017812017922084964656e74697479120849"
          + "64656e746974795a090a017812040a02080162090a01791204"
          + "0a02080142021011";

  private static final OrtEnvironment ONNX = OrtEnvironment.getEnvironment();

  /** Elements of f32. */
  @Param("10000")
  public int elements;

  private int bytes;
  private Shape shape;
  private ExecutionContext context;
  private Tensor tensor;
  private ByteBuf netty;
  private Float4Vector arrow;
  private OrtSession model;
  private OnnxTensor input;

  /**
   * Makes a tensor, and one of each library's.
   *
   * @throws OrtException never
   */
  @Setup
  public void open() throws OrtException {
    bytes = Float.BYTES * elements;
    shape = Shape.of(elements);
    context = ExecutionContext.open();
    tensor = context.zeros(DType.FLOAT32, elements);
    netty = Netty.POOLED.directBuffer(bytes).writeZero(bytes);
    arrow = copied();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      model = ONNX.createSession(HexFormat.of().parseHex(MODEL), options);
    }
    input = OnnxTensors.createTensor(ONNX, tensor);
  }

  /**
   * Gives the memory back.
   *
   * @throws OrtException never
   */
  @TearDown
  public void close() throws OrtException {
    context.close();
    model.close();
    arrow.close();
    netty.release();
  }

  /**
   * A buffer over the tensor, read once and released.
   *
   * @return a byte
   */
  @Benchmark
  public byte toNetty() {
    ByteBuf buffer = TensorBuffers.wrappedBuffer(tensor);
    byte read = buffer.getByte(0);
    buffer.release();
    return read;
  }

  /**
   * A pooled buffer that the tensor is copied to, read once and released.
   *
   * @return a byte
   */
  @Benchmark
  public byte toNettyByCopy() {
    ByteBuf buffer = Netty.POOLED.directBuffer(bytes).writeBytes(tensor.asByteBuffer());
    byte read = buffer.getByte(0);
    buffer.release();
    return read;
  }

  /**
   * A tensor over a buffer, in a scope of its own, read once.
   *
   * @return an element
   */
  @Benchmark
  public float fromNetty() {
    dev.tensorarena.Scope scope = context.scope();
    float read = TensorBuffers.wrap(context, netty, DType.FLOAT32, shape).getFloatAt(0);
    scope.close();
    return read;
  }

  /**
   * A tensor that a buffer is copied to, in a scope of its own, read once.
   *
   * @return an element
   */
  @Benchmark
  public float fromNettyByCopy() {
    dev.tensorarena.Scope scope = context.scope();
    Tensor copy = context.empty(DType.FLOAT32, shape);
    netty.getBytes(netty.readerIndex(), copy.asByteBuffer());
    float read = copy.getFloatAt(0);
    scope.close();
    return read;
  }

  /**
   * A vector over the tensor, which is frozen by the first, read once and closed.
   *
   * @return an element
   */
  @Benchmark
  public float toArrow() {
    try (FieldVector vector = ArrowTensors.vector(Arrow.ROOT, "x", tensor)) {
      return ((Float4Vector) vector).get(0);
    }
  }

  /**
   * A vector that the tensor is copied to, read once and closed.
   *
   * @return an element
   */
  @Benchmark
  public float toArrowByCopy() {
    try (Float4Vector vector = copied()) {
      return vector.get(0);
    }
  }

  private Float4Vector copied() {
    Float4Vector vector = new Float4Vector("x", Arrow.ROOT);
    vector.allocateNew(elements);
    vector.getDataBuffer().setBytes(0, tensor.asByteBuffer());
    vector.getValidityBuffer().setOne(0, vector.getValidityBuffer().capacity());
    vector.setValueCount(elements);
    return vector;
  }

  /**
   * A tensor over a vector, in a scope of its own, read once.
   *
   * @return an element
   */
  @Benchmark
  public float fromArrow() {
    dev.tensorarena.Scope scope = context.scope();
    float read = ArrowTensors.wrap(context, arrow).getFloatAt(0);
    scope.close();
    return read;
  }

  /**
   * A tensor that a vector is copied to, in a scope of its own, read once.
   *
   * @return an element
   */
  @Benchmark
  public float fromArrowByCopy() {
    dev.tensorarena.Scope scope = context.scope();
    Tensor copy = context.empty(DType.FLOAT32, shape);
    copy.asByteBuffer().put(arrow.getDataBuffer().nioBuffer(0, bytes));
    float read = copy.getFloatAt(0);
    scope.close();
    return read;
  }

  /**
   * A value over the tensor, asked for its type and closed.
   *
   * @return something of it
   * @throws OrtException never
   */
  @Benchmark
  public Object toOnnx() throws OrtException {
    try (OnnxTensor value = OnnxTensors.createTensor(ONNX, tensor)) {
      return value.getInfo();
    }
  }

  /**
   * A value that the tensor is copied to, by an array, asked for its type and closed.
   *
   * @return something of it
   * @throws OrtException never
   */
  @Benchmark
  public Object toOnnxByCopy() throws OrtException {
    FloatBuffer array = FloatBuffer.wrap(tensor.toFloatArray());
    try (OnnxTensor value = OnnxTensor.createTensor(ONNX, array, shape.toArray())) {
      return value.getInfo();
    }
  }

  /**
   * A run of a model that copies its input, to a tensor in a scope of its own, read once.
   *
   * @return an element
   * @throws OrtException never
   */
  @Benchmark
  public float fromOnnx() throws OrtException {
    dev.tensorarena.Scope scope = context.scope();
    Tensor result = context.empty(DType.FLOAT32, shape);
    try (OnnxTensor output = OnnxTensors.createOutput(ONNX, result)) {
      model.run(Map.of("x", input), Map.of("y", output)).close();
    }
    float read = result.getFloatAt(0);
    scope.close();
    return read;
  }

  /**
   * The same run to memory of ONNX Runtime's, which is copied to a buffer and from that to a tensor
   * in a scope of its own, read once.
   *
   * @return an element
   * @throws OrtException never
   */
  @Benchmark
  public float fromOnnxByCopy() throws OrtException {
    dev.tensorarena.Scope scope = context.scope();
    Tensor copy = context.empty(DType.FLOAT32, shape);
    try (OrtSession.Result results = model.run(Map.of("x", input))) {
      copy.asFloatBuffer().put(((OnnxTensor) results.get(0)).getFloatBuffer());
    }
    float read = copy.getFloatAt(0);
    scope.close();
    return read;
  }
}
