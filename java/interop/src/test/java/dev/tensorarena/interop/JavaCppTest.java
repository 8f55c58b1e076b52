package dev.tensorarena.interop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ForeignMemory;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPin;
import dev.tensorarena.interop.JavaCppExamplesTest.TensorPointer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the recipes for JavaCPP rest on, and when the bytes go. */
class JavaCppTest {
  /** What JavaCPP makes and forgets when it is loaded would go at some time during a test. */
  @BeforeAll
  static void forgetWhatJavaCppForgets() throws InterruptedException {
    new FloatPointer(1).close();
    collectPointers(0);
  }

  /** Of what JavaCPP has a deallocator for, all is gone. */
  @AfterEach
  void nothingOfJavaCppLeaks() {
    assertEquals(0, Pointer.totalCount());
  }

  /** Returns once JavaCPP's collector has left so many; never, if others are kept. */
  private static void collectPointers(long left) throws InterruptedException {
    while (Pointer.totalCount() > left) {
      System.gc();
      Thread.sleep(1);
    }
  }

  private static long pinned() {
    return ChunkPool.stats().pinnedChunks();
  }

  private static Tensor wrapped(ExecutionContext ctx, FloatPointer p) {
    long bytes = (p.limit() - p.position()) * p.sizeof();
    Tensor tensor =
        ctx.wrap(
            ForeignMemory.ofAddress(
                p.address() + p.position() * p.sizeof(), bytes, p::releaseReference),
            DType.FLOAT32,
            Shape.of(bytes / 4));
    p.retainReference();
    return tensor;
  }

  // ---- a tensor as a pointer

  @Test
  void aPointerHasTheTensorsAddressAndSize() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor row = ctx.copyOf(Shape.of(2, 3), 0f, 1, 2, 3, 4, 5).select(0, 1);
      try (TensorPointer p = new TensorPointer(row)) {
        assertEquals(row.address(), p.address() + p.position() * p.sizeof());
        assertEquals(0, p.position());
        assertEquals(3, p.limit());
        assertEquals(3, p.capacity());
        p.put(1, 7f);
        assertEquals(7f, row.getFloatAt(1));
        row.setFloat(8f, 2);
        assertEquals(8f, p.get(2));
      }
    }
  }

  /** Of which INTEROP warns: JavaCPP does not ask whether a buffer is read-only. */
  @Test
  void aPointerWritesIntoAFrozenTensorToo() {
    try (ExecutionContext ctx = ExecutionContext.open();
        SharedTensor shared = ctx.allocSlice(3f).share();
        TensorPointer p = new TensorPointer(shared)) {
      p.put(0, 4f);
      assertEquals(4f, shared.getFloatAt(0));
    }
  }

  @Test
  void whatIsNoRowOfFloatsIsRefusedAndNothingIsPinned() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor strided = ctx.zeros(DType.FLOAT32, 2, 3).transpose(1, 0);
      assertThrows(IllegalStateException.class, () -> new TensorPointer(strided));
      Tensor ints = ctx.zeros(DType.INT32, 3);
      assertThrows(IllegalArgumentException.class, () -> new TensorPointer(ints));
    }
  }

  @Test
  void theBytesStayAfterScopeAndContextUntilAnotherThreadCloses() throws Exception {
    TensorPointer p;
    long address;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Scope scope = ctx.scope();
      Tensor x = ctx.allocSlice(3f, 1f, 2f);
      address = x.address();
      p = new TensorPointer(x);
      scope.close();
      assertNotEquals(address, ctx.allocSlice(9f, 9f, 9f).address(), "handed out again");
    }
    assertEquals(1, pinned());
    assertEquals(1f, p.get(1));
    Thread thread = new Thread(p::close);
    thread.start();
    thread.join();
    assertEquals(0, pinned());
    assertTrue(p.isNull());
    p.close();
    assertFalse(p.releaseReference(), "there is nothing left to release");
  }

  @Test
  void aPointerThatIsClosedFirstLeavesTheTensor() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.allocSlice(3f, 1f, 2f);
      new TensorPointer(x).close();
      assertEquals(1f, x.getFloatAt(1));
      assertTrue(x.isWritable());
    }
  }

  /** Of a tensor whose context has ended, so that nobody else holds the bytes. */
  private static TensorPointer sole() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      return new TensorPointer(ctx.allocSlice(3f, 1f));
    }
  }

  @Test
  void whoeverReleasesLastFrees() {
    TensorPointer p = sole();
    assertEquals(1, p.referenceCount());
    p.retainReference();
    assertFalse(p.releaseReference());
    assertEquals(1, pinned());
    assertTrue(p.releaseReference());
    assertEquals(0, pinned());
  }

  /** Why the recipe retains: otherwise the first borrower ends it. */
  @Test
  void theirCountStartsAtZero() {
    Uncounted p;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      p = new Uncounted(ctx.allocSlice(3f));
    }
    assertEquals(0, p.referenceCount());
    assertEquals(1, pinned());
    try (PointerScope borrower = new PointerScope()) {
      borrower.attach(p);
    }
    assertTrue(p.isNull());
    assertEquals(0, pinned());
  }

  private static final class Uncounted extends FloatPointer {
    Uncounted(Tensor tensor) {
      super(tensor.asFloatBuffer());
      TensorPin pin = TensorPin.of(tensor);
      deallocator(pin::close);
    }
  }

  @Test
  void aScopeOfJavaCppsLeavesWhatItsUserHolds() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      PointerScope theirs = new PointerScope();
      TensorPointer p = new TensorPointer(ctx.allocSlice(3f)); // attached by deallocator()
      assertEquals(2, p.referenceCount());
      theirs.close();
      assertEquals(3f, p.get());
      p.close();
      assertTrue(p.isNull());
    }
  }

  @Test
  void aPointerOfAnotherTypeOverItKeepsItsCount() {
    TensorPointer p = sole();
    BytePointer bytes = new BytePointer(p);
    assertEquals(p.address(), bytes.address());
    bytes.retainReference();
    p.close();
    assertEquals(1, pinned());
    bytes.releaseReference();
    assertEquals(0, pinned());
  }

  @Test
  void aPointerThatNobodyClosesIsCollectedWithItsPin() throws Exception {
    forget();
    collectPointers(0);
    assertEquals(0, pinned());
  }

  private static void forget() {
    assertEquals(3f, sole().get());
    assertEquals(1, pinned());
  }

  // ---- a pointer as a tensor

  @Test
  void aTensorBeginsAtThePositionAndEndsAtTheLimit() {
    FloatPointer p = new FloatPointer(9f, 3f, 1f, 2f, 9f).retainReference();
    p.position(1).limit(4);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor y = wrapped(ctx, p);
      assertEquals(p.address() + 4, y.address());
      assertArrayEquals(new float[] {3, 1, 2}, y.toFloatArray());
      y.setFloat(7f, 0);
      assertEquals(7f, p.get());
      p.put(1, 8f);
      assertEquals(8f, y.getFloatAt(1));
    }
    assertEquals(1, p.referenceCount());
    p.close();
    assertTrue(p.isNull());
  }

  @Test
  void theirsFirst() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      FloatPointer p = new FloatPointer(3f, 1f).retainReference();
      Tensor y = wrapped(ctx, p);
      p.close();
      assertEquals(1, p.referenceCount());
      assertEquals(1f, y.getFloatAt(1));
      ctx.reset();
      assertTrue(p.isNull());
      assertThrows(IllegalStateException.class, () -> y.getFloatAt(0));
    }
  }

  @Test
  void aShareOnAnotherThreadReleasesLast() throws Exception {
    FloatPointer p = new FloatPointer(3f, 1f).retainReference();
    SharedTensor shared;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      shared = wrapped(ctx, p).share();
      p.close();
    }
    assertEquals(1, p.referenceCount());
    Thread thread =
        new Thread(
            () -> {
              try (shared) {
                assertEquals(1f, shared.getFloatAt(1));
              }
            });
    thread.start();
    thread.join();
    assertTrue(p.isNull());
  }

  @Test
  void whatIsRefusedIsNotRetained() {
    try (FloatPointer p = new FloatPointer(3f, 1f).retainReference()) {
      ExecutionContext closed = ExecutionContext.open();
      closed.close();
      assertThrows(IllegalStateException.class, () -> wrapped(closed, p));
      assertEquals(1, p.referenceCount());
    }
  }

  /** The tensor refers to it, so that JavaCPP's collector does not take it. */
  @Test
  void aPointerThatOnlyTheTensorKnowsIsNotCollected() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor y = ofForgotten(ctx);
      for (int i = 0; i < 3; i++) { // garbage goes, and it does not
        garbage();
        collectPointers(1);
      }
      assertEquals(1, Pointer.totalCount());
      assertEquals(1f, y.getFloatAt(1));
    }
  }

  private static Tensor ofForgotten(ExecutionContext ctx) {
    FloatPointer p = new FloatPointer(3f, 1f).retainReference();
    Tensor tensor = wrapped(ctx, p);
    p.close();
    return tensor;
  }

  private static void garbage() {
    assertEquals(3f, new FloatPointer(3f).get());
  }
}
