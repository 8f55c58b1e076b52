package dev.tensorarena.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ModularProgram;
import java.io.File;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The core and this module as modules. */
class ModuleTest {
  private static final List<Class<?>> MODULES = List.of(ExecutionContext.class, Segments.class);

  @Test
  void anImageHasTheNativeLibraryAndNeedsNoMoreThanTheBaseOfTheJdk(@TempDir Path folder)
      throws Exception {
    ModularProgram program =
        new ModularProgram(
            folder,
            List.of("dev.tensorarena", "dev.tensorarena.ffm"),
            """
            try (var ctx = dev.tensorarena.ExecutionContext.open();
                var arena = dev.tensorarena.ffm.ArenaAllocator.of(ctx)) {
              var tensor = ctx.allocSlice(3f, 1f, 2f);
              var segment = dev.tensorarena.ffm.Segments.of(tensor);
              System.out.println(segment.getAtIndex(java.lang.foreign.ValueLayout.JAVA_FLOAT, 2));
              System.out.println(arena.allocateFrom("text").getString(0));
              ModuleLayer.boot().modules().stream()
                  .map(Module::getName)
                  .sorted()
                  .forEach(System.out::println);
            }
            """,
            MODULES);
    assertEquals(
        List.of("2.0", "text", "app", "dev.tensorarena", "dev.tensorarena.ffm", "java.base"),
        program.runLinked().lines().toList());
  }

  @Test
  void anOlderJdkReadsTheDescriptor() throws Exception {
    Path home = Path.of(System.getProperty("maven.jvm")).getParent().getParent();
    String path =
        ModularProgram.home(ExecutionContext.class)
            + File.pathSeparator
            + ModularProgram.home(Segments.class);
    String described =
        ModularProgram.java(home, List.of("-p", path, "--describe-module", "dev.tensorarena.ffm"));
    assertTrue(described.contains("requires dev.tensorarena transitive"), described);
  }
}
