package dev.tensorarena.blas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;

import com.sun.jna.Native;
import dev.tensorarena.Bundles;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The core, JNA and this module as OSGi bundles. */
class BundleTest {
  @Test
  void aTensorIsAnOperandInABundle(@TempDir Path folder) throws Exception {
    try (Bundles bundles =
        new Bundles(folder, List.of(ExecutionContext.class, Native.class, Blas.class))) {
      Class<?> contexts = bundles.load(ExecutionContext.class);
      assertNotSame(ExecutionContext.class, contexts);
      try (AutoCloseable ctx = (AutoCloseable) contexts.getMethod("open").invoke(null)) {
        Object tensor =
            contexts.getMethod("allocSlice", float[].class).invoke(ctx, new float[] {3, 1, 2});
        Class<?> tensors = bundles.load(Tensor.class);
        Object product =
            bundles
                .load(Blas.class)
                .getMethod("dot", tensors, tensors)
                .invoke(null, tensor, tensor);
        assertEquals(14.0, product);
      }
    }
  }
}
