package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.FloatBuffer;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the JIT says of the hot paths, in a JVM in which nothing but the library was used. */
class InliningTest {
  /** Of the library, or of what its loops are over. */
  private static final Pattern OURS = Pattern.compile("dev\\.tensorarena|java\\.nio|ScopedMemory");

  @ParameterizedTest
  @ValueSource(strings = {"off", "sampled"})
  void noCallIsLeftInAHotPathForWantOfALoadedClass(String leakDetection) throws Exception {
    TestSupport.Outcome outcome =
        TestSupport.fork(
                List.of(
                    "-XX:TieredStopAtLevel=4",
                    "-Xbatch",
                    "-XX:-UseOnStackReplacement",
                    "-XX:+UnlockDiagnosticVMOptions",
                    "-XX:+PrintCompilation",
                    "-XX:+PrintInlining",
                    "-Dtensorarena.leakDetection=" + leakDetection),
                Query.class)
            .assertSucceeded();
    outcome.assertPrinted("ScopedMemoryAccess::getFloat", "Arena::allocate", "SharedTensor::close");
    assertEquals(
        List.of(),
        outcome
            .output()
            .lines()
            .filter(line -> line.contains("unloaded signature classes"))
            .filter(OURS.asPredicate())
            .toList());
  }

  /** Allocates, computes, shares and resets, often enough to be compiled. */
  static final class Query {
    private static final int QUERIES = 20_000;

    private static float sum(FloatBuffer values) {
      float sum = 0;
      for (int i = 0; i < values.capacity(); i++) {
        sum += values.get(i);
      }
      return sum;
    }

    private static float run(ExecutionContext ctx, Shape shape) {
      Tensor tensor = ctx.zeros(DType.FLOAT32, shape);
      tensor.setFloatAt(0, 1);
      Scope scope = ctx.scope();
      ctx.allocSlice(1f, 2f);
      scope.close();
      float sum = sum(tensor.asFloatBuffer());
      try (SharedTensor shared = tensor.share()) {
        sum += shared.getFloatAt(0);
      }
      ctx.reset();
      return sum;
    }

    public static void main(String[] args) {
      Shape shape = Shape.of(8);
      try (ExecutionContext ctx = ExecutionContext.open()) {
        for (int i = 0; i < QUERIES; i++) {
          if (run(ctx, shape) != 2) {
            throw new AssertionError();
          }
        }
      }
    }
  }
}
