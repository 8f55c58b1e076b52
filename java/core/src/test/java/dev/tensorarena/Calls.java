package dev.tensorarena;

import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Calls public methods by reflection, with arguments that suit a tensor of one element, so that a
 * method that is added later is tested without being named.
 */
final class Calls {
  /** Types and ranks among which every method finds a tensor that it works on. */
  static final List<Kind> KINDS = kinds();

  private static final Map<Class<?>, Object> VALUES =
      Map.ofEntries(
          Map.entry(long.class, 0L),
          Map.entry(int.class, 0),
          Map.entry(short.class, (short) 0),
          Map.entry(byte.class, (byte) 0),
          Map.entry(float.class, 0f),
          Map.entry(double.class, 0d),
          Map.entry(boolean.class, false),
          Map.entry(int[].class, new int[1]),
          Map.entry(DType.class, DType.INT8),
          Map.entry(String.class, "INT8"),
          Map.entry(Object.class, "another"),
          Map.entry(ByteBuffer.class, ByteBuffer.allocateDirect(1)),
          Map.entry(ShortBuffer.class, ShortBuffer.allocate(1)),
          Map.entry(IntBuffer.class, IntBuffer.allocate(1)),
          Map.entry(LongBuffer.class, LongBuffer.allocate(1)),
          Map.entry(FloatBuffer.class, FloatBuffer.allocate(1)),
          Map.entry(DoubleBuffer.class, DoubleBuffer.allocate(1)),
          Map.entry(
              ForeignMemory.class, new ForeignBlock.DirectBuffer(ByteBuffer.allocateDirect(1))),
          Map.entry(Class.class, NoGuard.class),
          Map.entry(Function.class, (Function<Object, NoGuard>) guarded -> new NoGuard()),
          Map.entry(Executor.class, (Executor) Runnable::run),
          Map.entry(CompletionStage.class, CompletableFuture.completedFuture(null)),
          Map.entry(TimeUnit.class, TimeUnit.NANOSECONDS),
          Map.entry(MemoryBudget.class, MemoryBudget.of("calls", Long.MAX_VALUE)),
          Map.entry(
              MemoryBudget.PressureListener.class, (MemoryBudget.PressureListener) bytes -> false),
          Map.entry(Runnable.class, (Runnable) () -> {}),
          Map.entry(AutoCloseable.class, (AutoCloseable) () -> {}));

  private Calls() {}

  /** Guards nothing. */
  static final class NoGuard extends Guard {
    @Override
    public void close() {}
  }

  /** A type and a rank. */
  record Kind(DType dtype, Shape shape) {
    Tensor in(ExecutionContext ctx) {
      return ctx.zeros(dtype, shape);
    }
  }

  private static List<Kind> kinds() {
    List<Kind> kinds = new ArrayList<>();
    for (DType dtype : DType.values()) {
      for (Shape shape : List.of(Shape.of(1), Shape.of(1, 1), Shape.of(1, 1, 1))) {
        kinds.add(new Kind(dtype, shape));
      }
    }
    return kinds;
  }

  /** The public instance methods of a type, inherited ones too, but for those of Object. */
  static Stream<Method> methods(Class<?> type) {
    return Stream.of(type.getMethods())
        .filter(method -> !Modifier.isStatic(method.getModifiers()))
        .filter(method -> method.getDeclaringClass() != Object.class)
        .filter(method -> !method.isBridge())
        .sorted(Comparator.comparing(Method::toString));
  }

  /** Calls a method and throws what it throws. */
  static Object call(Method method, Object on, Tensor like, ExecutionContext ctx) throws Throwable {
    return call(method, on, arguments(method, like, ctx));
  }

  /** The same with other arguments. */
  static Object call(Method method, Object on, Object[] arguments) throws Throwable {
    try {
      return method.invoke(on, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  /** Good arguments; tensors among them are alive and the context is open. */
  static Object[] arguments(Method method, Tensor like, ExecutionContext ctx) {
    Function<Class<?>, Object> argument =
        type -> {
          if (type == Shape.class) {
            return like.shape();
          } else if (type == ExecutionContext.class) {
            return ctx;
          } else if (type == Scope.class) {
            return ctx.current.parent == null ? ctx.current : ctx.current.parent;
          } else if (type == DetachedContext.class) {
            return ctx.track(ExecutionContext.open().detach());
          } else if (type == SharedTensor.class) {
            return ctx.track(ctx.zeros(like.dtype(), like.shape()).share());
          } else if (type == Tensor[].class) {
            return new Tensor[] {ctx.zeros(like.dtype(), like.shape())};
          } else if (type == Tensor.class) {
            return ctx.zeros(like.dtype(), like.shape());
          } else if (type == long[].class && method.getName().equals("splitAt")) {
            return new long[] {1};
          } else if (type == long[].class) {
            return new long[like.shape().rank()];
          } else if (type == int.class && method.getName().matches("allocate.*|alignment")) {
            return 1; // an alignment
          } else if (method.getName().equals("bounded")) {
            return type == int.class ? (Object) 1 : (Object) 1L;
          } else if (type == long.class && method.getName().equals("tensorAt")) {
            return like.start(); // room that was handed out
          } else if (VALUES.containsKey(type)) {
            Object value = VALUES.get(type);
            return value instanceof Buffer ? ((Buffer) value).clear() : value;
          } else if (type.isArray()) {
            return Array.newInstance(type.getComponentType(), 1);
          }
          throw new AssertionError("this test knows no " + type.getName() + " for " + method);
        };
    Object[] all = Stream.of(method.getParameterTypes()).map(argument).toArray();
    if (method.getName().equals("split")) {
      all[1] = 1; // the number of parts
    }
    return all;
  }
}
