package dev.tensorarena.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;

import dev.tensorarena.Bundles;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The core and this module as OSGi bundles. */
class BundleTest {
  @Test
  void aSegmentOfATensorIsTakenInABundle(@TempDir Path folder) throws Exception {
    try (Bundles bundles = new Bundles(folder, List.of(ExecutionContext.class, Segments.class))) {
      Class<?> contexts = bundles.load(ExecutionContext.class);
      assertNotSame(ExecutionContext.class, contexts);
      try (AutoCloseable ctx = (AutoCloseable) contexts.getMethod("open").invoke(null)) {
        Object tensor =
            contexts.getMethod("allocSlice", float[].class).invoke(ctx, new float[] {3, 1, 2});
        Object segment =
            bundles
                .load(Segments.class)
                .getMethod("of", bundles.load(Tensor.class))
                .invoke(null, tensor);
        assertEquals(12, ((MemorySegment) segment).byteSize());
      }
    }
  }
}
