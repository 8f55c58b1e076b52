import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import dev.tensorarena.netty.TensorBuffers;
import io.netty.buffer.ByteBuf;

/** A tensor as a buffer, and back; the argument says whether the module must be a named one. */
public class Program {
  public static void main(String[] args) {
    check(Boolean.parseBoolean(args[0]), TensorBuffers.class.getModule().isNamed());
    ByteBuf buffer;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(3f, 1f, 2f);
      buffer = TensorBuffers.wrappedBuffer(tensor);
      check(tensor.address(), buffer.memoryAddress());
    }
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = TensorBuffers.wrap(ctx, buffer, DType.FLOAT32, Shape.of(3));
      buffer.release();
      check(2f, tensor.getFloatAt(2));
      check(1, buffer.refCnt());
    }
    check(0, buffer.refCnt());
  }

  private static void check(Object expected, Object actual) {
    if (!expected.equals(actual)) {
      throw new AssertionError(actual + " instead of " + expected);
    }
  }
}
