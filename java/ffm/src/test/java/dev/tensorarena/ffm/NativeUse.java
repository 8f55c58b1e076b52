package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** A native call that uses a segment, C's {@code bsearch}, and calls back into Java meanwhile. */
final class NativeUse {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle SEARCH =
      LINKER.downcallHandle(
          LINKER.defaultLookup().find("bsearch").orElseThrow(),
          FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS));
  private static final MemorySegment COMPARE;
  private static final ThreadLocal<Runnable> MEANWHILE = new ThreadLocal<>();

  static {
    try {
      COMPARE =
          LINKER.upcallStub(
              MethodHandles.lookup()
                  .findStatic(
                      NativeUse.class,
                      "compare",
                      MethodType.methodType(int.class, MemorySegment.class, MemorySegment.class)),
              FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS),
              Arena.global());
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private NativeUse() {}

  private static int compare(MemorySegment key, MemorySegment element) {
    MEANWHILE.get().run();
    return 0; // found
  }

  /** Uses longs, at least one, while something runs that throws nothing. */
  static void during(MemorySegment longs, Runnable meanwhile) throws Throwable {
    Runnable outer = MEANWHILE.get();
    MEANWHILE.set(meanwhile);
    try {
      MemorySegment found =
          (MemorySegment)
              SEARCH.invokeExact(
                  MemorySegment.NULL, longs, longs.byteSize() / 8, JAVA_LONG.byteSize(), COMPARE);
      if (found.address() == 0) {
        throw new AssertionError("bsearch has not called back");
      }
    } finally {
      MEANWHILE.set(outer);
    }
  }
}
