package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.counting;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** TensorPin: bytes that outlive their tensor without being shared. */
class TensorPinTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  private void assertKept(FloatBuffer raw) {
    ctx.empty(DType.INT8, 50_000).fill(1);
    ctx.empty(DType.INT8, 50_000).fill(1);
    for (int i = 0; i < raw.limit(); i++) {
      assertEquals(i, raw.get(i));
    }
  }

  @Test
  void theBytesOutliveScopeResetAndCloseAndTheTensorStaysWritable() {
    FloatBuffer raw;
    TensorPin pin;
    try (Scope scope = ctx.scope()) {
      assertNotNull(scope);
      Tensor tensor = ctx.allocSlice(counting(1000));
      raw = tensor.asFloatBuffer();
      pin = TensorPin.of(tensor);
      assertTrue(tensor.isWritable());
      tensor.setFloat(0f, 0);
    }
    assertKept(raw);
    ctx.reset();
    assertKept(raw);
    ctx.close();
    try (ExecutionContext other = ExecutionContext.open()) {
      other.empty(DType.INT8, 50_000).fill(1);
      assertEquals(999f, raw.get(999));
    }
    long pinned = ChunkPool.stats().pinnedChunks();
    pin.close();
    assertEquals(pinned - 1, ChunkPool.stats().pinnedChunks());
    pin.close();
  }

  @Test
  void aPinIsClosedOnAnyThreadAndTheRoomIsThenReused() throws Exception {
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocSlice(counting(1000));
    long address = tensor.address();
    TensorPin pin = TensorPin.of(tensor.slice(0, 500, 1000));
    TestSupport.runOnThread("other", pin::close);
    scope.close();
    assertEquals(address, ctx.allocSlice(counting(1000)).address());
  }

  @Test
  void sharedBytesArePinnedByTheirCount() throws Exception {
    Tensor tensor = ctx.allocSlice(counting(1000));
    FloatBuffer raw = tensor.asFloatBuffer();
    SharedTensor shared = tensor.share();
    TensorPin[] pins = new TensorPin[3];
    pins[0] = TensorPin.of(tensor);
    pins[1] = TensorPin.of(shared.slice(0, 1, 2));
    TestSupport.runOnThread("other", () -> pins[2] = TensorPin.of(shared));
    shared.close();
    pins[0].close();
    ctx.reset();
    assertKept(raw);
    pins[1].close();
    assertKept(raw);
    pins[2].close();
    assertRefuses(() -> TensorPin.of(shared), "is dead");
  }

  /** Its bytes are another context's. */
  @Test
  void whatMutableHasTakenOverIsPinnedToo() {
    SharedTensor shared;
    FloatBuffer raw;
    try (ExecutionContext other = ExecutionContext.open()) {
      Tensor tensor = other.allocSlice(counting(1000));
      raw = tensor.asFloatBuffer();
      shared = tensor.share();
    }
    TensorPin pin = TensorPin.of(shared.mutable(ctx));
    ctx.reset();
    assertKept(raw);
    pin.close();
  }

  @Test
  void whatIsNoArenasOrEmptyNeedsNoPin() {
    ByteBuffer direct = ByteBuffer.allocateDirect(4);
    TensorPin.of(ctx.wrap(direct, DType.INT8, Shape.of(4))).close();
    TensorPin.of(ctx.empty(DType.FLOAT32, 0)).close();
  }

  /** A pin would promise what it cannot keep. */
  @Test
  void memoryThatSomebodyElseCanEndIsRefused() throws Exception {
    assumeTrue(ClosableMemory.IS_SUPPORTED);
    try (ClosableMemory memory = new ClosableMemory()) {
      Tensor tensor = ctx.wrap(memory.buffer(8), DType.FLOAT32, Shape.of(2)).fill(1f);
      try (SharedTensor handle = tensor.share()) {
        for (Tensor each : new Tensor[] {tensor, tensor.slice(0, 1, 2), handle}) {
          assertFalse(each.isPinnable());
          assertRefuses(IllegalArgumentException.class, () -> TensorPin.of(each), "copy(ctx)");
        }
      }
      Tensor copy = tensor.copy(ctx);
      assertTrue(copy.isPinnable());
      TensorPin.of(copy).close();
    }
  }

  @Test
  void aDeadTensorAndAnotherThreadsAreRefused() throws Exception {
    Tensor tensor = ctx.allocSlice(1f);
    TestSupport.runOnThread("other", () -> assertRefuses(() -> TensorPin.of(tensor), "\"other\""));
    ctx.reset();
    assertRefuses(() -> TensorPin.of(tensor), "is dead");
  }

  /** Where it could not be closed by whoever made it, it would keep its chunk for ever. */
  @Test
  void aPinThatIsMadeAtTheEndOfTheStackCanBeClosedThere() throws Exception {
    for (String jvm : new String[] {"-Xint", "-XX:TieredStopAtLevel=4", "-Xcomp"}) {
      TestSupport.fork(List.of(jvm), AtTheEdge.class).assertSucceeded();
    }
  }

  static final class AtTheEdge {
    private static int closed;
    private static int refused;
    private static int told;

    public static void main(String[] args) throws InterruptedException {
      for (int i = 0; i < 12; i++) {
        int frames = i; // so that the stack ends elsewhere
        StackEdge.onSmallStack(() -> pinBelow(frames));
      }
      assertTrue(closed >= 24, "closed: " + closed);
      assertEquals(0, refused);
      assertEquals(12, told);
      assertEquals(0, ChunkPool.stats().inUseChunks());
    }

    private static void pinBelow(int frames) {
      if (frames > 0) {
        pinBelow(frames - 1);
      } else {
        pinAtTheEdge();
        pinWrappedMemoryAtTheEdge();
      }
    }

    /** Whoever lets go of it last tells its owner, and needs more stack for that. */
    private static void pinWrappedMemoryAtTheEdge() {
      SharedTensor handle;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ByteBuffer memory = ByteBuffer.allocateDirect(8);
        handle = ctx.wrap(memory, DType.INT8, Shape.of(8), () -> told++).share();
      }
      TensorPin.of(handle).close(); // what it calls is linked
      StackEdge.atTheEdge(() -> pinAndClose(handle));
      handle.close();
    }

    private static void pinAndClose(Tensor tensor) {
      TensorPin pin = TensorPin.of(tensor);
      try {
        pin.close();
        closed++;
      } catch (StackOverflowError e) {
        refused++;
        throw e;
      }
    }

    private static void pinAtTheEdge() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = ctx.allocSlice(1f, 2f);
        TensorPin.of(tensor).close(); // what it calls is linked
        StackEdge.atTheEdge(() -> pinAndClose(tensor));
      }
    }
  }
}
