package dev.tensorarena;

import java.io.IOException;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * What each parameter of each public method must refuse, as the javadoc says, and with which
 * exception. A parameter that no rule knows is an error.
 */
final class MisuseRules {
  /** The public types, whose methods the table has. */
  static final Set<String> TYPES =
      new TreeSet<>(
          List.of(
              "ArenaStats",
              "Builder",
              "ChunkPool",
              "DType",
              "DetachedContext",
              "ExecutionContext",
              "ForeignMemory",
              "Guard",
              "Handoff",
              "MemoryBudget",
              "MemoryLimitExceededException",
              "Npy",
              "NpyInfo",
              "Npz",
              "OpenResource",
              "PressureListener",
              "Reservation",
              "Scope",
              "Shape",
              "SharedTensor",
              "Stats",
              "Tensor",
              "TensorMemory",
              "TensorPart",
              "TensorParts",
              "TensorPin",
              "TensorQueue"));

  private static final Class<? extends Throwable> ARGUMENT = IllegalArgumentException.class;
  private static final Class<? extends Throwable> BOUNDS = IndexOutOfBoundsException.class;

  private static final long MIN = Long.MIN_VALUE;
  private static final long MAX = Long.MAX_VALUE;

  /**
   * Of what is handed off, null alone is refused, and what is dead: {@link HandoffTest} says so.
   */
  private static final Set<Class<?>> HANDED_OFF =
      Set.of(SharedTensor.class, Executor.class, CompletionStage.class);

  private MisuseRules() {}

  private static final class AnotherGuard extends Guard {
    @Override
    public void close() {}
  }

  /** A value that is refused, with this exception, whose message has this in it. */
  record Wrong(Class<? extends Throwable> expected, Object value, String part) {}

  static boolean isPublic(Class<?> type) {
    return Modifier.isPublic(type.getModifiers())
        && (type.getEnclosingClass() == null || isPublic(type.getEnclosingClass()));
  }

  /** {@link ChunkPool} is all contexts'. */
  static void restoreGlobalLimits() {
    TestSupport.limitByDefault();
    ChunkPool.retainedLimit(256L << 20);
  }

  /** All that is refused at a parameter; nothing if every value of its type is good. */
  static List<Wrong> of(Method method, int parameter, Calls.Kind kind) {
    Class<?> type = method.getParameterTypes()[parameter];
    String name = method.getName();
    String at = signature(method) + "#" + parameter;
    if (at.matches("(get|set)[A-Z][a-z]+At\\(long.*#0|get[A-Z][a-z]+\\(long(,long)*\\)#.")) {
      return numbers(BOUNDS, type, -1, 1, MIN, MAX);
    } else if (at.matches("get.*\\(long\\[\\]\\)#0|set.*,long\\[\\]\\)#1")) {
      return indices(kind.shape().rank());
    } else if (at.matches("(stride|dim)\\(int\\)#0|(slice|select|split|splitAt)\\(.*#0")) {
      return numbers(BOUNDS, type, -1, 3, Integer.MIN_VALUE, Integer.MAX_VALUE);
    } else if (at.equals("get(int)#0")) {
      return numbers(BOUNDS, type, -1, 1, Integer.MIN_VALUE, Integer.MAX_VALUE);
    } else if (at.equals("split(int,int)#1")) {
      return numbers(ARGUMENT, type, 0, -1, 2, Integer.MIN_VALUE, Integer.MAX_VALUE);
    } else if (at.equals("splitAt(int,long[])#1")) {
      return values(
          new long[0], new long[] {0}, new long[] {2}, new long[] {0, 1}, new long[] {MIN, 1});
    } else if (at.matches("(slice|select)\\(.*#1")) {
      return numbers(BOUNDS, type, -1, 2, MIN, MAX);
    } else if (at.matches("slice\\(.*#2")) {
      return numbers(BOUNDS, type, -1, 2, MIN, MAX);
    } else if (at.equals("closeKeeping(Scope,Tensor[])#0")) {
      return List.of(new Wrong(ARGUMENT, endedScope(), "that has ended"));
    } else if (at.equals("adopt(DetachedContext)#0")) {
      DetachedContext ended = ExecutionContext.open().detach();
      ended.close();
      return List.of(new Wrong(IllegalStateException.class, ended, "already"));
    } else if (at.matches("(concat|stack)\\(.*#0")) {
      return numbers(BOUNDS, type, -1, 4, Integer.MIN_VALUE, Integer.MAX_VALUE);
    } else if (at.matches("(concat|stack)\\(.*#1")) {
      return List.of(new Wrong(ARGUMENT, new Tensor[0], "no tensor"));
    } else if (at.matches("transpose\\(.*")) {
      return values(new int[] {3}, new int[] {-1}, new int[] {0, 0, 0, 0}, new int[] {1 << 31});
    } else if (at.matches("reshape\\(Shape\\)#0|copyOf\\(.*#0|wrap\\(.*#2")) {
      return values(Shape.of(2), Shape.of(3, 0), Shape.of(1L << 40));
    } else if (at.matches("copyFrom\\([a-z]+\\[\\]\\)#0|copyOf\\(.*#1")) {
      return lengths(type.getComponentType());
    } else if (at.matches("(empty|zeros)\\(DType,Shape\\)#1")) {
      return List.of(
          new Wrong(
              MemoryLimitExceededException.class, Shape.of(1L << 62), Long.toString(1L << 62)),
          new Wrong(MemoryLimitExceededException.class, Shape.of(MAX), Long.toString(MAX)));
    } else if (at.matches("(empty|zeros)\\(DType,long\\[\\]\\)#1|of\\(long\\[\\]\\)#0")) {
      return values(new long[] {-1}, new long[] {3, MIN}, new long[] {1L << 32, 1L << 31});
    } else if (at.matches("allocSlice\\(.*,int,int\\)#[12]")) {
      return numbers(BOUNDS, type, -1, 2, Integer.MIN_VALUE, Integer.MAX_VALUE);
    } else if (at.matches("allocate\\(.*#0")) {
      return numbers(ARGUMENT, type, -1, 1L << 31, MIN, MAX);
    } else if (at.equals("allocateAddress(long,int)#0")) {
      return numbers(ARGUMENT, type, -1, MIN);
    } else if (at.matches("allocate(Address)?\\(.*#1|alignment\\(.*")) {
      return numbers(ARGUMENT, type, 0, -1, 3, 8192, Integer.MIN_VALUE, Integer.MAX_VALUE);
    } else if (at.startsWith("bounded(")) {
      return numbers(ARGUMENT, type, 0, -1, type == int.class ? Integer.MIN_VALUE : MIN);
    } else if (at.matches("(withCapacity|capacity)\\(.*")) {
      return numbers(ARGUMENT, type, -1, MIN, (1L << 46) + 1, MAX);
    } else if (at.matches("(withMemoryLimit|memoryLimit|retainedLimit|checkAllocation)\\(.*")
        || at.matches("(limit|reserve)\\(long\\)#0|(of|child)\\(String,long\\)#1")) {
      return numbers(ARGUMENT, type, -1, MIN);
    } else if (at.matches("wrap\\(ByteBuffer,.*#0")) {
      return values(
          ByteBuffer.allocate(1).order(ByteOrder.nativeOrder()),
          ByteBuffer.allocateDirect(2).order(ByteOrder.nativeOrder()));
    } else if (at.equals("wrap(ForeignMemory,DType,Shape,long[])#3")) {
      return values(new long[0], new long[] {1, 1});
    } else if (at.matches("wrap\\(ForeignMemory,DType,Shape(,long\\[\\])?\\)#0")) {
      return values(new ForeignBlock.DirectBuffer(ByteBuffer.allocateDirect(2)));
    } else if (at.matches("wrap\\(.*#1")) {
      return values(DType.INT64, DType.FLOAT16);
    } else if (at.matches("of(ReadOnly)?Address\\(long,long,Runnable\\)#0")) {
      return addresses(0, -1, MIN);
    } else if (at.matches("of(ReadOnly)?Address\\(long,long,Runnable\\)#1")) {
      return numbers(ARGUMENT, type, -1, MIN, MAX);
    } else if (at.startsWith("tensorAt(") && parameter == 0) {
      return addresses(0, -1, 4096, MIN, MAX);
    } else if (at.startsWith("tensorAt(")) {
      return parameter == 1
          ? values(DType.INT64, DType.FLOAT64)
          : values(Shape.of(5), Shape.of(1L << 40), Shape.of(MAX));
    } else if (at.equals("valueOf(String)#0")) {
      return values("FLOAT31", "");
    } else if (at.equals("guard(Class,Function)#0")) {
      return values(Guard.class);
    } else if (at.equals("guard(Class,Function)#1")) {
      Calls.NoGuard taken = new Calls.NoGuard();
      taken.next = null;
      Function<Object, Guard> another = guarded -> new AnotherGuard();
      Function<Object, Guard> twice = guarded -> taken;
      return List.of(
          new Wrong(ARGUMENT, another, "NoGuard"), new Wrong(ARGUMENT, twice, "already"));
    } else if (at.matches("(submit|thenApply)\\(.*Function\\)#.")) {
      return List.of();
    } else if (at.equals("read(ExecutionContext,Path,String)#2")) {
      return List.of(new Wrong(IOException.class, "y", "no array 'y'"));
    } else if (at.equals("write(Path,Map)#1")) {
      return List.of(new Wrong(ARGUMENT, Collections.singletonMap("a\0", null), "array 'a?'"));
    } else if (at.matches("(read|write)\\(.*Path.*\\)#1|(info|names|write)\\(Path.*\\)#0")) {
      return List.of(
          new Wrong(IOException.class, Path.of("none", "such.npy"), "such.npy"),
          new Wrong(IOException.class, Path.of("."), "."));
    } else if (at.matches("(copyFrom|mismatch)\\(Tensor\\)#0") || isFree(at, type)) {
      return List.of();
    }
    throw new AssertionError(
        "the misuse table does not know what "
            + method
            + " refuses at parameter "
            + parameter
            + " ("
            + name
            + "): say so in MisuseRules");
  }

  /** Where every value that is alive and not null is good. */
  private static boolean isFree(String at, Class<?> type) {
    return type == ExecutionContext.class
        || type == Tensor.class
        || type == Tensor[].class
        || type == Runnable.class
        || HANDED_OFF.contains(type)
        || at.matches("(offer|poll)\\(.*")
        || at.matches("set[A-Z][a-z]+At\\(.*#1|set[A-Z][a-z]+\\(.*long\\[\\]\\)#0")
        || at.matches("(fill|allocTemp|hugePages|zeroOnRelease|name|track|equals)\\(.*#0")
        || at.matches("(budget|onPressure)\\(.*#0|(of|child)\\(String,long\\)#0")
        || at.matches("(empty|zeros)\\(DType.*#0|nativeFunction\\(String\\)#0")
        || at.matches("allocSlice\\(.*#0");
  }

  private static Scope endedScope() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      return ctx.scope();
    }
  }

  private static String signature(Method method) {
    return Stream.of(method.getParameterTypes())
        .map(Class::getSimpleName)
        .collect(Collectors.joining(",", method.getName() + "(", ")"));
  }

  private static List<Wrong> numbers(
      Class<? extends Throwable> expected, Class<?> type, long... numbers) {
    List<Wrong> wrong = new ArrayList<>();
    for (long number : numbers) {
      Object value = type == int.class ? (Object) (int) number : (Object) number;
      wrong.add(new Wrong(expected, value, value.toString()));
    }
    return wrong;
  }

  private static List<Wrong> addresses(long... addresses) {
    return LongStream.of(addresses)
        .mapToObj(at -> new Wrong(ARGUMENT, at, "address 0x" + Long.toHexString(at)))
        .toList();
  }

  private static List<Wrong> values(Object... values) {
    return Stream.of(values).map(value -> new Wrong(ARGUMENT, value, text(value))).toList();
  }

  private static String text(Object value) {
    if (value instanceof long[]) {
      return Arrays.toString((long[]) value);
    } else if (value instanceof int[]) {
      return Arrays.toString((int[]) value);
    } else if (value instanceof ByteBuffer) {
      return value.toString();
    }
    return value.toString();
  }

  /** For a tensor of extents 1: an index past it on every axis, and too few or many of them. */
  private static List<Wrong> indices(int rank) {
    List<Wrong> wrong = new ArrayList<>();
    for (int axis = 0; axis < rank; axis++) {
      for (long bad : new long[] {-1, 1, MIN, MAX}) {
        long[] index = new long[rank];
        index[axis] = bad;
        wrong.add(new Wrong(BOUNDS, index, "index " + bad + " on axis " + axis));
      }
    }
    wrong.add(new Wrong(ARGUMENT, new long[rank + 1], Arrays.toString(new long[rank + 1])));
    wrong.add(new Wrong(ARGUMENT, new long[0], "[]"));
    return wrong;
  }

  /** For a tensor of one element. */
  private static List<Wrong> lengths(Class<?> component) {
    return Stream.of(0, 2, 1000)
        .map(n -> new Wrong(ARGUMENT, Array.newInstance(component, n), n + " values"))
        .toList();
  }

  // ---- element types

  /** Whether a method of a tensor works on elements of the type. */
  static boolean takes(Method method, DType dtype) {
    String name = method.getName();
    String java = ModelElements.javaType(dtype);
    if (name.matches("(get|set|to)(Float|Double|Long|Int|Short|Byte|Boolean).*")) {
      return name.substring(name.startsWith("to") ? 2 : 3).startsWith(java);
    } else if (name.matches("as.+Buffer")) {
      return takesAsBuffer(name.substring(2, name.length() - 6), dtype, java);
    } else if (name.equals("copyFrom") && method.getParameterTypes()[0].isArray()) {
      return method.getParameterTypes()[0].getComponentType().getName().equalsIgnoreCase(java);
    } else if (name.equals("fill")) {
      return takesAsFill(method.getParameterTypes()[0].getName(), dtype, java);
    }
    return true;
  }

  private static boolean takesAsBuffer(String buffer, DType dtype, String java) {
    switch (buffer) {
      case "Byte":
        return true;
      case "Short":
        return dtype.byteSize() == 2;
      case "Float":
        return dtype == DType.FLOAT32;
      default:
        return buffer.equals(java);
    }
  }

  private static boolean takesAsFill(String parameter, DType dtype, String java) {
    boolean isFloat = java.equals("Float") || java.equals("Double");
    switch (parameter) {
      case "float":
        return isFloat;
      case "double":
        return java.equals("Double");
      case "boolean":
        return dtype == DType.BOOL;
      case "int":
        return dtype != DType.BOOL;
      default:
        return !isFloat && dtype != DType.BOOL;
    }
  }
}
