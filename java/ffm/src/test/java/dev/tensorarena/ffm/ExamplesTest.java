package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the README and the package's description show: the core compares them. */
class ExamplesTest extends InContext {
  @Test
  void start(@TempDir Path folder) throws Exception {
    Path path = folder.resolve("vectors.npy");
    dev.tensorarena.Npy.write(ctx.allocSlice(1f, 2f), path);
    // example
    Tensor x = ctx.allocSlice(3f, 1f, 2f);
    MemorySegment bytes = Segments.of(x); // checked, and ends with x
    float first = bytes.getAtIndex(JAVA_FLOAT, 0); // 3
    Tensor vectors = Npy.map(ctx, path); // nothing is read before it is used
    try (Arena arena = ArenaAllocator.open()) { // was: Arena.ofConfined()
      MemorySegment name = arena.allocateFrom("tensor");
      MemorySegment room = arena.allocate(4000); // zeroed, as the interface demands
      name.copyFrom(room.asSlice(0, name.byteSize()));
    } // name and room have ended
    // end of example
    assertEquals(3, first);
    assertEquals(2, vectors.size());
  }

  @Test
  void dlpack() {
    Tensor x = ctx.allocSlice(3f, 1f, 2f);
    // example
    long struct = Dlpack.toDlpackVersioned(x); // for a capsule "dltensor_versioned"
    Tensor same = Dlpack.fromDlpackVersioned(ctx, struct); // takes it
    // end of example
    assertEquals(x.address(), same.address());
    assertEquals(2, same.getFloatAt(2));
  }

  @Test
  void nativeCallsAndForeignMemory() throws Throwable {
    try (Arena foreign = Arena.ofConfined()) {
      MemorySegment segment = foreign.allocate(1000 * 384 * 4L, 4);
      // example
      MethodHandle memcmp =
          Linker.nativeLinker()
              .downcallHandle(
                  Linker.nativeLinker().defaultLookup().find("memcmp").orElseThrow(),
                  FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG));
      Tensor a = ctx.allocSlice(1, 2, 3);
      Tensor b = ctx.allocSlice(1, 2, 4);
      int order = (int) memcmp.invokeExact(Segments.of(a), Segments.of(b), a.byteSize());

      Tensor block = Tensors.wrap(ctx, segment, DType.FLOAT32, Shape.of(1000, 384)); // no copy
      // end of example
      assertTrue(order < 0);
      assertEquals(segment.byteSize(), block.byteSize());
    }
  }
}
