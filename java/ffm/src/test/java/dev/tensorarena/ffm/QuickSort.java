package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.function.IntBinaryOperator;

/** C's {@code void qsort(void *base, size_t n, size_t size, int (*compare)(const void *, ...))}. */
final class QuickSort {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final AddressLayout INT_POINTER = ADDRESS.withTargetLayout(JAVA_INT);
  private static final MethodHandle QSORT =
      LINKER.downcallHandle(
          LINKER.defaultLookup().find("qsort").orElseThrow(),
          FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS));
  private static final MethodHandle COMPARE;

  static {
    try {
      COMPARE =
          MethodHandles.lookup()
              .findVirtual(
                  QuickSort.class,
                  "compare",
                  MethodType.methodType(int.class, MemorySegment.class, MemorySegment.class));
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final IntBinaryOperator order;

  /** What the order threw: nothing may be thrown through C. */
  private Throwable failure;

  private QuickSort(IntBinaryOperator order) {
    this.order = order;
  }

  private int compare(MemorySegment a, MemorySegment b) {
    try {
      return order.applyAsInt(a.get(JAVA_INT, 0), b.get(JAVA_INT, 0));
    } catch (RuntimeException | Error e) {
      failure = e;
      return 0;
    }
  }

  /** Sorts so many ints. */
  static void sort(MemorySegment ints, long count, IntBinaryOperator order) throws Throwable {
    QuickSort sorter = new QuickSort(order);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment compare =
          LINKER.upcallStub(
              COMPARE.bindTo(sorter),
              FunctionDescriptor.of(JAVA_INT, INT_POINTER, INT_POINTER),
              arena);
      QSORT.invokeExact(ints, count, JAVA_INT.byteSize(), compare);
    }
    if (sorter.failure != null) {
      throw sorter.failure;
    }
  }
}
