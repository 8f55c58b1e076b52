import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPart;
import dev.tensorarena.TensorParts;
import java.util.concurrent.StructuredTaskScope;

/**
 * What the guide shows of structured concurrency; {@code PartsExamplesTest} compiles and runs it.
 */
final class StructuredExamplesTest {
  private static void score(Tensor rows) {
    if (!Thread.currentThread().isVirtual()) {
      throw new AssertionError(Thread.currentThread());
    }
    rows.fill(1f);
  }

  public static void main(String[] args) throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor scores = ctx.zeros(DType.FLOAT32, 1000, 16);
      // example
      try (TensorParts parts = scores.split(0, 8);
          var tasks = StructuredTaskScope.open()) { // closed first: its threads have ended then
        for (int k = 0; k < parts.count(); k++) {
          TensorPart part = parts.get(k);
          tasks.fork(
              () -> {
                try (part) {
                  score(part.tensor());
                }
              });
        }
        tasks.join(); // throws what a thread has thrown
      }
      // end of example
      if (!scores.contentEquals(ctx.empty(DType.FLOAT32, 1000, 16).fill(1f))) {
        throw new AssertionError("not all was written");
      }
      System.out.println("all 1000 rows were scored");
    }
  }
}
