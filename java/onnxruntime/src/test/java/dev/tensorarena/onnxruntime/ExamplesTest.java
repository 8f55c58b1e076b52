package dev.tensorarena.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the README and the package's description show: the core compares them. */
class ExamplesTest {
  @Test
  void aModelReadsAndWritesTensors() throws Exception {
    OrtEnvironment environment = Models.ENVIRONMENT;
    try (ExecutionContext ctx = ExecutionContext.open();
        OrtSession session = Models.identity(Models.FLOAT)) {
      // example
      Tensor x = ctx.copyOf(Shape.of(1, 3), 1f, 2f, 3f);
      Tensor y = ctx.empty(DType.FLOAT32, 1, 3);
      try (OnnxTensor input = OnnxTensors.createTensor(environment, x);
          OnnxTensor output = OnnxTensors.createOutput(environment, y)) {
        session.run(Map.of("x", input), Map.of("y", output)).close(); // no copy: y has the result
      }
      // end of example
      assertArrayEquals(new float[] {1, 2, 3}, y.toFloatArray());

      // example
      Tensor result;
      try (OnnxTensor input = OnnxTensors.createTensor(environment, x);
          OrtSession.Result results = session.run(Map.of("x", input))) {
        result = OnnxTensors.copyOf(ctx, (OnnxTensor) results.get("y").orElseThrow());
      }
      // end of example
      assertArrayEquals(new float[] {1, 2, 3}, result.toFloatArray());
    }
  }
}
