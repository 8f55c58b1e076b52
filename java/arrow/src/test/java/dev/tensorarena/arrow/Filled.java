package dev.tensorarena.arrow;

import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.junit.jupiter.api.function.Executable;

/** What several tests of this package use. */
final class Filled {
  private Filled() {}

  /** Returns a tensor whose bytes are 1, 0, 1, 0 and so on for BOOL, and else 1, 2, 3. */
  static Tensor tensor(ExecutionContext ctx, DType dtype, long... shape) {
    Tensor tensor = ctx.empty(dtype, Shape.of(shape));
    ByteBuffer bytes = tensor.asByteBuffer();
    for (int i = 0; i < bytes.limit(); i++) {
      bytes.put(i, (byte) (dtype == DType.BOOL ? 1 - i % 2 : i + 1));
    }
    return tensor;
  }

  /** Returns a vector of Arrow's own, without nulls. */
  static IntVector ints(BufferAllocator allocator, int... values) {
    IntVector vector = new IntVector("ints", allocator);
    vector.allocateNew(values.length);
    for (int i = 0; i < values.length; i++) {
      vector.set(i, values[i]);
    }
    vector.setValueCount(values.length);
    return vector;
  }

  /** Returns the vector of the elements, below all lists. */
  static FieldVector elements(FieldVector vector) {
    return vector instanceof FixedSizeListVector lists ? elements(lists.getDataVector()) : vector;
  }

  static void assertRefused(Class<? extends Throwable> type, Executable call, String... parts) {
    String message = assertThrows(type, call).getMessage();
    if (!Arrays.stream(parts).allMatch(message::contains)) {
      throw new AssertionError(Arrays.toString(parts) + " are not all in: " + message);
    }
  }
}
