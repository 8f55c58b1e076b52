package dev.tensorarena.jna;

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
  void tensorsAndArenasWorkOnTheModulePath(@TempDir Path folder) throws Exception {
    ModularProgram program =
        new ModularProgram(
            folder,
            List.of("dev.tensorarena", "dev.tensorarena.jna", "com.sun.jna"),
            """
            try (var ctx = dev.tensorarena.ExecutionContext.open();
                var arena = dev.tensorarena.jna.JnaArena.create(0, -1)) {
              var tensor = ctx.allocSlice(3f, 1f, 2f);
              System.out.println(dev.tensorarena.jna.TensorPointer.of(tensor).getFloat(8));
              var bytes = arena.allocate(5, 8);
              bytes.setString(0, "text");
              var strlen = com.sun.jna.NativeLibrary.getInstance("c").getFunction("strlen");
              System.out.println(strlen.invokeInt(new Object[] {bytes}));
              System.out.println(arena.getClass().getModule());
            }
            """,
            List.of(ExecutionContext.class, JnaArena.class, Native.class));
    assertEquals(List.of("2.0", "4", "module dev.tensorarena.jna"), program.run().lines().toList());
    program.assertNotLinked("com.sun.jna");
  }
}
