package dev.tensorarena.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;

import dev.tensorarena.Bundles;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import io.netty.buffer.ByteBuf;
import io.netty.util.ReferenceCounted;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The core, Netty and this module as OSGi bundles. */
class BundleTest {
  @Test
  void aTensorIsABufferInABundle(@TempDir Path folder) throws Exception {
    try (Bundles bundles =
        new Bundles(
            folder,
            List.of(
                ExecutionContext.class,
                ReferenceCounted.class,
                ByteBuf.class,
                TensorBuffers.class))) {
      Class<?> contexts = bundles.load(ExecutionContext.class);
      assertNotSame(ExecutionContext.class, contexts);
      try (AutoCloseable ctx = (AutoCloseable) contexts.getMethod("open").invoke(null)) {
        Object tensor =
            contexts.getMethod("allocSlice", byte[].class).invoke(ctx, new byte[] {3, 1, 2});
        Object buffer =
            bundles
                .load(TensorBuffers.class)
                .getMethod("wrappedBuffer", bundles.load(Tensor.class))
                .invoke(null, tensor);
        Class<?> buffers = bundles.load(ByteBuf.class);
        assertEquals((byte) 2, buffers.getMethod("getByte", int.class).invoke(buffer, 2));
        assertEquals(true, buffers.getMethod("release").invoke(buffer));
      }
    }
  }
}
