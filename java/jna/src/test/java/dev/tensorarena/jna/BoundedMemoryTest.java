package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Memory;
import com.sun.jna.NativeLong;
import com.sun.jna.Pointer;
import com.sun.jna.WString;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Scope;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every public method that JNA's pointers have, found by reflection: so one that another version of
 * JNA adds is tried by itself, and fails here if it goes past the gate or the bounds.
 */
class BoundedMemoryTest {
  private static final int SIZE = 64;

  /** What these tell can be asked of any pointer at any time. */
  private static final Set<String> NO_ACCESS =
      Set.of("close()", "equals(Object)", "hashCode()", "size()", "toString()", "valid()");

  private static final List<Method> METHODS =
      Stream.of(Memory.class.getMethods())
          .filter(m -> m.getDeclaringClass().getPackage() == Pointer.class.getPackage())
          .filter(m -> !Modifier.isStatic(m.getModifiers()) && !m.isBridge())
          .filter(m -> !NO_ACCESS.contains(signature(m)))
          .sorted(Comparator.comparing(BoundedMemoryTest::signature))
          .toList();

  private static String signature(Method method) {
    List<String> types = Stream.of(method.getParameterTypes()).map(Class::getSimpleName).toList();
    return method.getName() + "(" + String.join(", ", types) + ")";
  }

  /** The kinds of pointers, each to 64 bytes that are not 0, and what ends them. */
  enum Kind {
    TENSOR {
      @Override
      Pointer make(BoundedMemoryTest test) {
        return TensorPointer.of(test.tensor());
      }
    },
    PART {
      @Override
      Pointer make(BoundedMemoryTest test) {
        return TensorPointer.of(test.ctx.zeros(DType.INT8, 3 * SIZE).fill(1)).share(SIZE, SIZE);
      }
    },
    STRIDED {
      @Override
      Pointer make(BoundedMemoryTest test) {
        Tensor matrix = test.ctx.zeros(DType.INT8, 8, 8).fill(1);
        return TensorPointer.strided(matrix.transpose());
      }
    },
    OF_A_CONTEXTS_ARENA {
      @Override
      Pointer make(BoundedMemoryTest test) {
        return filled(JnaArena.of(test.ctx).allocate(SIZE, 64));
      }
    },
    OF_JNAS_ARENA {
      private Mark mark;

      @Override
      Pointer make(BoundedMemoryTest test) {
        mark = test.own.mark();
        return filled(test.own.allocate(SIZE, 64));
      }

      @Override
      void end(BoundedMemoryTest test) {
        assertEquals(Status.OK, test.own.rewind(mark));
      }
    },
    PINNED {
      private ChunkPin pin;

      @Override
      Pointer make(BoundedMemoryTest test) {
        pin = test.own.pin(filled(test.own.allocate(SIZE, 64)), SIZE);
        return pin.bytes();
      }

      @Override
      void end(BoundedMemoryTest test) {
        pin.close();
      }

      @Override
      void close() {
        pin.close();
      }
    };

    abstract Pointer make(BoundedMemoryTest test);

    void end(BoundedMemoryTest test) {
      test.scope.close();
    }

    void close() {}

    static Pointer filled(Pointer pointer) {
      pointer.setMemory(0, SIZE, (byte) 1);
      return pointer;
    }
  }

  private ExecutionContext ctx;
  private JnaArena own;
  private Tensor before;
  private Scope scope;

  @BeforeEach
  void open() {
    ctx = ExecutionContext.open();
    own = JnaArena.create(0, JnaArena.UNLIMITED);
    before = ctx.zeros(DType.INT8, 256).fill(7);
    scope = ctx.scope();
  }

  @AfterEach
  void close() {
    ctx.close();
    own.close();
  }

  private Tensor tensor() {
    return ctx.zeros(DType.INT8, SIZE).fill(1);
  }

  // ---- arguments by type

  private static final String LONG_STRING = "0123456789".repeat(7);

  private static Object argument(Method method, int parameter, long first, long second) {
    Class<?> type = method.getParameterTypes()[parameter];
    boolean isFirst = parameter == 0;
    if (type == long.class) {
      return isFirst ? first : second;
    } else if (type == int.class) {
      boolean isIndex = parameter == 2 && method.getParameterCount() == 4;
      boolean isValue = method.getName().equals("setInt");
      return isIndex || isValue ? 0 : (int) second;
    } else if (type == String.class) {
      boolean isEncoding = parameter == method.getParameterCount() - 1 && parameter > 1;
      isEncoding |= method.getName().startsWith("get");
      return isEncoding ? "UTF-8" : second > 4 ? LONG_STRING : "abc";
    } else if (type.isArray()) {
      return java.lang.reflect.Array.newInstance(type.getComponentType(), 200);
    }
    Map<Class<?>, Object> values =
        Map.of(
            byte.class,
            (byte) 5,
            char.class,
            'c',
            short.class,
            (short) 5,
            float.class,
            5f,
            double.class,
            5.0,
            NativeLong.class,
            new NativeLong(5),
            WString.class,
            new WString(second > 4 ? LONG_STRING : "abc"),
            Pointer.class,
            new Pointer(5));
    assertTrue(values.containsKey(type), () -> "no argument of " + type + " for " + method);
    return values.get(type);
  }

  /** What a call throws; null if nothing. */
  private static Throwable call(Pointer pointer, Method method, long first, long second) {
    Object[] arguments = new Object[method.getParameterCount()];
    for (int i = 0; i < arguments.length; i++) {
      arguments[i] = argument(method, i, first, second);
    }
    try {
      method.invoke(pointer, arguments);
      return null;
    } catch (InvocationTargetException e) {
      return e.getCause();
    } catch (IllegalAccessException e) {
      throw new AssertionError(e);
    }
  }

  private static boolean writes(Method method) {
    return method.getName().matches("(set|write|clear).*");
  }

  private static void assertThrown(
      Class<? extends Throwable> type, Pointer pointer, Method method, long first, long second) {
    Throwable thrown = call(pointer, method, first, second);
    String what = signature(method) + " with " + first + ", " + second + ": " + thrown;
    assertTrue(type.isInstance(thrown) || thrown instanceof UnsupportedOperationException, what);
  }

  // ---- the tests

  @Test
  void thereAreManyMethods() {
    assertTrue(METHODS.size() > 60, METHODS::toString);
  }

  @ParameterizedTest
  @EnumSource
  void insideTheBytesEveryMethodWorks(Kind kind) {
    Pointer pointer = kind.make(this);
    for (Method method : METHODS) {
      if (method.getName().matches("get(Wide)?String|getPointerArray")) {
        pointer.setLong(32, 0); // where it ends
      }
      Throwable thrown = call(pointer, method, 0, 4);
      assertTrue(
          thrown == null || thrown instanceof UnsupportedOperationException,
          () -> signature(method) + ": " + thrown);
    }
    kind.close();
  }

  @ParameterizedTest
  @EnumSource
  void outsideOfTheBytesEveryMethodIsRefused(Kind kind) {
    Pointer pointer = kind.make(this);
    byte[] contents = pointer.getByteArray(0, SIZE);
    Tensor after = ctx.zeros(DType.INT8, 256).fill(7);
    for (Method method : METHODS) {
      if (method.getParameterCount() > 0 && method.getParameterTypes()[0] == long.class) {
        for (long at : new long[] {-1, SIZE + 1, 1L << 32, Long.MAX_VALUE, Long.MIN_VALUE}) {
          assertThrown(IndexOutOfBoundsException.class, pointer, method, at, 4);
        }
      }
      if (hasLength(method)) {
        for (long length : new long[] {SIZE + 1, 2 * SIZE}) {
          assertThrown(IndexOutOfBoundsException.class, pointer, method, 0, length);
        }
        if (List.of(method.getParameterTypes()).indexOf(long.class) == 0
            && method.getParameterTypes()[1] == long.class
            && !method.getName().equals("setLong")) {
          for (long length : new long[] {-1, 1L << 32, Long.MAX_VALUE, Long.MIN_VALUE}) {
            assertThrown(IndexOutOfBoundsException.class, pointer, method, 0, length);
          }
        }
      }
    }
    assertArrayEquals(contents, pointer.getByteArray(0, SIZE));
    byte[] sevens = new byte[256];
    Arrays.fill(sevens, (byte) 7);
    assertArrayEquals(sevens, before.toByteArray());
    assertArrayEquals(sevens, after.toByteArray());
    kind.close();
  }

  private static boolean hasLength(Method method) {
    Class<?>[] types = method.getParameterTypes();
    return types.length > 1
        && types[0] == long.class
        && !method
            .getName()
            .matches("set(Int|Long|Byte|Char|Short|Float|Double|Pointer|NativeLong)")
        && !method.getName().matches("indexOf");
  }

  @ParameterizedTest
  @EnumSource
  void whenTheBytesHaveEndedEveryMethodIsRefused(Kind kind) {
    Pointer pointer = kind.make(this);
    kind.end(this);
    for (Method method : METHODS) {
      for (long length : new long[] {0, 4}) {
        Throwable thrown = call(pointer, method, 0, length);
        assertInstanceOf(IllegalStateException.class, thrown, signature(method));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "PINNED")
  void onAnotherThreadEveryMethodIsRefused(Kind kind) {
    Pointer pointer = kind.make(this);
    List<String> passed =
        CompletableFuture.supplyAsync(
                () -> {
                  List<String> names = new ArrayList<>();
                  for (Method method : METHODS) {
                    if (!(call(pointer, method, 0, 4) instanceof IllegalStateException)) {
                      names.add(signature(method));
                    }
                  }
                  return names;
                })
            .join();
    assertEquals(List.of(), passed);
  }

  @ParameterizedTest
  @EnumSource
  void aPointerThatWasGivenAnotherAddressIsRefused(Kind kind) {
    Pointer pointer = kind.make(this);
    Pointer.nativeValue(pointer, 16);
    for (Method method : METHODS) {
      Throwable thrown = call(pointer, method, 0, 4);
      assertTrue(
          thrown instanceof IllegalStateException
              || thrown instanceof UnsupportedOperationException,
          () -> signature(method) + ": " + thrown);
    }
    kind.close();
  }

  @Test
  void aFrozenTensorIsNotWritten() {
    Tensor tensor = tensor();
    TensorPointer pointer = TensorPointer.of(tensor);
    try (SharedTensor shared = tensor.share()) {
      assertNotNull(shared);
      for (Pointer frozen :
          List.of(pointer, pointer.share(0), TensorPointer.of(shared), pointer.align(1))) {
        for (Method method : METHODS) {
          if (writes(method)) {
            Throwable thrown = call(frozen, method, 0, 4);
            assertInstanceOf(IllegalStateException.class, thrown, signature(method));
          }
        }
        assertTrue(frozen.getByteBuffer(0, SIZE).isReadOnly());
      }
    }
    byte[] ones = new byte[SIZE];
    Arrays.fill(ones, (byte) 1);
    assertArrayEquals(ones, tensor.toByteArray());
    assertFalse(TensorPointer.of(tensor()).getByteBuffer(0, SIZE).isReadOnly());
  }

  @Test
  void pinnedBytesOfAContextAreNotWritten() {
    Tensor tensor = tensor();
    try (ChunkPin pin = JnaArena.of(ctx).pin(TensorPointer.of(tensor), SIZE)) {
      Pointer pinned = pin.bytes();
      for (Method method : METHODS) {
        if (writes(method)) {
          assertInstanceOf(IllegalStateException.class, call(pinned, method, 0, 4));
        }
      }
      assertTrue(pinned.getByteBuffer(0, SIZE).isReadOnly());
      scope.close();
      ctx.zeros(DType.INT8, 4096).fill(3);
      assertEquals(1, pinned.getByte(SIZE - 1));
    }
  }

  @Test
  void stringsAndSearchesEndWithTheBytes() {
    Pointer pointer = Kind.TENSOR.make(this);
    assertEquals(-1, pointer.indexOf(0, (byte) 9));
    assertEquals(-1, pointer.indexOf(SIZE, (byte) 1));
    pointer.setByte(SIZE - 1, (byte) 9);
    assertEquals(SIZE - 1 - 10, pointer.indexOf(10, (byte) 9));
    assertThrows(IndexOutOfBoundsException.class, () -> pointer.getString(0));
    assertThrows(IndexOutOfBoundsException.class, () -> pointer.getWideString(0));
    pointer.setString(SIZE - 4, "abc");
    assertEquals("abc", pointer.getString(SIZE - 4));
    assertThrows(IndexOutOfBoundsException.class, () -> pointer.setString(SIZE - 3, "abc"));
    pointer.setWideString(0, "wide");
    assertEquals("wide", pointer.getWideString(0));
    pointer.clear(8);
    assertEquals(0, pointer.getLong(0));
  }

  @Test
  void aPointerWithoutATensorIsRefused() {
    TensorPointer none = new TensorPointer();
    for (Method method : METHODS) {
      assertInstanceOf(IllegalStateException.class, call(none, method, 0, 0), signature(method));
    }
  }
}
