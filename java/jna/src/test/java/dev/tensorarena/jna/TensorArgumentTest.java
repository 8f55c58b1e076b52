package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.jna.Callback;
import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import dev.tensorarena.ChunkPool;
import dev.tensorarena.ClosableMemory;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.LibraryLog;
import dev.tensorarena.NativeClient;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPart;
import dev.tensorarena.TensorParts;
import dev.tensorarena.TensorPin;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Tensors as arguments of C functions, in every way in which JNA calls them. */
class TensorArgumentTest {
  private static final Map<String, ?> MAPPED =
      Map.of(Library.OPTION_TYPE_MAPPER, TensorTypeMapper.INSTANCE);

  /** What ends the scope while C is at work. */
  interface Interruption extends Callback {
    void invoke();
  }

  interface Pointers extends Library {
    double client_sum(Pointer x, int n);

    double client_dot(Pointer x, Pointer y, int n);

    void client_scale(Pointer x, int n, float by);

    double client_call_back_and_sum(Pointer x, int n, Interruption callback);
  }

  interface Tensors extends Library {
    double client_sum(Tensor x, int n);

    double client_dot(Tensor x, TensorPointer y, int n);

    void client_scale(SharedTensor x, int n, float by);

    double client_call_back_and_sum(Tensor x, int n, Interruption callback);
  }

  static final class DirectPointers {
    static native double client_sum(Pointer x, int n);

    static native double client_call_back_and_sum(Pointer x, int n, Interruption callback);

    static {
      Native.register(DirectPointers.class, NativeLibrary.getInstance(NativeClient.FILE));
    }
  }

  static final class DirectTensors {
    static native double client_sum(Tensor x, int n);

    static native double client_dot(Tensor x, TensorPointer y, int n);

    static {
      Native.register(DirectTensors.class, NativeLibrary.getInstance(NativeClient.FILE, MAPPED));
    }
  }

  private static final Pointers POINTERS = Native.load(NativeClient.FILE, Pointers.class);
  private static final Tensors TENSORS = Native.load(NativeClient.FILE, Tensors.class, MAPPED);

  /** A way to call client_sum with a tensor. */
  enum Way {
    INTERFACE_WITH_POINTER {
      @Override
      double sum(Tensor x, int n) {
        return POINTERS.client_sum(TensorPointer.of(x), n);
      }
    },
    INTERFACE_WITH_TENSOR {
      @Override
      double sum(Tensor x, int n) {
        return TENSORS.client_sum(x, n);
      }
    },
    DIRECT_WITH_POINTER {
      @Override
      double sum(Tensor x, int n) {
        return DirectPointers.client_sum(TensorPointer.of(x), n);
      }
    },
    DIRECT_WITH_TENSOR {
      @Override
      double sum(Tensor x, int n) {
        return DirectTensors.client_sum(x, n);
      }
    };

    abstract double sum(Tensor x, int n);
  }

  private final long chunksBefore = ChunkPool.stats().inUseChunks();
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() throws InterruptedException {
    ctx.close();
    // What a refused call had pinned already goes with the garbage.
    for (int i = 0; i < 500 && ChunkPool.stats().inUseChunks() > chunksBefore; i++) {
      System.gc();
      Thread.sleep(10);
    }
    assertEquals(chunksBefore, ChunkPool.stats().inUseChunks(), "all chunks came home");
  }

  private static void assertRefuses(
      Class<? extends Throwable> type, Executable call, String... parts) {
    String message = assertThrows(type, call).getMessage();
    for (String part : parts) {
      assertTrue(message.contains(part), () -> "\"" + part + "\" is not in: " + message);
    }
  }

  @ParameterizedTest
  @EnumSource
  void theFunctionSeesTheTensorsOwnBytes(Way way) throws Exception {
    Tensor x = ctx.allocSlice(1f, 2f, 3f, 4f);
    assertEquals(10, way.sum(x, 4));
    assertEquals(7, way.sum(x.slice(0, 2, 4), 2));
    x.setFloat(5f, 0);
    assertEquals(14, way.sum(x, 4));
    assertEquals(0, way.sum(ctx.empty(DType.FLOAT32, 0), 0));
    try (SharedTensor shared = x.share()) {
      assertEquals(14, way.sum(shared, 4));
      assertEquals(14, CompletableFuture.supplyAsync(() -> way.sum(shared, 4)).join());
      ctx.reset();
      assertEquals(14, way.sum(shared, 4));
    }
    assertEquals(0, ctx.memoryUsage());
  }

  /** Pinned during the call, which freezes nothing. */
  @ParameterizedTest
  @EnumSource
  void theFunctionSeesAndWritesAPartOnThePartsThread(Way way) {
    Tensor whole = ctx.allocSlice(1f, 2f, 3f, 4f);
    TensorParts parts = whole.split(0, 2);
    CompletableFuture.runAsync(
            () -> {
              try (TensorPart part = parts.get(1)) {
                Tensor mine = part.tensor();
                assertEquals(7, way.sum(mine, 2));
                POINTERS.client_scale(TensorPointer.of(mine), 2, 10);
                TensorPointer.of(mine).setFloat(4, 5f);
                assertTrue(mine.isWritable());
              }
            })
        .join();
    assertRefuses(
        IllegalStateException.class, () -> TensorPointer.of(whole).setFloat(0, 1f), "is frozen");
    assertEquals(1 + 2 + 30 + 5, way.sum(whole, 4));
    parts.close();
    TensorPointer.of(whole).setFloat(0, 2f);
    assertEquals(2f, whole.getFloatAt(0));
  }

  @ParameterizedTest
  @EnumSource
  void whatNoFunctionCanTakeIsRefused(Way way) {
    Class<IllegalStateException> ended = IllegalStateException.class;
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    Tensor matrix = ctx.zeros(DType.FLOAT32, 3, 5);
    assertRefuses(
        bad, () -> way.sum(matrix.transpose(), 15), "[5, 3]", "not contiguous", "contiguous(ctx)");
    assertEquals(0, way.sum(matrix.transpose().contiguous(ctx), 15));
    Tensor large = ctx.empty(DType.INT8, 1L << 31);
    assertRefuses(bad, () -> way.sum(large, 1), "2147483648 bytes", "slices");
    way.sum(large.slice(0, 0, Integer.MAX_VALUE), 0);
    CompletionException elsewhere =
        assertThrows(
            CompletionException.class,
            () -> CompletableFuture.runAsync(() -> way.sum(matrix, 15)).join());
    assertTrue(elsewhere.getMessage().contains("share() is how"), elsewhere.getMessage());
    SharedTensor shared = matrix.share();
    shared.close();
    assertRefuses(ended, () -> way.sum(shared, 15), "is dead", "released");
    ctx.reset();
    assertRefuses(ended, () -> way.sum(matrix, 15), "FLOAT32", "is dead", "reset");
  }

  @Test
  void aPointerThatOutlivesItsTensorIsRefused() {
    TensorPointer dead;
    TensorPointer alive = TensorPointer.of(ctx.allocSlice(1f, 2f));
    try (Scope scope = ctx.scope()) {
      assertNotNull(scope);
      dead = TensorPointer.of(ctx.allocSlice(1f, 2f));
      assertEquals(5, POINTERS.client_dot(dead, alive, 2));
      assertEquals(5, TENSORS.client_dot(dead.tensor(), alive, 2));
      assertEquals(5, DirectTensors.client_dot(dead.tensor(), alive, 2));
    }
    Class<IllegalStateException> ended = IllegalStateException.class;
    assertRefuses(ended, () -> POINTERS.client_sum(dead, 2), "its scope was closed");
    assertRefuses(ended, () -> TENSORS.client_dot(alive.tensor(), dead, 2), "is dead");
    assertRefuses(ended, () -> DirectTensors.client_dot(alive.tensor(), dead, 2), "is dead");
    assertRefuses(ended, () -> dead.getFloat(0), "is dead");
    assertRefuses(ended, () -> dead.setFloat(0, 1f), "is dead");
    assertRefuses(ended, () -> dead.getByteBuffer(0, 4), "is dead");
    assertRefuses(ended, () -> dead.share(4), "is dead");
  }

  @Test
  void thePointersAccessorsStayInsideTheTensor() {
    TensorPointer pointer = TensorPointer.of(ctx.allocSlice(1f, 2f, 3f));
    pointer.setFloat(8, 7f);
    assertEquals(7f, pointer.tensor().getFloat(2));
    assertEquals(12, pointer.size());
    assertEquals(7f, pointer.getFloatArray(0, 3)[2]);
    assertEquals(2f, pointer.share(4, 4).getFloat(0));
    Class<IndexOutOfBoundsException> outside = IndexOutOfBoundsException.class;
    assertRefuses(outside, () -> pointer.getFloat(12), "4 bytes at offset 12", "12 bytes");
    assertRefuses(outside, () -> pointer.getFloat(-1), "offset -1");
    assertRefuses(outside, () -> pointer.getLong(8), "8 bytes at offset 8");
    assertRefuses(outside, () -> pointer.getFloatArray(0, 4), "16 bytes");
    assertRefuses(outside, () -> pointer.share(4, 12), "12 bytes at offset 4");
    pointer.close();
    assertEquals(7f, pointer.getFloat(8));
    assertTrue(pointer.toString().contains("FLOAT32 tensor of shape [3]"));
  }

  @Test
  void aPartIsPassedAsThatPartAndAStridedTensorAsItLies() {
    Tensor x = ctx.allocSlice(1f, 2f, 4f, 8f);
    Tensor ones = ctx.allocSlice(1f, 1f, 1f, 1f);
    TensorPointer part = (TensorPointer) TensorPointer.of(x).share(8);
    assertEquals(12, POINTERS.client_sum(part, 2));
    assertEquals(12, DirectPointers.client_sum(part, 2));
    assertEquals(12, TENSORS.client_dot(ones, part, 2));
    assertEquals(12, DirectTensors.client_dot(ones, part, 2));
    Tensor matrix = ctx.zeros(DType.FLOAT32, 2, 2);
    matrix.copyFrom(new float[] {1, 2, 4, 8});
    TensorPointer strided = TensorPointer.strided(matrix.transpose());
    assertEquals(15, POINTERS.client_sum(strided, 4));
    assertEquals(15, TENSORS.client_dot(ones, strided, 4));
    assertEquals(15, DirectTensors.client_dot(ones, strided, 4));
    ctx.reset();
    Tensor other = ctx.allocSlice(1f, 1f);
    assertThrows(IllegalStateException.class, () -> POINTERS.client_sum(part, 2));
    assertThrows(IllegalStateException.class, () -> TENSORS.client_dot(other, part, 2));
    assertThrows(IllegalStateException.class, () -> DirectTensors.client_dot(other, strided, 2));
  }

  @Test
  void whatTheFunctionWritesIsInTheTensor() {
    Tensor x = ctx.allocSlice(1f, 2f);
    POINTERS.client_scale(TensorPointer.of(x), 2, 3f);
    assertEquals(6f, x.getFloat(1));
    assertEquals(0, POINTERS.client_sum(null, 0));
    assertEquals(0, TENSORS.client_sum(null, 0));
    assertEquals(0, DirectTensors.client_sum(null, 0));
  }

  private double sumWhileItsScopeEnds(boolean asPointer) {
    Scope scope = ctx.scope();
    Tensor x = ctx.zeros(DType.FLOAT32, 1000).fill(1f);
    Interruption interruption =
        () -> {
          scope.close();
          ctx.zeros(DType.FLOAT32, 1000).fill(9f);
        };
    return asPointer
        ? POINTERS.client_call_back_and_sum(TensorPointer.of(x), 1000, interruption)
        : TENSORS.client_call_back_and_sum(x, 1000, interruption);
  }

  @Test
  void theBytesArePinnedDuringTheCallAndNoLonger() {
    long address = ctx.empty(DType.FLOAT32, 1000).address();
    ctx.reset();
    for (boolean asPointer : new boolean[] {true, false}) {
      assertEquals(1000, sumWhileItsScopeEnds(asPointer));
      ctx.reset();
      assertEquals(address, ctx.empty(DType.FLOAT32, 1000).address(), "nothing is pinned now");
      ctx.reset();
    }
  }

  @Test
  void aPinHoldsTheBytesInADirectMappedCall() {
    Scope scope = ctx.scope();
    Tensor x = ctx.zeros(DType.FLOAT32, 1000).fill(1f);
    try (TensorPin pin = TensorPin.of(x)) {
      assertNotNull(pin);
      double sum =
          DirectPointers.client_call_back_and_sum(
              TensorPointer.of(x),
              1000,
              () -> {
                scope.close();
                ctx.zeros(DType.FLOAT32, 1000).fill(9f);
              });
      assertEquals(1000, sum);
    }
  }

  /** The second argument is refused when the first is pinned already. */
  @Test
  void aCallThatNeverHappensLeavesNoPinForEver() {
    TensorPointer dead = TensorPointer.of(ctx.allocSlice(1f));
    ctx.reset();
    TensorPointer alive = TensorPointer.of(ctx.allocSlice(1f));
    assertThrows(IllegalStateException.class, () -> POINTERS.client_dot(alive, dead, 1));
    ctx.close();
    assertEquals(chunksBefore + 1, ChunkPool.stats().inUseChunks(), "the first argument's");
  }

  @Test
  void anErrorOfTheOwnerIsLoggedWhereAnArgumentIsCollected() {
    Error error = new Error("an owner's");
    Runnable released =
        () -> {
          throw error;
        };
    TensorPointer dead = TensorPointer.of(ctx.allocSlice(1f));
    ctx.reset();
    ByteBuffer bytes = ByteBuffer.allocateDirect(4).order(ByteOrder.nativeOrder());
    TensorPointer wrapped = TensorPointer.of(ctx.wrap(bytes, DType.FLOAT32, Shape.of(1), released));
    assertThrows(IllegalStateException.class, () -> POINTERS.client_dot(wrapped, dead, 1));
    assertTrue(LibraryLog.tellsOf(error, ctx::close));
  }

  @Test
  void aPointerIsAnArgumentAndNoMoreThanThat() {
    TensorPointer pointer = TensorPointer.of(ctx.allocSlice(1f));
    assertSame(Pointer.class, pointer.nativeType());
    assertThrows(UnsupportedOperationException.class, () -> pointer.fromNative(pointer, null));
    assertTrue(pointer instanceof Memory, "JNA's own bounds checks");
  }

  /** Nothing public holds a segment open while C reads it. */
  @Test
  void memoryThatSomebodyElseCanEndIsNoArgument() throws Exception {
    Tensors tensors = Native.load(NativeClient.FILE, Tensors.class, MAPPED);
    assumeTrue(ClosableMemory.IS_SUPPORTED);
    try (ClosableMemory memory = new ClosableMemory()) {
      Tensor tensor = ctx.wrap(memory.buffer(8), DType.FLOAT32, Shape.of(2)).fill(1f);
      Executable[] uses = {
        () -> TensorPointer.of(tensor),
        () -> TensorPointer.strided(tensor.transpose()),
        () -> tensors.client_sum(tensor, 2),
        () -> DirectTensors.client_sum(tensor, 2)
      };
      for (Executable use : uses) {
        Exception refusal = assertThrows(IllegalArgumentException.class, use);
        assertTrue(refusal.getMessage().contains("copy(ctx)"), refusal.getMessage());
      }
      assertEquals(2, tensors.client_sum(tensor.copy(ctx), 2));
    }
  }
}
