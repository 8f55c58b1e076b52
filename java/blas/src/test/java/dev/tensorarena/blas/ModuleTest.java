package dev.tensorarena.blas;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.jna.Native;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ModularProgram;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** This module on the module path, where JNA is an automatic module, which jlink refuses. */
class ModuleTest {
  @Test
  void blasWorksOnTheModulePathWithItsLibraryOnTheClassPath(@TempDir Path folder) throws Exception {
    ModularProgram program =
        new ModularProgram(
            folder,
            List.of("dev.tensorarena", "dev.tensorarena.blas", "com.sun.jna"),
            """
            try (var ctx = dev.tensorarena.ExecutionContext.open()) {
              var tensor = ctx.allocSlice(3f, 1f, 2f);
              System.out.println(dev.tensorarena.blas.Blas.dot(tensor, tensor));
              System.out.println(dev.tensorarena.blas.Blas.class.getModule());
            }
            """,
            List.of(ExecutionContext.class, Blas.class, Native.class));
    assertEquals(
        List.of("14.0", "module dev.tensorarena.blas"),
        program.run("-cp", System.getProperty("java.class.path")).lines().toList());
    program.assertNotLinked("com.sun.jna");
  }
}
