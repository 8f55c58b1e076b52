package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * An array or a buffer of the caller's that another thread changes during the call: what was
 * checked is what is used, whenever the change comes.
 */
class CallersArgumentTest {
  private static final long NANOS = 300_000_000;
  private static final int OUTSIDE = 4096;

  /** Calls it again and again, while another thread does the change. */
  private static void race(Runnable change, Runnable call) throws InterruptedException {
    AtomicBoolean done = new AtomicBoolean();
    Thread changer =
        new Thread(
            () -> {
              while (!done.get()) {
                change.run();
              }
            });
    changer.start();
    try {
      long end = System.nanoTime() + NANOS;
      while (System.nanoTime() < end) {
        call.run();
      }
    } finally {
      done.set(true);
      changer.join();
    }
  }

  /**
   * In a JVM without C2, which joins the two loads of an element that the test is there to find.
   */
  @Test
  void anIndexThatChangesDuringTheCallReachesNoOtherTensor() throws Exception {
    TestSupport.fork(List.of(), CallersArgumentTest.class).assertSucceeded();
  }

  public static void main(String[] args) throws InterruptedException {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor target = ctx.zeros(DType.INT32, 2);
      Tensor strided = ctx.zeros(DType.INT32, 2, 2).select(1, 0);
      Tensor neighbour = ctx.zeros(DType.INT32, 2L * OUTSIDE);
      long[] index = {0};
      race(
          () -> {
            index[0] = OUTSIDE / 2;
            index[0] = 1;
          },
          () -> {
            set(target, index);
            set(strided, index);
          });
      assertEquals(-1, neighbour.mismatch(ctx.zeros(DType.INT32, neighbour.size())));
    }
  }

  private static void set(Tensor tensor, long[] index) {
    try {
      tensor.setInt(77, index);
    } catch (IndexOutOfBoundsException e) {
      // it saw the index that is outside
    }
  }

  private static Stream<Arguments> buffers() {
    return Stream.of(
        buffer(Byte.BYTES, bytes -> bytes, ExecutionContext::allocSlice),
        buffer(Short.BYTES, ByteBuffer::asShortBuffer, ExecutionContext::allocSlice),
        buffer(Integer.BYTES, ByteBuffer::asIntBuffer, ExecutionContext::allocSlice),
        buffer(Long.BYTES, ByteBuffer::asLongBuffer, ExecutionContext::allocSlice),
        buffer(Float.BYTES, ByteBuffer::asFloatBuffer, ExecutionContext::allocSlice),
        buffer(Double.BYTES, ByteBuffer::asDoubleBuffer, ExecutionContext::allocSlice));
  }

  private static <B extends Buffer> Arguments buffer(
      int size, Function<ByteBuffer, B> view, BiFunction<ExecutionContext, B, Tensor> copy) {
    ByteBuffer ones = ByteBuffer.allocateDirect(OUTSIDE * size).order(ByteOrder.nativeOrder());
    while (ones.hasRemaining()) {
      ones.put((byte) 1);
    }
    return Arguments.of(view.apply(ones.flip()), copy);
  }

  @ParameterizedTest
  @MethodSource("buffers")
  <B extends Buffer> void aBufferThatChangesDuringTheCallIsCopiedIntoItsOwnTensorOnly(
      B buffer, BiFunction<ExecutionContext, B, Tensor> copy) throws InterruptedException {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.zeros(DType.INT8, 2L * OUTSIDE * Long.BYTES);
      ctx.reset();
      race(
          () -> {
            buffer.limit(1);
            buffer.limit(OUTSIDE);
          },
          () -> {
            Tensor made = copy.apply(ctx, buffer);
            if (made.size() == 1) {
              Tensor behind = ctx.empty(DType.INT64, OUTSIDE / Long.BYTES);
              assertEquals(0, behind.getLongAt(0), "written behind a tensor of one element");
            } else {
              Bulk.zero(made);
            }
            ctx.reset();
          });
    }
  }
}
