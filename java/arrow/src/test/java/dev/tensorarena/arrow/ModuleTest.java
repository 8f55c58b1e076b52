package dev.tensorarena.arrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ModularProgram;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.arrow.c.Data;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.memory.unsafe.UnsafeAllocationManager;
import org.apache.arrow.vector.FieldVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * This module on the module path, where FlatBuffers is an automatic module, which jlink refuses;
 * and without arrow-c-data on the class path.
 */
class ModuleTest {
  private static final String STATEMENTS =
      """
      try (var ctx = dev.tensorarena.ExecutionContext.open();
          var allocator = new org.apache.arrow.memory.RootAllocator();
          var array = org.apache.arrow.c.ArrowArray.allocateNew(allocator);
          var schema = org.apache.arrow.c.ArrowSchema.allocateNew(allocator);
          var inner = dev.tensorarena.ExecutionContext.open()) {
        var tensor = ctx.allocSlice(3f, 1f, 2f);
        dev.tensorarena.arrow.CDataTensors.exportTensor(allocator, tensor, array, schema);
        var back =
            dev.tensorarena.arrow.CDataTensors.importTensor(allocator, inner, array, schema);
        System.out.println(back.getFloatAt(2));
        System.out.println(back.address() == tensor.address());
        var type = new dev.tensorarena.arrow.FixedShapeTensorType(dev.tensorarena.Shape.of(2));
        System.out.println(type.serialize());
        System.out.println(type.getClass().getModule());
      }
      """;

  /** Of JDK 24 and later: Arrow uses Unsafe. */
  private static List<String> silence() {
    return Runtime.version().feature() < 24
        ? List.of()
        : List.of("--sun-misc-unsafe-memory-access=allow");
  }

  private static ModularProgram program(Path folder) throws Exception {
    return new ModularProgram(
        folder,
        List.of(
            "dev.tensorarena",
            "dev.tensorarena.arrow",
            "org.apache.arrow.c",
            "org.apache.arrow.memory.core",
            "org.apache.arrow.memory.unsafe"),
        STATEMENTS,
        List.of(
            ExecutionContext.class,
            ArrowTensors.class,
            Data.class,
            FieldVector.class,
            BufferAllocator.class,
            UnsafeAllocationManager.class,
            Buffer.class,
            com.google.flatbuffers.Table.class,
            JsonNode.class,
            com.fasterxml.jackson.core.JsonParser.class,
            com.fasterxml.jackson.annotation.JsonProperty.class,
            com.fasterxml.jackson.datatype.jsr310.JavaTimeModule.class,
            org.apache.commons.codec.binary.Hex.class,
            org.slf4j.Logger.class,
            org.slf4j.nop.NOPServiceProvider.class));
  }

  @Test
  void tensorsAreHandedOverOnTheModulePath(@TempDir Path folder) throws Exception {
    List<String> options = new ArrayList<>(silence());
    options.add("--add-opens=java.base/java.nio=org.apache.arrow.memory.core");
    ModularProgram program = program(folder);
    assertEquals(
        List.of("2.0", "true", "{\"shape\":[2]}", "module dev.tensorarena.arrow"),
        program.run(options.toArray(String[]::new)).lines().toList());
    program.assertNotLinked("flatbuffers.java");
  }

  // ---- without arrow-c-data

  @Test
  void nothingButTheCDataInterfaceNeedsItsJar() throws Exception {
    String without =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.contains("arrow-c-data"))
            .collect(Collectors.joining(File.pathSeparator));
    List<String> command = new ArrayList<>(silence());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("--add-opens=java.base/java.nio=ALL-UNNAMED");
    command.addAll(List.of("-cp", without, WithoutCData.class.getName()));
    String output = ModularProgram.java(Path.of(System.getProperty("java.home")), command);
    assertEquals("3.0, and no CDataTensors", output.strip());
  }

  static final class WithoutCData {
    public static void main(String[] args) {
      try (BufferAllocator allocator = new RootAllocator();
          ExecutionContext ctx = ExecutionContext.open();
          FieldVector vector =
              ArrowTensors.vector(
                  allocator,
                  "t",
                  new FixedShapeTensorType(dev.tensorarena.Shape.of(1)),
                  ctx.allocSlice(1f, 3f).reshape(dev.tensorarena.Shape.of(2, 1)))) {
        assertTrue(FixedShapeTensorType.register());
        System.out.print(ArrowTensors.wrap(ctx, vector).getFloat(1, 0));
        assertThrows(
            NoClassDefFoundError.class,
            () -> CDataTensors.exportTensor(allocator, ctx.allocSlice(1f), null, null));
        System.out.println(", and no CDataTensors");
      }
    }
  }
}
