package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * No input to the public API crashes the JVM: every public method with arguments at and past every
 * edge, on tensors of all kinds, in a JVM of its own. What is refused is refused with an exception
 * that the API names, and has changed nothing.
 */
class FuzzTest {
  private static final Set<Class<?>> NAMED =
      Set.of(
          IllegalArgumentException.class,
          IndexOutOfBoundsException.class,
          IllegalStateException.class,
          MemoryLimitExceededException.class,
          OutOfMemoryError.class,
          NullPointerException.class); // for null alone

  private static final long[] LONGS = {
    Long.MIN_VALUE,
    Integer.MIN_VALUE,
    -65,
    -1,
    0,
    1,
    2,
    3,
    4,
    63,
    64,
    65,
    255,
    256,
    4096,
    8192,
    65_536,
    Integer.MAX_VALUE - 1,
    Integer.MAX_VALUE,
    1L << 31,
    1L << 32,
    1L << 46,
    1L << 62,
    Long.MAX_VALUE - 63,
    Long.MAX_VALUE - 1,
    Long.MAX_VALUE
  };

  @Test
  void noInputCrashesTheJvm() throws Exception {
    TestSupport.fork(List.of("-Xmx512m", "-Dtensorarena.maxMemory=512m"), Fuzz.class)
        .assertSucceeded();
  }

  static final class Fuzz {
    private static final List<Method> OF_TENSORS = Calls.methods(SharedTensor.class).toList();
    private static final List<Method> OF_CONTEXTS =
        Calls.methods(ExecutionContext.class).filter(m -> !m.getName().equals("close")).toList();
    private static final List<Method> OF_BUILDERS =
        Calls.methods(ExecutionContext.Builder.class)
            .filter(m -> !m.getName().equals("open"))
            .toList();

    private final Random random;
    private final List<Tensor> tensors = new ArrayList<>();
    private final List<TensorParts> splits = new ArrayList<>();
    private final List<DetachedContext> moving = new ArrayList<>();
    private final MemoryBudget budget = MemoryBudget.of("fuzz", 1 << 20);
    private ExecutionContext ctx;
    private boolean sawNull;

    Fuzz(int seed) {
      random = new Random(seed);
    }

    public static void main(String[] args) throws Exception {
      for (int seed = 0; seed < 10; seed++) {
        new Fuzz(seed).run();
      }
      assertEquals(0, ChunkPool.stats().inUseChunks());
    }

    private void run() throws Exception {
      open();
      for (int step = 0; step < 5000; step++) {
        if (random.nextInt(6) == 0) {
          call(pick(OF_CONTEXTS), ctx);
        } else {
          call(pick(OF_TENSORS), pick(tensors));
        }
        if (tensors.size() > 60) {
          close();
          open();
        }
      }
      close();
      budget.close();
    }

    private void close() {
      ctx.close();
      for (Tensor tensor : tensors) {
        if (tensor instanceof SharedTensor) {
          ((SharedTensor) tensor).close();
        }
      }
      for (TensorParts parts : splits) {
        parts.get(0).close();
        parts.close();
      }
      moving.forEach(DetachedContext::close); // what was not adopted
      tensors.clear();
      splits.clear();
      moving.clear();
    }

    private void open() throws Exception {
      ctx = ExecutionContext.withMemoryLimit(1 << 20);
      for (int i = 0; i < 10; i++) {
        call(pick(OF_BUILDERS), ExecutionContext.builder());
      }
      for (DType dtype : DType.values()) {
        tensors.add(
            ctx.zeros(dtype, pick(List.of(Shape.of(4), Shape.of(2, 2), Shape.of(1, 3, 1)))));
      }
      tensors.add(ctx.zeros(DType.FLOAT32));
      tensors.add(ctx.zeros(DType.INT32, 3, 0));
      tensors.add(ctx.zeros(DType.INT64, 3, 4).transpose());
      tensors.add(ctx.zeros(DType.FLOAT32, 65_536).share());
      tensors.add(ctx.wrap(ByteBuffer.allocateDirect(8), DType.INT8, Shape.of(8)));
    }

    private <T> T pick(List<T> from) {
      return from.get(random.nextInt(from.size()));
    }

    private void call(Method method, Object on) throws Exception {
      if (!method.getDeclaringClass().isInstance(on) || method.getName().equals("hashCode")) {
        return;
      }
      sawNull = false;
      Object[] arguments = Stream.of(method.getParameterTypes()).map(this::argument).toArray();
      long before = ctx.memoryUsage();
      try {
        Object result = method.invoke(on, arguments);
        keep(result);
      } catch (InvocationTargetException e) {
        Throwable thrown = e.getCause();
        boolean named = NAMED.stream().anyMatch(type -> type.isInstance(thrown));
        if (!named || thrown instanceof NullPointerException && !sawNull) {
          throw new AssertionError(method + " on " + on + " with " + List.of(arguments), thrown);
        }
        if (!(thrown instanceof NullPointerException)) {
          assertEquals(before, ctx.memoryUsage(), method + ": " + thrown);
        }
      }
    }

    private void keep(Object result) {
      if (result instanceof Tensor) {
        tensors.add((Tensor) result);
      } else if (result instanceof TensorParts) {
        splits.add((TensorParts) result);
        tensors.add(splits.get(splits.size() - 1).get(0).tensor());
      } else if (result instanceof DetachedContext) {
        ctx = ((DetachedContext) result).attach();
      }
    }

    private long number() {
      return random.nextInt(3) == 0 ? pickLong() : random.nextInt(5);
    }

    private long pickLong() {
      return LONGS[random.nextInt(LONGS.length)];
    }

    private Object argument(Class<?> type) {
      if (!type.isPrimitive() && random.nextInt(40) == 0) {
        sawNull = true;
        return null;
      }
      if (type == long.class) {
        return number();
      } else if (type == int.class) {
        return (int) number();
      } else if (type == short.class) {
        return (short) number();
      } else if (type == byte.class) {
        return (byte) number();
      } else if (type == boolean.class) {
        return random.nextBoolean();
      } else if (type == float.class) {
        return Float.intBitsToFloat((int) pickLong());
      } else if (type == double.class) {
        return Double.longBitsToDouble(pickLong());
      } else if (type == long[].class) {
        return random.longs(random.nextInt(5)).map(any -> number()).toArray();
      } else if (type == int[].class) {
        return random.ints(random.nextInt(5)).map(any -> (int) number()).toArray();
      } else if (type == Tensor[].class) {
        return random.ints(random.nextInt(4)).mapToObj(any -> pick(tensors)).toArray(Tensor[]::new);
      } else if (type.isArray()) {
        return Array.newInstance(type.getComponentType(), random.nextInt(10));
      } else if (type == Shape.class) {
        return shape();
      } else if (type == DType.class) {
        return DType.values()[random.nextInt(DType.values().length)];
      } else if (type == Tensor.class || type == Object.class) {
        return pick(tensors);
      } else if (type == ExecutionContext.class) {
        return ctx;
      } else if (type == MemoryBudget.class) {
        return budget;
      } else if (type == DetachedContext.class) {
        ExecutionContext child = ExecutionContext.builder().budget(budget).open();
        tensors.add(child.zeros(DType.FLOAT32, random.nextInt(5)));
        moving.add(child.detach());
        return moving.get(random.nextInt(moving.size()));
      } else if (type == String.class) {
        return "fuzz";
      } else if (type == Class.class) {
        return Calls.NoGuard.class;
      } else if (type == Function.class) {
        return (Function<Object, Calls.NoGuard>) guarded -> new Calls.NoGuard();
      } else if (type == ForeignMemory.class) {
        return new ForeignBlock.DirectBuffer(ByteBuffer.allocateDirect(random.nextInt(70)));
      } else if (type == Runnable.class) {
        return (Runnable) () -> {};
      } else if (type == AutoCloseable.class) {
        return (AutoCloseable) () -> {};
      }
      return buffer(type);
    }

    private Shape shape() {
      for (; ; ) {
        try {
          return Shape.of(random.longs(random.nextInt(4)).map(any -> number()).toArray());
        } catch (IllegalArgumentException e) {
          continue; // negative or too large
        }
      }
    }

    private Object buffer(Class<?> type) {
      int capacity = random.nextInt(70);
      ByteBuffer bytes =
          random.nextBoolean()
              ? ByteBuffer.allocate(capacity)
              : ByteBuffer.allocateDirect(capacity);
      bytes.order(random.nextBoolean() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
      bytes.position(random.nextInt(capacity + 1));
      ByteBuffer some = random.nextBoolean() ? bytes.asReadOnlyBuffer() : bytes;
      switch (type.getSimpleName()) {
        case "ByteBuffer":
          return some;
        case "FloatBuffer":
          return some.asFloatBuffer();
        case "DoubleBuffer":
          return some.asDoubleBuffer();
        case "LongBuffer":
          return some.asLongBuffer();
        case "IntBuffer":
          return some.asIntBuffer();
        case "ShortBuffer":
          return some.asShortBuffer();
        default:
          throw new AssertionError("this test knows no " + type);
      }
    }
  }
}
