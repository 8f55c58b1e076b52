import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import dev.tensorarena.blas.Blas;
import dev.tensorarena.ffm.Segments;
import dev.tensorarena.jna.TensorPointer;
import java.lang.foreign.ValueLayout;

/** Uses every module once; the argument says whether they must be named modules. */
public class Program {
  public static void main(String[] args) {
    for (Class<?> type :
        new Class<?>[] {ExecutionContext.class, Segments.class, Blas.class, TensorPointer.class}) {
      check(Boolean.parseBoolean(args[0]), type.getModule().isNamed(), type.getModule());
    }
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(3f, 1f, 2f);
      check(14.0, Blas.dot(tensor, tensor), "dot");
      check(2f, Segments.of(tensor).getAtIndex(ValueLayout.JAVA_FLOAT, 2), "segment");
      check(2f, TensorPointer.of(tensor).getFloat(8), "pointer");
    }
  }

  private static void check(Object expected, Object actual, Object of) {
    if (!expected.equals(actual)) {
      throw new AssertionError(of + ": " + actual + " instead of " + expected);
    }
  }
}
