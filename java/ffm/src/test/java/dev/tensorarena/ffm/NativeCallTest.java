package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.Scope;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Arena tensors as arguments of C functions, as the README shows it. */
class NativeCallTest extends InContext {

  /** {@code int memcmp(const void *a, const void *b, size_t n)}: short, and calls nothing back. */
  private static final MethodHandle MEMCMP =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().find("memcmp").orElseThrow(),
              FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG),
              Linker.Option.critical(true));

  @Test
  void qsortSortsATensorInPlace() throws Throwable {
    int[] values = new Random(7).ints(10_000).toArray();
    Tensor tensor = ctx.allocSlice(values);
    QuickSort.sort(Segments.of(tensor), tensor.size(), Integer::compare);
    java.util.Arrays.sort(values);
    assertArrayEquals(values, tensor.toIntArray());
  }

  @Test
  void qsortSortsAPartOfIt() throws Throwable {
    Tensor tensor = ctx.allocSlice(5, 4, 3, 2, 1, 0);
    QuickSort.sort(Segments.of(tensor.slice(0, 1, 4)), 3, Integer::compare);
    assertArrayEquals(new int[] {5, 2, 3, 4, 1, 0}, tensor.toIntArray());
  }

  /** A critical call may be given heap memory, too: here a tensor is compared with an array. */
  @Test
  void aCriticalCallTakesTensorsAndHeapArrays() throws Throwable {
    int[] values = {1, 2, 3, 4};
    Tensor tensor = ctx.allocSlice(values);
    MemorySegment bytes = Segments.of(tensor);
    MemorySegment heap = MemorySegment.ofArray(values);
    assertEquals(0, (int) MEMCMP.invokeExact(bytes, heap, bytes.byteSize()));
    values[3] = 3;
    assertTrue((int) MEMCMP.invokeExact(bytes, heap, bytes.byteSize()) > 0);
    try (SharedTensor shared = tensor.share()) {
      assertEquals(0, (int) MEMCMP.invokeExact(Segments.of(shared), bytes, bytes.byteSize()));
    }
  }

  @Test
  void aDeadTensorsSegmentNeverReachesC() {
    Scope scope = ctx.scope();
    MemorySegment bytes = Segments.of(ctx.allocSlice(1, 2));
    scope.close();
    assertRefuses(() -> QuickSort.sort(bytes, 2, Integer::compare), "closed");
    assertRefuses(
        () -> {
          int order = (int) MEMCMP.invokeExact(bytes, bytes, 8L);
          assertEquals(0, order);
        },
        "closed");
  }
}
