package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Native code in a Java context, over JNI, in both directions. */
class NativeCodeTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  private static int[] counting(int first, int length) {
    return IntStream.range(first, first + length).toArray();
  }

  private Tensor nativeCounting(int first, int length) {
    long address = NativeClient.counting(ctx.nativeHandle(), first, length);
    return ctx.tensorAt(address, DType.INT32, Shape.of(length));
  }

  @Test
  void whatNativeCodeDescribesIsATensorWithoutACopy() {
    long[] described = NativeClient.matrix(ctx.nativeHandle(), 3, 5);
    DType dtype = DType.values()[(int) described[1]];
    Tensor matrix = ctx.tensorAt(described[0], dtype, Shape.of(described[2], described[3]));
    assertEquals(described[0], matrix.address());
    assertEquals(DType.FLOAT64, matrix.dtype());
    assertEquals(204.0, matrix.getDouble(2, 4));
    assertEquals(4.0, matrix.transpose().getDouble(4, 0));
    assertTrue(matrix.isWritable());
    matrix.setDouble(-1, 0, 0);
    Tensor again = ctx.tensorAt(described[0], dtype, Shape.of(15));
    assertEquals(-1, again.getDoubleAt(0), "the same bytes");
    assertEquals(120, ctx.memoryUsage());
  }

  /** The handle is taken once; Java goes on to other chunks by itself in between. */
  @Test
  void aHandleThatIsKeptIsGoodAsLongAsTheContext() {
    long arena = ctx.nativeHandle();
    for (int i = 0; i < 20; i++) {
      Tensor before = ctx.allocSlice(counting(i, 30_000));
      long address = NativeClient.counting(arena, 1000 + i, 5000);
      Tensor after = ctx.allocSlice(counting(2000 + i, 100));
      Tensor between = ctx.tensorAt(address, DType.INT32, Shape.of(5000));
      assertArrayEquals(counting(i, 30_000), before.toIntArray());
      assertArrayEquals(counting(1000 + i, 5000), between.toIntArray());
      assertArrayEquals(counting(2000 + i, 100), after.toIntArray());
    }
  }

  /** Java had seen that nobody pins the chunk, before native code could. */
  @Test
  void whatNativeCodePinsIsNotHandedOutAgain() {
    Scope scope = ctx.scope();
    ctx.allocSlice(counting(0, 10));
    scope.close();
    ctx.reset();
    Scope pinned = ctx.scope();
    Tensor values = ctx.allocSlice(counting(1, 100));
    long handle = NativeClient.retain(ctx.nativeHandle(), values.address(), 100);
    pinned.close();
    ctx.empty(DType.INT32, 1000).fill(-1);
    assertEquals(5050, NativeClient.sumAndRelease(handle));
  }

  @Test
  void aTensorGivenToNativeCodeOutlivesEverythingInJava() {
    SharedTensor detached = ctx.allocSlice(counting(1, 100)).share();
    ctx.reset();
    long address = detached.address();
    long reader;
    try (TensorPin pin = TensorPin.of(detached)) {
      reader = NativeClient.retainChunk(pin.nativeHandle(), address, 100);
    }
    detached.close();
    ctx.close();
    try (ExecutionContext other = ExecutionContext.open()) {
      for (int i = 0; i < 50; i++) {
        other.empty(DType.INT32, 10_000).fill(-1);
      }
    }
    assertEquals(5050, NativeClient.sumAndRelease(reader));
  }

  /** Native pins are of chunks: whichever of its tensors it is that native code reads. */
  @Test
  void whatLiesInAChunkThatNativeCodePinsIsCopiedByMutable() {
    long reader;
    Tensor read = ctx.allocSlice(counting(1, 100));
    Tensor beside = ctx.allocSlice(counting(7, 10));
    try (TensorPin pin = TensorPin.of(read)) {
      reader = NativeClient.retainChunk(pin.nativeHandle(), read.address(), 100);
    }
    read.share().close();
    SharedTensor detached = beside.share();
    assertNotEquals(read.address(), read.mutable(ctx).fill(-1).address());
    ctx.reset();
    try (ExecutionContext other = ExecutionContext.open()) {
      SharedTensor again = detached.share();
      detached.close();
      long shared = again.address();
      assertNotEquals(shared, again.mutable(other).fill(-1).address());
      assertEquals(5050, NativeClient.sumAndRelease(reader));
    }
  }

  @Test
  void pinsOfNativeCodeHoldAgainstMutableUntilTheyAreGivenBack() {
    for (boolean pinned : new boolean[] {true, false}) {
      Tensor tensor = ctx.allocSlice(counting(1, 100));
      long address = tensor.address();
      long reader = NativeClient.retain(ctx.nativeHandle(), address, 100);
      SharedTensor shared = tensor.share();
      ctx.reset();
      if (!pinned) {
        assertEquals(5050, NativeClient.sumAndRelease(reader));
      }
      try (ExecutionContext other = ExecutionContext.open()) {
        Tensor mine = shared.mutable(other).fill(-1);
        assertEquals(pinned, address != mine.address());
      }
      if (pinned) {
        assertEquals(5050, NativeClient.sumAndRelease(reader));
      }
    }
  }

  @Test
  void whatIsNoArenasHasNoHandleForNativeCode() {
    ByteBuffer direct = ByteBuffer.allocateDirect(8);
    try (TensorPin wrapped = TensorPin.of(ctx.wrap(direct, DType.INT8, Shape.of(8)));
        TensorPin empty = TensorPin.of(ctx.empty(DType.INT8, 0))) {
      assertRefuses(wrapped::nativeHandle, "INT8 tensor of shape [8]", "copy(ctx)");
      assertRefuses(empty::nativeHandle, "INT8 tensor of shape [0]", "is empty");
    }
    TensorPin pin = TensorPin.of(ctx.allocSlice(1));
    long chunk = pin.nativeHandle();
    assertEquals(chunk, pin.nativeHandle());
    pin.close();
    assertRefuses(pin::nativeHandle, "INT32 tensor of shape [1]", "was closed");
  }

  /** Both move the one cursor, and either may be the one who moves on to another chunk. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void javaAndNativeCodeAllocateInTurn(long seed) {
    Random random = new Random(seed);
    List<Tensor> tensors = new ArrayList<>();
    List<int[]> contents = new ArrayList<>();
    for (int i = 0; i < 600; i++) {
      int length = random.nextInt(random.nextInt(20) == 0 ? 200_000 : 3000);
      int[] values = counting(i * 7, length);
      tensors.add(random.nextBoolean() ? ctx.allocSlice(values) : nativeCounting(i * 7, length));
      contents.add(values);
    }
    for (int i = 0; i < tensors.size(); i++) {
      assertArrayEquals(contents.get(i), tensors.get(i).toIntArray());
    }
    assertTrue(ctx.arenaStats().refills() > 3, () -> ctx.arenaStats().toString());
    ctx.reset();
    assertEquals(0, ctx.memoryUsage());
    assertFalse(tensors.get(0).isAlive());
  }

  @Test
  void nativeCodeMayRewindToItsOwnMarks() {
    Tensor before = ctx.allocSlice(1, 2, 3);
    long charged = ctx.memoryUsage();
    for (long bytes : new long[] {0, 100, 65_536, 1_000_000}) {
      assertEquals(NativeArena.OK, NativeClient.markAndRewind(ctx.nativeHandle(), bytes));
      assertEquals(charged, ctx.memoryUsage());
    }
    Tensor after = ctx.allocSlice(counting(5, 100_000));
    assertArrayEquals(new int[] {1, 2, 3}, before.toIntArray());
    assertArrayEquals(counting(5, 100_000), after.toIntArray());
  }

  @Test
  void theMemoryLimitHoldsForNativeCode() {
    try (ExecutionContext limited = ExecutionContext.withMemoryLimit(1000)) {
      long address = NativeClient.counting(limited.nativeHandle(), 0, 250);
      assertEquals(0, NativeClient.counting(limited.nativeHandle(), 0, 1));
      assertNull(NativeClient.matrix(limited.nativeHandle(), 1, 1));
      assertRefuses(
          MemoryLimitExceededException.class, () -> limited.empty(DType.INT8, 1), "1000 bytes");
      assertEquals(249, limited.tensorAt(address, DType.INT32, Shape.of(250)).getIntAt(249));
    }
  }

  @Test
  void aNativeTensorDiesWithItsScopeAndIsSharedAndKeptLikeAnyOther() {
    Scope outer = ctx.scope();
    Tensor kept;
    Tensor temporary;
    SharedTensor shared;
    try (Scope scope = ctx.scope()) {
      temporary = nativeCounting(0, 10);
      shared = nativeCounting(100, 1000).share();
      kept = scope.closeKeeping(nativeCounting(9, 3));
    }
    assertRefuses(() -> temporary.getIntAt(0), "its scope was closed");
    assertArrayEquals(new int[] {9, 10, 11}, kept.toIntArray());
    outer.close();
    ctx.empty(DType.INT8, 200_000).fill(1);
    ctx.close();
    assertArrayEquals(counting(100, 1000), shared.toIntArray());
    shared.close();
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void anyTypeAndEmptyShapesFitTheRoom(DType dtype) {
    Tensor room = ctx.zeros(DType.INT8, 128);
    Tensor tensor = ctx.tensorAt(room.address(), dtype, Shape.of(2, 8));
    assertEquals(16, tensor.size());
    assertEquals(16L * dtype.byteSize(), tensor.byteSize());
    long end = room.address() + 128;
    assertTrue(ctx.tensorAt(end, dtype, Shape.of(0, 3)).isEmpty());
    Tensor last = ctx.tensorAt(end - dtype.byteSize(), dtype, Shape.scalar());
    assertEquals(end - dtype.byteSize(), last.address());
  }

  @Test
  void roomOfAnEarlierChunkIsTheContextsToo() {
    Tensor early = ctx.allocSlice(counting(1, 1000));
    ctx.empty(DType.INT8, 200_000);
    Tensor again = ctx.tensorAt(early.address(), DType.INT32, Shape.of(1000));
    assertArrayEquals(counting(1, 1000), again.toIntArray());
    assertNotHandedOut(early.address() + 4, DType.INT32, 1000); // the chunk goes on, unused
    assertNotHandedOut(early.address() + 65_536 - 4, DType.INT32, 1);
  }

  @Test
  void aWrongAddressIsAnExceptionAndNeverACrash() {
    ByteBuffer direct = ByteBuffer.allocateDirect(100);
    for (long address : new long[] {0, 8, 64, -8, Long.MIN_VALUE, Long.MAX_VALUE - 7}) {
      assertNotHandedOut(address, DType.INT8, 0); // nothing has been handed out yet
      assertNotHandedOut(address, DType.INT8, 1);
    }
    Tensor room = ctx.zeros(DType.INT8, 1000);
    long start = room.address();
    for (long address :
        new long[] {
          0,
          8,
          64,
          -8,
          Long.MIN_VALUE,
          Long.MAX_VALUE - 7,
          start - 8,
          start + 1000,
          start + 8000,
          start + (1L << 40),
          ctx.nativeHandle(),
          NativeArena.bufferAddress(direct)
        }) {
      assertNotHandedOut(address, DType.INT8, 8);
    }
    assertNotHandedOut(start, DType.INT8, 1001);
    assertNotHandedOut(start + 8, DType.INT64, 125);
    assertNotHandedOut(start + 8, DType.INT8, Long.MAX_VALUE);
    assertNotHandedOut(start, DType.INT64, Long.MAX_VALUE >> 3);
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    assertRefuses(
        bad, () -> ctx.tensorAt(start, DType.INT64, Shape.of(Long.MAX_VALUE)), "2^63 - 1");
    for (DType dtype : DType.values()) {
      if (dtype.byteSize() > 1) {
        assertRefuses(
            bad,
            () -> ctx.tensorAt(start + dtype.byteSize() / 2, dtype, Shape.of(1)),
            Long.toHexString(start + dtype.byteSize() / 2),
            "not aligned for " + dtype);
      }
    }
    assertEquals(1000, ctx.memoryUsage(), "nothing has changed");
  }

  /** They lie below the cursor, which a share of them keeps up. */
  @Test
  void bytesThatEndedBelowAPinAreNotHandedOut() {
    long first = ctx.allocSlice(7).address();
    Scope scope = ctx.scope();
    ctx.empty(DType.INT8, 1000);
    Tensor tensor = ctx.allocSlice(1, 2, 3, 4);
    SharedTensor handle = tensor.share();
    long at = tensor.address();
    assertEquals(2, ctx.tensorAt(at, DType.INT32, Shape.of(4)).getInt(1));
    scope.close();
    assertNotHandedOut(at, DType.INT32, 4);
    assertNotHandedOut(at - 1000, DType.INT8, 1);
    assertNotHandedOut(at + 12, DType.INT32, 1);
    assertArrayEquals(new int[] {1, 2, 3, 4}, handle.toIntArray());
    assertEquals(7, ctx.tensorAt(first, DType.INT32, Shape.scalar()).getInt());

    Tensor next = ctx.allocSlice(5, 6);
    assertEquals(6, ctx.tensorAt(next.address(), DType.INT32, Shape.of(2)).getInt(1));
    assertNotHandedOut(at + 12, DType.INT8, next.address() - at - 12);
    handle.close();
    assertNotHandedOut(at, DType.INT32, 4); // had again by an outer rewind only
    ctx.reset();
    assertEquals(first, ctx.empty(DType.INT8, 4096).fill(3).address());
    assertEquals(3, ctx.tensorAt(at, DType.INT8, Shape.of(4)).getByte(3));
  }

  @Test
  void whatScopesLeaveBelowPinsEndsWithTheScopeAroundThem() {
    ctx.allocSlice(7);
    List<SharedTensor> handles = new ArrayList<>();
    List<Long> ended = new ArrayList<>();
    Scope outer = ctx.scope();
    for (int i = 0; i < 3; i++) {
      Tensor between = ctx.allocSlice(counting(i, 100));
      for (int j = 0; j < 2; j++) {
        Scope scope = ctx.scope();
        Tensor tensor = ctx.allocSlice(counting(10 * i + j, 100));
        ended.add(tensor.address());
        handles.add(tensor.share());
        scope.close();
      }
      ended.forEach(address -> assertNotHandedOut(address, DType.INT32, 100));
      long address = between.address();
      assertEquals(i + 1, ctx.tensorAt(address, DType.INT32, Shape.of(100)).getInt(1));
    }
    outer.close();
    ended.forEach(address -> assertNotHandedOut(address, DType.INT32, 100));
    for (int i = 0; i < handles.size(); i++) {
      assertArrayEquals(counting(10 * (i / 2) + i % 2, 100), handles.get(i).toIntArray());
      handles.get(i).close();
    }
  }

  @Test
  void whatNativeCodePinnedHasEndedWithItsScope() {
    ctx.allocSlice(7);
    Scope scope = ctx.scope();
    long at = ctx.allocSlice(counting(1, 100)).address();
    long handle = NativeClient.retain(ctx.nativeHandle(), at, 100);
    scope.close();
    assertNotHandedOut(at, DType.INT32, 100);
    assertEquals(5050, NativeClient.sumAndRelease(handle));
  }

  /** They were allocated while an inner scope was open, and are not that one's. */
  @Test
  void bytesOfAnOuterScopeStayHandedOut() {
    ctx.allocSlice(7);
    Scope outer = ctx.scope();
    Scope inner = ctx.scope();
    ctx.empty(DType.INT8, 100);
    long at = outer.allocateAddress(16, 8);
    inner.close();
    assertEquals(4, ctx.tensorAt(at, DType.INT32, Shape.of(4)).fill(4).getInt(3));
    assertNotHandedOut(at - 100, DType.INT8, 1);
    outer.close();
    assertNotHandedOut(at, DType.INT32, 4);
  }

  /** A chunk that was taken while the inner scope was open leaves the arena with it. */
  @Test
  void bytesOfAnOuterScopeStayHandedOutWhenTheirChunkHasLeft() {
    ctx.allocSlice(7);
    Scope outer = ctx.scope();
    Scope inner = ctx.scope();
    ctx.empty(DType.INT8, 50_000);
    long before = ctx.empty(DType.INT8, 50_000).address();
    long at = outer.allocateAddress(16, 8);
    inner.close();
    assertNotHandedOut(before, DType.INT8, 1);
    Tensor first = ctx.tensorAt(at, DType.INT32, Shape.of(4)).copyFrom(counting(1, 4));
    SharedTensor shared = first.share();
    Tensor kept = outer.closeKeeping(ctx.tensorAt(at, DType.INT32, Shape.of(4)));
    ctx.empty(DType.INT8, 100_000).fill(9);
    assertArrayEquals(counting(1, 4), kept.toIntArray());
    kept.fill(5);
    ctx.reset();
    ctx.empty(DType.INT8, 100_000).fill(9);
    assertArrayEquals(new int[] {5, 5, 5, 5}, shared.toIntArray());
    shared.close();
    assertNotHandedOut(at, DType.INT32, 4);
  }

  private void assertNotHandedOut(long address, DType dtype, long length) {
    assertRefuses(
        IllegalArgumentException.class,
        () -> ctx.tensorAt(address, dtype, Shape.of(length)),
        "0x" + Long.toHexString(address),
        dtype + " tensor of shape [" + length + "]",
        ctx + " has handed out");
  }

  @Test
  void roomThatHasEndedOrIsAnotherContextsIsRefused() {
    long kept = ctx.zeros(DType.INT8, 64).address();
    long ended;
    long endedInAnotherChunk;
    try (Scope scope = ctx.scope()) {
      assertNotNull(scope);
      ended = ctx.zeros(DType.INT8, 64).address();
      endedInAnotherChunk = NativeClient.counting(ctx.nativeHandle(), 0, 100_000);
      ctx.tensorAt(endedInAnotherChunk, DType.INT32, Shape.of(100_000));
    }
    assertNotHandedOut(ended, DType.INT8, 64);
    assertNotHandedOut(endedInAnotherChunk, DType.INT32, 1);
    try (ExecutionContext other = ExecutionContext.open()) {
      assertNotHandedOut(other.zeros(DType.INT8, 64).address(), DType.INT8, 64);
    }
    ctx.tensorAt(kept, DType.INT8, Shape.of(64));
    ctx.reset();
    assertNotHandedOut(kept, DType.INT8, 64);
  }

  /** The other way: C holds on to what Java made. */
  @Test
  void aThreadOfNativeCodeReadsATensorAfterItsContextHasClosed() {
    long pinned = ChunkPool.stats().pinnedChunks();
    Tensor first = ctx.allocSlice(counting(0, 1000));
    Tensor second = ctx.allocSlice(counting(0, 100_000)); // in a chunk of its own
    long[] readers = {
      NativeClient.retain(ctx.nativeHandle(), first.address(), 1000),
      NativeClient.retain(ctx.nativeHandle(), second.address(), 100_000),
    };
    ctx.close();
    assertEquals(pinned + 2, ChunkPool.stats().pinnedChunks());
    try (ExecutionContext other = ExecutionContext.open()) {
      for (int i = 0; i < 10; i++) {
        other.empty(DType.INT8, 400_000).fill(1); // never over what is pinned
      }
    }
    assertEquals(499_500, NativeClient.sumAndRelease(readers[0]));
    assertEquals(pinned + 1, ChunkPool.stats().pinnedChunks());
    assertEquals(4_999_950_000L, NativeClient.sumAndRelease(readers[1]));
    assertEquals(pinned, ChunkPool.stats().pinnedChunks(), "the chunks came home");
  }

  @Test
  void whatNativeCodeHoldsInAScopeIsNotAllocatedAgain() {
    for (int i = 0; i < 100; i++) {
      long reader;
      try (Scope scope = ctx.scope()) {
        assertNotNull(scope);
        Tensor tensor = ctx.allocSlice(counting(i, 500));
        reader = NativeClient.retain(ctx.nativeHandle(), tensor.address(), 500);
      }
      ctx.empty(DType.INT8, 10_000).fill(-1);
      assertEquals(500L * i + 124_750, NativeClient.sumAndRelease(reader));
    }
    assertEquals(0, NativeClient.retain(ctx.nativeHandle(), 4096, 1), "not the arena's");
  }

  /** Two copies in one process have two pools; a chunk of one must not get into the other's. */
  @Test
  void anotherCopyOfTheLibraryRefusesTheArena(@TempDir Path folder) throws Exception {
    Path copy = TestSupport.copyLibrary(folder);
    int closed = 7; // TA_ERR_CLOSED
    assertEquals(closed, NativeClient.reserveInCopy(copy.toString(), ctx.nativeHandle()));
    assertNotEquals(0, NativeClient.counting(ctx.nativeHandle(), 0, 100_000));
    assertEquals(400_000, ctx.memoryUsage());
  }
}
