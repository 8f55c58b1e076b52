package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The core as an OSGi bundle. */
class BundleTest {
  @Test
  void aContextOpensInABundle(@TempDir Path folder) throws Exception {
    try (Bundles bundles = new Bundles(folder, List.of(ExecutionContext.class))) {
      Class<?> contexts = bundles.load(ExecutionContext.class);
      assertNotSame(ExecutionContext.class, contexts);
      try (AutoCloseable ctx = (AutoCloseable) contexts.getMethod("open").invoke(null)) {
        Object tensor =
            contexts.getMethod("allocSlice", float[].class).invoke(ctx, new float[] {3, 1, 2});
        Object third =
            bundles.load(Tensor.class).getMethod("getFloatAt", long.class).invoke(tensor, 2);
        assertEquals(2f, third);
      }
    }
  }
}
