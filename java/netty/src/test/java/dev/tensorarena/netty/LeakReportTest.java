package dev.tensorarena.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What Netty's leak detector says of a buffer that nobody released. */
class LeakReportTest {
  @Test
  void aForgottenBufferIsReportedWithThePlaceThatMadeIt() {
    assertEquals(List.of(), NoBufferLeaks.found());
    forget();
    List<String> reports = NoBufferLeaks.found();
    assertEquals(1, reports.size(), reports.toString());
    assertTrue(reports.get(0).contains("LeakReportTest.forget"), reports.get(0));
  }

  /** Of memory that is no arena's, so that no chunk is lost. */
  private static void forget() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      TensorBuffers.wrappedBuffer(ctx.wrap(ByteBuffer.allocateDirect(4), DType.INT8, Shape.of(4)));
    }
  }
}
