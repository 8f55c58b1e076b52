package dev.tensorarena.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ModularProgram;
import dev.tensorarena.ffm.Tensors;
import io.netty.buffer.ByteBuf;
import io.netty.util.ReferenceCounted;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The core, this module, Netty, which has real modules, and on JDK 22 and later ffm. */
class ModuleTest {
  private static final boolean HAS_FFM = Runtime.version().feature() >= 22;
  private static final String SEGMENT =
      """
      System.out.println(dev.tensorarena.ffm.Segments.of(tensor)
          .getAtIndex(java.lang.foreign.ValueLayout.JAVA_FLOAT, 2));
      """;
  private static final String BUFFER =
      """
        var buffer = dev.tensorarena.netty.TensorBuffers.wrappedBuffer(tensor);
        System.out.println(buffer.memoryAddress() == tensor.address());
        var back = dev.tensorarena.netty.TensorBuffers.wrap(
            ctx, buffer, dev.tensorarena.DType.FLOAT32, dev.tensorarena.Shape.of(3));
        buffer.release();
        System.out.println(back.getFloatAt(1));
        ModuleLayer.boot().modules().stream()
            .map(Module::getName)
            .filter(name -> !name.startsWith("java.") && !name.startsWith("jdk."))
            .sorted()
            .forEach(System.out::println);
      }
      """;

  @Test
  void anImageHasTheCoreFfmAndNetty(@TempDir Path folder) throws Exception {
    List<String> modules = new ArrayList<>(List.of("dev.tensorarena", "dev.tensorarena.netty"));
    List<Class<?>> homes = new ArrayList<>();
    homes.addAll(List.of(ExecutionContext.class, TensorBuffers.class));
    homes.addAll(List.of(ByteBuf.class, ReferenceCounted.class));
    List<String> printed = new ArrayList<>();
    if (HAS_FFM) {
      modules.add(1, "dev.tensorarena.ffm");
      homes.add(ffm());
      printed.add("2.0");
    }
    printed.addAll(List.of("true", "1.0", "app"));
    printed.addAll(modules);
    printed.addAll(List.of("io.netty.buffer", "io.netty.common"));
    ModularProgram program =
        new ModularProgram(
            folder,
            modules,
            """
            try (var ctx = dev.tensorarena.ExecutionContext.open()) {
              var tensor = ctx.allocSlice(3f, 1f, 2f);
            """
                + (HAS_FFM ? SEGMENT : "")
                + BUFFER,
            homes);
    assertEquals(printed, program.run().lines().toList());
    if (HAS_FFM) {
      assertEquals(printed, program.runLinked().lines().toList());
    }
  }

  /** Of a later class file than an older JDK loads. */
  private static Class<?> ffm() {
    assertTrue(HAS_FFM);
    return Tensors.class;
  }
}
