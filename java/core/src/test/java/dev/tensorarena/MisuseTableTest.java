package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/**
 * The misuse table: every public method of every public type, with null, with numbers, shapes and
 * lengths that are wrong, with elements of another type, with dead and with other threads' tensors
 * and contexts. Types, methods and parameters are enumerated: one that is added later is tested by
 * itself, or fails here until {@link MisuseRules} says what it must refuse. What happens to dead
 * receivers, and on wrong threads, is in {@link LivenessGateTest} and {@link OwnerThreadTest}; what
 * to frozen ones in {@link FrozenTest}.
 */
class MisuseTableTest {
  @TempDir static Path folder;

  /** A receiver with the context that it lives in, and good arguments for a method. */
  private static final class Subject implements AutoCloseable {
    final ExecutionContext ctx = ExecutionContext.open();
    final Tensor like;
    final Object receiver;
    final Object[] arguments;

    Subject(Method method, Calls.Kind kind) throws Exception {
      like = kind.in(ctx);
      receiver = receiver(method.getDeclaringClass());
      boolean isOfFiles = List.of(method.getParameterTypes()).contains(Path.class);
      arguments = isOfFiles ? ofFiles(method) : Calls.arguments(method, like, ctx);
    }

    private Object[] ofFiles(Method method) throws IOException {
      boolean isNpz = method.getDeclaringClass() == Npz.class;
      Path file = folder.resolve(isNpz ? "good.npz" : "good.npy");
      if (!Files.exists(file) && isNpz) {
        Npz.write(file, Map.of("x", ctx.allocTemp(1f)));
      } else if (!Files.exists(file)) {
        Npy.write(ctx.allocTemp(1f), file);
      }
      Map<Class<?>, Object> values =
          Map.of(
              Path.class, file,
              String.class, "x",
              Map.class, Map.of("x", like),
              Tensor.class, like,
              ExecutionContext.class, ctx);
      return Stream.of(method.getParameterTypes()).map(values::get).toArray();
    }

    private Object receiver(Class<?> type) throws InterruptedException {
      if (type.isAssignableFrom(Tensor.class)) {
        return like;
      } else if (type == SharedTensor.class) {
        return ctx.track(like.share());
      } else if (type.isAssignableFrom(ExecutionContext.class)) {
        return ctx;
      } else if (type == TensorMemory.class) {
        return like.memory();
      } else if (type == TensorPin.class) {
        return ctx.track(TensorPin.of(like));
      } else if (type == TensorQueue.class) {
        TensorQueue queue = ctx.track(TensorQueue.bounded(2, 1000));
        queue.put(like.share());
        return queue;
      } else if (type == TensorParts.class) {
        return ctx.track(like.split(0, 1));
      } else if (type == TensorPart.class) {
        return ctx.track(like.split(0, 1).get(0));
      } else if (type == DetachedContext.class) {
        return ctx.detach();
      } else if (type == MemoryBudget.class) {
        return ctx.track(MemoryBudget.of("table", Long.MAX_VALUE));
      } else if (type == MemoryBudget.Reservation.class) {
        return ctx.track(ctx.track(MemoryBudget.of("table", Long.MAX_VALUE)).reserve(1));
      } else if (type == Scope.class) {
        return ctx.scope();
      } else if (type == ExecutionContext.Builder.class) {
        return ExecutionContext.builder();
      } else if (type == Shape.class) {
        return like.shape();
      } else if (type == DType.class) {
        return like.dtype();
      } else if (type == NpyInfo.class) {
        return new NpyInfo(like.dtype(), like.shape(), false, 128);
      } else if (type == ArenaStats.class) {
        return ctx.arenaStats();
      } else if (type == ChunkPool.Stats.class) {
        return ChunkPool.stats();
      } else if (type == MemoryLimitExceededException.class) {
        return new MemoryLimitExceededException("it", 1, 2, 3);
      }
      return null; // static methods only
    }

    Object[] with(int parameter, Object value) {
      Object[] changed = arguments.clone();
      changed[parameter] = value;
      return changed;
    }

    @Override
    public void close() {
      ctx.close();
    }
  }

  // ---- what there is

  private static List<Class<?>> publicTypes() throws Exception {
    Path classes =
        Path.of(ExecutionContext.class.getProtectionDomain().getCodeSource().getLocation().toURI())
            .resolve("dev/tensorarena");
    List<Class<?>> types = new ArrayList<>();
    try (Stream<Path> files = Files.list(classes)) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString().replace(".class", "");
        if (!name.equals("package-info")) {
          Class<?> type = Class.forName("dev.tensorarena." + name, false, classLoader());
          if (MisuseRules.isPublic(type)) {
            types.add(type);
          }
        }
      }
    }
    return types;
  }

  private static ClassLoader classLoader() {
    return MisuseTableTest.class.getClassLoader();
  }

  private static Stream<Method> methods() throws Exception {
    return publicTypes().stream()
        .filter(type -> !type.isInterface()) // whose methods are the user's
        .flatMap(type -> Stream.of(type.getMethods()))
        .filter(method -> method.getDeclaringClass().getName().startsWith("dev.tensorarena."))
        .filter(method -> !method.isBridge() && !method.isSynthetic())
        .distinct()
        .sorted((a, b) -> a.toString().compareTo(b.toString()));
  }

  private static Calls.Kind kindFor(Method method) {
    List<Throwable> failures = new ArrayList<>();
    for (Calls.Kind kind : Calls.KINDS) {
      try (Subject subject = new Subject(method, kind)) {
        Object result = Calls.call(method, subject.receiver, subject.arguments);
        if (result instanceof AutoCloseable && result != subject.receiver) {
          ((AutoCloseable) result).close();
        }
        return kind;
      } catch (Throwable e) {
        failures.add(e);
      } finally {
        MisuseRules.restoreGlobalLimits();
      }
    }
    throw new AssertionError("no kind of tensor is accepted by " + method + ", see " + failures);
  }

  @Test
  void everyPublicTypeIsKnown() throws Exception {
    Set<String> names = new TreeSet<>();
    publicTypes().forEach(type -> names.add(type.getSimpleName()));
    assertEquals(MisuseRules.TYPES, names);
    for (Class<?> type : publicTypes()) {
      boolean isForAll = type.isRecord() || type.isInterface();
      assertTrue(isForAll || type.getConstructors().length == 0, type + " can be made");
    }
  }

  // ---- the table

  /** Calls with one argument replaced; then the context must be as it was, and usable. */
  private static void refuses(
      Method method, Class<? extends Throwable> expected, int parameter, Object bad, String part)
      throws Exception {
    try (Subject subject = new Subject(method, kindFor(method))) {
      long before = subject.ctx.memoryUsage();
      Executable call = () -> Calls.call(method, subject.receiver, subject.with(parameter, bad));
      Throwable thrown = assertRefuses(expected, call, part);
      // Hot code throws null pointer exceptions that the JVM made in advance, without a message.
      boolean madeInAdvance = thrown.getStackTrace().length == 0;
      assertTrue(thrown.getMessage() != null || madeInAdvance && bad == null);
      assertEquals(before, subject.ctx.memoryUsage(), "nothing has changed");
      assertTrue(subject.like.isAlive());
      assertEquals(7, subject.ctx.allocTemp(7).getIntAt(0), "the context is usable");
    }
  }

  @TestFactory
  Stream<DynamicTest> nullIsRefused() throws Exception {
    return methods()
        .filter(method -> !method.getName().equals("equals"))
        .flatMap(
            method ->
                IntStream.range(0, method.getParameterCount())
                    .filter(i -> !method.getParameterTypes()[i].isPrimitive())
                    .mapToObj(
                        i ->
                            dynamicTest(
                                method + ", parameter " + i,
                                () -> refuses(method, NullPointerException.class, i, null, ""))));
  }

  @TestFactory
  Stream<DynamicTest> wrongNumbersShapesAndLengthsAreRefused() throws Exception {
    return methods()
        .flatMap(
            method ->
                IntStream.range(0, method.getParameterCount())
                    .mapToObj(
                        i ->
                            dynamicTest(
                                method + ", parameter " + i, () -> refusesWrong(method, i))));
  }

  private static void refusesWrong(Method method, int parameter) throws Exception {
    for (MisuseRules.Wrong wrong : MisuseRules.of(method, parameter, kindFor(method))) {
      refuses(method, wrong.expected(), parameter, wrong.value(), wrong.part());
    }
  }

  @TestFactory
  Stream<DynamicTest> elementsOfAnotherTypeAreRefused() {
    return Calls.methods(Tensor.class)
        .map(
            method ->
                dynamicTest(
                    method.toString(),
                    () -> {
                      for (DType dtype : DType.values()) {
                        assertTakes(method, dtype);
                      }
                    }));
  }

  private static void assertTakes(Method method, DType dtype) throws Throwable {
    Calls.Kind kind = new Calls.Kind(dtype, kindFor(method).shape());
    try (Subject subject = new Subject(method, kind)) {
      Executable call = () -> closed(Calls.call(method, subject.receiver, subject.arguments));
      if (MisuseRules.takes(method, dtype)) {
        call.execute();
      } else {
        assertRefuses(IllegalArgumentException.class, call, dtype.toString());
      }
    }
  }

  private static void closed(Object result) {
    if (result instanceof OpenResource) {
      ((OpenResource) result).close();
    }
  }

  @Test
  void integersThatTheTypeDoesNotHoldAreRefused() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      for (DType dtype : new DType[] {DType.INT8, DType.UINT8, DType.INT16, DType.INT32}) {
        int bits = 8 * dtype.byteSize();
        long most = dtype == DType.UINT8 ? 255 : (1L << bits - 1) - 1;
        long least = dtype == DType.UINT8 ? 0 : -most - 1;
        Tensor tensor = ctx.zeros(dtype, 2).fill(most).fill(least);
        for (long value : new long[] {most + 1, least - 1, Long.MAX_VALUE, Long.MIN_VALUE}) {
          assertRefuses(
              IllegalArgumentException.class,
              () -> tensor.fill(value),
              Long.toString(value),
              dtype.toString());
        }
      }
      assertRefuses(
          IllegalArgumentException.class, () -> ctx.zeros(DType.INT8, 1).fill(128), "128", "INT8");
    }
  }

  // ---- dead and other threads' arguments

  @TestFactory
  Stream<DynamicTest> deadAndOtherThreadsTensorsAreRefusedAsArguments() throws Exception {
    return methodsTaking(Tensor.class, MisuseTableTest::refusesTensors);
  }

  @TestFactory
  Stream<DynamicTest> closedAndOtherThreadsContextsAreRefusedAsArguments() throws Exception {
    return methodsTaking(ExecutionContext.class, MisuseTableTest::refusesContexts);
  }

  private interface OfParameter {
    void test(Method method, int parameter) throws Exception;
  }

  private static Stream<DynamicTest> methodsTaking(Class<?> type, OfParameter test)
      throws Exception {
    return methods()
        .flatMap(
            method ->
                IntStream.range(0, method.getParameterCount())
                    .filter(i -> isOneOrMore(method.getParameterTypes()[i], type))
                    .mapToObj(i -> dynamicTest(method.toString(), () -> test.test(method, i))));
  }

  private static boolean isOneOrMore(Class<?> parameter, Class<?> type) {
    return parameter == type || parameter.getComponentType() == type;
  }

  private static void refusesTensors(Method method, int parameter) throws Exception {
    Calls.Kind kind = kindFor(method);
    Class<?> type = method.getParameterTypes()[parameter];
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Scope scope = ctx.scope();
      Tensor ended = kind.in(ctx);
      scope.close();
      SharedTensor released = kind.in(ctx).share();
      released.close();
      ExecutionContext other = ExecutionContext.open();
      Tensor closed = kind.in(other);
      other.close();
      for (Tensor dead : List.of(ended, released, closed, ended, closed)) {
        refuses(method, IllegalStateException.class, parameter, as(type, dead), "is dead");
      }
      TestSupport.onThread(
          "stranger",
          () -> {
            try (ExecutionContext theirs = ExecutionContext.open()) {
              Tensor strange = kind.in(theirs);
              TestSupport.runOnThread(
                  "another",
                  () ->
                      refuses(
                          method,
                          IllegalStateException.class,
                          parameter,
                          as(type, strange),
                          "\"stranger\""));
            }
            return null;
          });
    }
  }

  private static Object as(Class<?> type, Tensor tensor) {
    return type.isArray() ? new Tensor[] {tensor} : tensor;
  }

  private static void refusesContexts(Method method, int parameter) throws Exception {
    ExecutionContext closed = ExecutionContext.open();
    closed.close();
    refuses(method, IllegalStateException.class, parameter, closed, "is closed");
    try (ExecutionContext ctx = ExecutionContext.open()) {
      String owner = Thread.currentThread().getName();
      TestSupport.runOnThread(
          "stranger",
          () -> refuses(method, IllegalStateException.class, parameter, ctx, "\"" + owner + "\""));
      assertEquals(0, ctx.memoryUsage());
    }
  }

  // ---- scopes

  @TestFactory
  Stream<DynamicTest> everyMethodOfAScopeIsForItsThreadUntilItEnds() {
    return Calls.methods(Scope.class)
        .filter(method -> !method.getName().equals("isOpen")) // which tells just that
        .map(method -> dynamicTest(method.toString(), () -> assertScopeRefuses(method)));
  }

  private static void assertScopeRefuses(Method method) throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.zeros(DType.INT8, 1);
      Scope scope = ctx.scope();
      Object[] arguments = Calls.arguments(method, tensor, ctx);
      TestSupport.runOnThread(
          "stranger",
          () -> assertRefuses(() -> Calls.call(method, scope, arguments), "\"stranger\""));
      assertTrue(tensor.isAlive());
      scope.close();
      if (!method.getName().equals("close")) { // which does nothing the second time
        assertRefuses(() -> Calls.call(method, scope, arguments), "its scope was closed");
        ctx.scope().close();
      }
    }
  }
}
