package dev.tensorarena.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ForeignMemory;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPin;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.Test;

/** Tensors as pointers of JavaCPP's, and back, as docs/INTEROP.md shows it. */
class JavaCppExamplesTest {
  // example
  /** The elements of a tensor for C++, which stay until this is closed, or collected. */
  static final class TensorPointer extends FloatPointer {
    TensorPointer(Tensor tensor) {
      super(tensor.asFloatBuffer()); // no copy; other types and strided views are refused
      TensorPin pin = TensorPin.of(tensor);
      deallocator(pin::close);
      retainReference(); // the count starts at 0, where the first borrower would end it
    }
  }

  // end of example

  @Test
  void aTensorIsAPointerUntilItIsClosed() {
    // example
    TensorPointer p;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      p = new TensorPointer(ctx.allocSlice(3f, 1f, 2f));
    }
    float last = p.get(2); // as native code that still works on it
    p.close(); // the bytes go, on whichever thread
    // end of example
    assertEquals(2f, last);
    assertTrue(p.isNull());
    assertEquals(0, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void aPointerIsATensorUntilTheLastHolderHasGone() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      // example
      FloatPointer p = new FloatPointer(3f, 1f, 2f).retainReference(); // from 0 to 1: it is ours
      long at = p.address() + p.position() * p.sizeof();
      long bytes = (p.limit() - p.position()) * p.sizeof();
      Tensor y =
          ctx.wrap(
              ForeignMemory.ofAddress(at, bytes, p::releaseReference),
              DType.FLOAT32,
              Shape.of(bytes / 4)); // no copy
      p.retainReference(); // y's, until nobody holds it
      p.close(); // ours
      // end of example
      assertEquals(at, y.address());
      assertEquals(1, p.referenceCount());
      assertEquals(2f, y.getFloatAt(2));
    }
  }
}
