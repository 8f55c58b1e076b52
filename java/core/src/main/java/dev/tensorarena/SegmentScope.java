package dev.tensorarena;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;

/**
 * The lifetimes of {@code java.lang.foreign}'s segments, of which a direct buffer may be a view.
 * The API is there from JDK 22 on, and this module is compiled for 17, so it is called by method
 * handles. On older JDKs, where segments are no finished API, no buffer has a lifetime.
 */
final class SegmentScope {
  private static final MethodHandle OF_BUFFER;
  private static final MethodHandle IS_ALIVE;

  /**
   * The classes of lifetimes that nobody can close: of global and automatic arenas, and of buffers
   * that are no segment's. There is no public question for it; a class that is not known here, or
   * that closeable arenas have as well, counts as closeable.
   */
  private static final Set<Class<?>> LASTING = new HashSet<>();

  static {
    MethodHandle ofBuffer = null;
    MethodHandle isAlive = null;
    if (Runtime.version().feature() >= 22) {
      try {
        Class<?> segment = Class.forName("java.lang.foreign.MemorySegment");
        Class<?> scope = Class.forName("java.lang.foreign.MemorySegment$Scope");
        Class<?> arena = Class.forName("java.lang.foreign.Arena");
        MethodHandles.Lookup lookup = MethodHandles.publicLookup();
        MethodHandle scopeOf = lookup.unreflect(segment.getMethod("scope"));
        ofBuffer =
            MethodHandles.filterReturnValue(
                    lookup.unreflect(segment.getMethod("ofBuffer", java.nio.Buffer.class)), scopeOf)
                .asType(MethodType.methodType(Object.class, ByteBuffer.class));
        isAlive =
            lookup
                .unreflect(scope.getMethod("isAlive"))
                .asType(MethodType.methodType(boolean.class, Object.class));
        Method scopeOfArena = arena.getMethod("scope");
        for (String lasting : new String[] {"global", "ofAuto"}) {
          LASTING.add(scopeOfArena.invoke(arena.getMethod(lasting).invoke(null)).getClass());
        }
        LASTING.add(((Object) ofBuffer.invokeExact(ByteBuffer.allocateDirect(0))).getClass());
        for (String closeable : new String[] {"ofConfined", "ofShared"}) {
          try (AutoCloseable opened = (AutoCloseable) arena.getMethod(closeable).invoke(null)) {
            LASTING.remove(scopeOfArena.invoke(opened).getClass());
          }
        }
      } catch (Throwable e) {
        throw new ExceptionInInitializerError(e);
      }
    }
    OF_BUFFER = ofBuffer;
    IS_ALIVE = isAlive;
  }

  private SegmentScope() {}

  /** Returns the lifetime of the segment that a direct buffer views if it can end, else null. */
  static Object closeable(ByteBuffer direct) {
    if (OF_BUFFER == null) {
      return null;
    }
    try {
      Object scope = (Object) OF_BUFFER.invokeExact(direct);
      return LASTING.contains(scope.getClass()) ? null : scope;
    } catch (Throwable e) {
      throw rethrown(e);
    }
  }

  /** Returns whether a lifetime has not ended; on any thread. */
  static boolean isAlive(Object scope) {
    try {
      return (boolean) IS_ALIVE.invokeExact(scope);
    } catch (Throwable e) {
      throw rethrown(e);
    }
  }

  /** Neither method has a checked exception. */
  private static RuntimeException rethrown(Throwable thrown) {
    if (thrown instanceof Error error) {
      throw error;
    }
    throw (RuntimeException) thrown;
  }
}
