import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import dev.tensorarena.arrow.ArrowTensors;
import dev.tensorarena.blas.Blas;
import dev.tensorarena.ffm.Segments;
import dev.tensorarena.jna.TensorPointer;
import dev.tensorarena.netty.TensorBuffers;
import dev.tensorarena.onnxruntime.OnnxTensors;
import io.netty.buffer.ByteBuf;
import java.lang.foreign.ValueLayout;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;

/** Uses every module once; the argument says whether they must be named modules. */
public class Program {
  public static void main(String[] args) throws Exception {
    for (Class<?> type :
        new Class<?>[] {
          ExecutionContext.class,
          Segments.class,
          Blas.class,
          TensorPointer.class,
          ArrowTensors.class,
          TensorBuffers.class,
          OnnxTensors.class
        }) {
      check(Boolean.parseBoolean(args[0]), type.getModule().isNamed(), type.getModule());
    }
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(3f, 1f, 2f);
      check(14.0, Blas.dot(tensor, tensor), "dot");
      check(2f, Segments.of(tensor).getAtIndex(ValueLayout.JAVA_FLOAT, 2), "segment");
      check(2f, TensorPointer.of(tensor).getFloat(8), "pointer");
      ByteBuf buffer = TensorBuffers.wrappedBuffer(tensor);
      check(tensor.address(), buffer.memoryAddress(), "buffer");
      buffer.release();
      try (BufferAllocator allocator = new RootAllocator();
          FieldVector vector = ArrowTensors.vector(allocator, "x", tensor)) {
        check(tensor.address(), vector.getDataBufferAddress(), "vector");
      }
      try (OnnxTensor value =
          OnnxTensors.createTensor(OrtEnvironment.getEnvironment(), tensor)) {
        check(2f, OnnxTensors.copyOf(ctx, value).getFloatAt(2), "value");
      }
    }
  }

  private static void check(Object expected, Object actual, Object of) {
    if (!expected.equals(actual)) {
      throw new AssertionError(of + ": " + actual + " instead of " + expected);
    }
  }
}
