import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import dev.tensorarena.onnxruntime.OnnxTensors;
import java.util.HexFormat;
import java.util.Map;

/** Tensors into a model and out of it; the argument says whether the module must be a named one. */
public class Program {
  /** In the format of onnx.proto: y = Identity(x), of float. */
  private static final String MODEL =
      "08083a320a100a017812017922084964656e74697479120849"
          + "64656e746974795a090a017812040a02080162090a01791204"
          + "0a02080142021011";

  public static void main(String[] args) throws OrtException {
    check(Boolean.parseBoolean(args[0]), OnnxTensors.class.getModule().isNamed());
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    OnnxTensor input;
    try (OrtSession session = environment.createSession(HexFormat.of().parseHex(MODEL));
        ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.allocSlice(3f, 1f, 2f);
      Tensor y = ctx.zeros(DType.FLOAT32, 3);
      input = OnnxTensors.createTensor(environment, x);
      check(false, input.ownsBuffer());
      try (OnnxTensor output = OnnxTensors.createOutput(environment, y)) {
        session.run(Map.of("x", input), Map.of("y", output)).close();
      }
      check(2f, y.getFloatAt(2));
      try (OrtSession.Result results = session.run(Map.of("x", input))) {
        check(true, x.contentEquals(OnnxTensors.copyOf(ctx, (OnnxTensor) results.get(0))));
      }
    }
    check(true, input.isClosed());
  }

  private static void check(Object expected, Object actual) {
    if (!expected.equals(actual)) {
      throw new AssertionError(actual + " instead of " + expected);
    }
  }
}
