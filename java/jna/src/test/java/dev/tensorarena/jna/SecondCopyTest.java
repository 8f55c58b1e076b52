package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ModularProgram;
import dev.tensorarena.Tensor;
import java.net.URL;
import java.net.URLClassLoader;
import org.junit.jupiter.api.Test;

/**
 * A copy of the library that another class loader loads once JNA has made the functions of the
 * first one known to all, as is JNA's way.
 */
class SecondCopyTest {
  @Test
  void callsItsOwnFunctions() throws Exception {
    JnaArena.create(0, JnaArena.UNLIMITED).close();
    URL[] core = {ModularProgram.home(ExecutionContext.class).toUri().toURL()};
    try (URLClassLoader loader = new URLClassLoader(core, null)) {
      Class<?> contexts = loader.loadClass(ExecutionContext.class.getName());
      Class<?> tensors = loader.loadClass(Tensor.class.getName());
      try (AutoCloseable ctx = (AutoCloseable) contexts.getMethod("open").invoke(null)) {
        Object tensor =
            contexts.getMethod("allocSlice", float[].class).invoke(ctx, new float[] {3, 1, 2});
        assertEquals(2f, tensors.getMethod("getFloatAt", long.class).invoke(tensor, 2));
      }
    }
  }
}
