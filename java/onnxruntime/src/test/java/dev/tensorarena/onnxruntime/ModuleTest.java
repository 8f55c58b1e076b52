package dev.tensorarena.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.onnxruntime.OnnxTensor;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ModularProgram;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * This module on the module path, where ONNX Runtime is an automatic module, which jlink refuses.
 */
class ModuleTest {
  @Test
  void tensorsAreValuesOnTheModulePath(@TempDir Path folder) throws Exception {
    ModularProgram program =
        new ModularProgram(
            folder,
            List.of("dev.tensorarena", "dev.tensorarena.onnxruntime", "com.microsoft.onnxruntime"),
            """
            try (var ctx = dev.tensorarena.ExecutionContext.open()) {
              var value = dev.tensorarena.onnxruntime.OnnxTensors.createTensor(
                  ai.onnxruntime.OrtEnvironment.getEnvironment(), ctx.allocSlice(3f, 1f, 2f));
              var copy = dev.tensorarena.onnxruntime.OnnxTensors.copyOf(ctx, value);
              System.out.println(copy.getFloatAt(2));
              System.out.println(dev.tensorarena.onnxruntime.OnnxTensors.class.getModule());
            } catch (ai.onnxruntime.OrtException e) {
              throw new IllegalStateException(e);
            }
            """,
            List.of(ExecutionContext.class, OnnxTensors.class, OnnxTensor.class));
    assertEquals(
        List.of("2.0", "module dev.tensorarena.onnxruntime"), program.run().lines().toList());
    program.assertNotLinked("com.microsoft.onnxruntime");
  }
}
