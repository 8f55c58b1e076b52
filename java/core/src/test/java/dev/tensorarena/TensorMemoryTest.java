package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.counting;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** memory(): what address(), byteSize() and isWritable() answer, at once. */
@Tag("platform")
class TensorMemoryTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  private static void assertAgrees(Tensor tensor, boolean isWritable) {
    assertEquals(
        new TensorMemory(tensor.address(), tensor.byteSize(), isWritable, null), tensor.memory());
    assertEquals(isWritable, tensor.isWritable());
  }

  @ParameterizedTest
  @EnumSource
  void itSaysWhatTheTensorSays(DType dtype) {
    Tensor tensor = ctx.zeros(dtype, 3, 4);
    assertAgrees(tensor, true);
    assertEquals(12L * dtype.byteSize(), tensor.memory().byteSize());
    assertAgrees(tensor.select(0, 2), true);
    assertAgrees(tensor.slice(0, 1, 1), true);
    assertAgrees(ctx.empty(dtype, 0), true);
    assertNotEquals(0, ctx.empty(dtype, 0).memory().address());
  }

  @Test
  void frozenBytesAreNotWritableUntilTheyAreMutableAgain() {
    Tensor tensor = ctx.allocSlice(counting(10));
    TensorMemory before = tensor.memory();
    SharedTensor handle = tensor.share();
    assertAgrees(tensor, false);
    assertAgrees(handle, false);
    assertAgrees(handle.slice(0, 2, 5), false);
    assertTrue(before.isWritable(), "as it was when it was asked");
    handle.close();
    assertEquals(before, tensor.mutable(ctx).memory());
  }

  @Test
  void foreignMemoryComesWithIt() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(24).order(ByteOrder.nativeOrder());
    Tensor tensor = ctx.wrap(buffer, DType.INT32, Shape.of(2, 3));
    TensorMemory row = tensor.select(0, 1).memory();
    assertEquals(new ForeignBlock.DirectBuffer(buffer), row.foreign());
    assertEquals(tensor.address() + 12, row.address());
    assertEquals(12, row.byteSize());
    assertTrue(row.isWritable());
    assertFalse(
        ctx.wrap(buffer.asReadOnlyBuffer(), DType.INT8, Shape.of(24)).memory().isWritable());
  }

  @Test
  void aStridedViewHasNoOneStretch() {
    Tensor columns = ctx.zeros(DType.INT32, 2, 3).transpose();
    assertRefuses(columns::memory, "[3, 2]", "contiguous(ctx)");
    assertAgrees(columns.contiguous(ctx), true);
  }

  @Test
  void itReachesWhatNoBufferDoes() {
    Tensor large = ctx.empty(DType.FLOAT64, 1L << 29);
    assertEquals(1L << 32, large.memory().byteSize());
    assertEquals(large.address(), large.memory().address());
  }
}
