package dev.tensorarena.bench;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;

/**
 * {@code sun.misc.Unsafe}, bound to constant method handles, which the JIT compiles to the same
 * calls: javac would warn of each, and cannot be told not to.
 */
final class SunUnsafe {
  private static final MethodHandle ALLOCATE = bind("allocateMemory", long.class, long.class);
  private static final MethodHandle FREE = bind("freeMemory", void.class, long.class);
  private static final MethodHandle SET =
      bind("setMemory", void.class, long.class, long.class, byte.class);

  private SunUnsafe() {}

  static long allocateMemory(long bytes) {
    try {
      return (long) ALLOCATE.invokeExact(bytes);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  static void setMemory(long address, long bytes, byte value) {
    try {
      SET.invokeExact(address, bytes, value);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  static void freeMemory(long address) {
    try {
      FREE.invokeExact(address);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static MethodHandle bind(String name, Class<?> result, Class<?>... parameters) {
    try {
      Class<?> type = Class.forName("sun.misc.Unsafe");
      Field instance = type.getDeclaredField("theUnsafe");
      instance.setAccessible(true);
      return MethodHandles.lookup()
          .findVirtual(type, name, MethodType.methodType(result, parameters))
          .bindTo(instance.get(null));
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("this JDK has no such Unsafe", e);
    }
  }
}
