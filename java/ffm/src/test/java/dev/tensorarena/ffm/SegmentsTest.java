package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
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
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A tensor's segment is its bytes, and lives as long as the tensor does. */
class SegmentsTest extends InContext {

  private static float read(MemorySegment segment) {
    return segment.get(JAVA_FLOAT, 0);
  }

  // ---- the bytes

  @Test
  void theSegmentIsTheTensorsBytes() {
    Tensor tensor = ctx.copyOf(Shape.of(2, 3), 1f, 2f, 3f, 4f, 5f, 6f);
    MemorySegment bytes = Segments.of(tensor);
    assertEquals(24, bytes.byteSize());
    assertEquals(tensor.address(), bytes.address());
    assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, bytes.toArray(JAVA_FLOAT));
    bytes.setAtIndex(JAVA_FLOAT, 4, 7f);
    assertEquals(7f, tensor.getFloat(1, 1));
    tensor.setFloat(8f, 0, 0);
    assertEquals(8f, read(bytes));
    assertThrows(IndexOutOfBoundsException.class, () -> bytes.get(JAVA_FLOAT, 24));
    MemorySegment row = Segments.of(tensor.select(0, 1));
    assertArrayEquals(new float[] {4, 7, 6}, row.toArray(JAVA_FLOAT));
    assertEquals(0, Segments.of(ctx.empty(DType.INT8, 0)).byteSize());
    assertEquals(4, Segments.of(ctx.allocTemp(1f)).byteSize());
  }

  @Test
  void aStridedViewIsRefusedAndToldWhatToDo() {
    Tensor columns = ctx.zeros(DType.INT32, 2, 3).transpose();
    assertRefuses(() -> Segments.of(columns), "contiguous(ctx)", "[3, 2]");
    assertEquals(24, Segments.of(columns.contiguous(ctx)).byteSize());
  }

  @ParameterizedTest
  @EnumSource
  void theLayoutReadsWhatTheTensorHolds(DType dtype) {
    ValueLayout layout = Segments.layout(dtype);
    assertEquals(dtype.byteSize(), layout.byteSize());
    assertEquals(dtype.byteSize(), layout.byteAlignment());
    assertEquals(ByteOrder.nativeOrder(), layout.order());
    Tensor tensor = ctx.zeros(dtype, Shape.of(2, 3));
    switch (dtype) {
      case BOOL -> tensor.setBoolean(true, 1, 2);
      case INT8, UINT8 -> tensor.setByte((byte) -3, 1, 2);
      case INT16 -> tensor.setShort((short) -3, 1, 2);
      case INT32 -> tensor.setInt(-3, 1, 2);
      case INT64 -> tensor.setLong(-3, 1, 2);
      case FLOAT64 -> tensor.setDouble(-3, 1, 2);
      default -> tensor.setFloat(-3, 1, 2);
    }
    MemoryLayout matrix = MemoryLayout.sequenceLayout(2, MemoryLayout.sequenceLayout(3, layout));
    VarHandle element =
        matrix.varHandle(PathElement.sequenceElement(), PathElement.sequenceElement());
    Object value = element.get(Segments.of(tensor), 0L, 1L, 2L);
    Object expected =
        switch (dtype) {
          case BOOL -> true;
          case INT8, UINT8 -> (byte) -3;
          case INT16 -> (short) -3;
          case INT32 -> -3;
          case INT64 -> -3L;
          case FLOAT64 -> -3.0;
          case FLOAT32 -> -3f;
          case FLOAT16 -> Float.floatToFloat16(-3f);
          case BFLOAT16 -> (short) (Float.floatToRawIntBits(-3f) >> 16);
        };
    assertEquals(expected, value);
  }

  @Test
  void aByteThatIsNotZeroIsTrueForBoth() {
    Tensor tensor = ctx.zeros(DType.BOOL, 1);
    tensor.asByteBuffer().put(0, (byte) 2);
    assertTrue(tensor.getBoolean(0));
    assertTrue(Segments.of(tensor).get(ValueLayout.JAVA_BOOLEAN, 0));
  }

  // ---- the end

  @Test
  void theSegmentDiesWithTheScope() {
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocSlice(1f);
    MemorySegment bytes = Segments.of(tensor);
    MemorySegment part = bytes.asSlice(0, 4);
    ByteBuffer buffer = bytes.asByteBuffer();
    assertTrue(bytes.scope().isAlive());
    scope.close();
    assertFalse(bytes.scope().isAlive());
    assertRefuses(() -> read(bytes), "closed");
    assertRefuses(() -> read(part), "closed");
    assertRefuses(() -> bytes.set(JAVA_FLOAT, 0, 1f), "closed");
    assertRefuses(() -> bytes.fill((byte) 0), "closed");
    assertRefuses(() -> buffer.get(0), "closed");
    assertRefuses(() -> Segments.of(tensor), "its scope was closed");
  }

  @Test
  void theSegmentDiesWithResetAndClose() {
    MemorySegment first = Segments.of(ctx.allocSlice(1f));
    ctx.reset();
    assertRefuses(() -> read(first), "closed");
    ctx.scope();
    MemorySegment second = Segments.of(ctx.allocSlice(1f));
    ctx.reset();
    assertRefuses(() -> read(second), "closed");
    MemorySegment third = Segments.of(ctx.allocSlice(1f));
    assertEquals(1f, read(third));
    ctx.close();
    assertRefuses(() -> read(third), "closed");
  }

  @Test
  void segmentsOfOuterScopesOutliveInnerOnes() {
    MemorySegment outer = Segments.of(ctx.allocSlice(1f));
    try (Scope scope = ctx.scope()) {
      assertNotNull(scope);
      Segments.of(ctx.allocSlice(2f));
    }
    assertEquals(1f, read(outer));
    Scope first = ctx.scope();
    Tensor tensor = ctx.allocSlice(3f);
    ctx.scope();
    MemorySegment late = Segments.of(tensor);
    first.close();
    assertRefuses(() -> read(late), "closed");
    assertEquals(1f, read(outer));
  }

  @Test
  void whatIsTrackedMayUseSegmentsWhileTheScopeEnds() {
    List<Float> read = new ArrayList<>();
    AtomicReference<MemorySegment> late = new AtomicReference<>();
    Scope scope = ctx.scope();
    Tensor tensor = ctx.allocSlice(4f);
    Segments.of(tensor);
    ctx.track(
        () -> {
          late.set(Segments.of(tensor));
          read.add(read(late.get()));
        });
    scope.close();
    assertEquals(List.of(4f), read);
    assertRefuses(() -> read(late.get()), "closed");
  }

  @Test
  void theKeptResultHasASegmentOfItsOwn() {
    Scope scope = ctx.scope();
    ctx.allocSlice(1f);
    Tensor tensor = ctx.allocSlice(2f);
    MemorySegment before = Segments.of(tensor);
    Tensor kept = scope.closeKeeping(tensor);
    assertRefuses(() -> read(before), "closed");
    assertEquals(2f, read(Segments.of(kept)));
  }

  /** A user's cleanup action on a segment of ours: it runs at the end, and its failure is seen. */
  @Test
  void aCleanupActionThatFailsDoesNotKeepTheScopeOpen() {
    Scope scope = ctx.scope();
    ArenaAllocator arena = ArenaAllocator.of(scope);
    MemorySegment.ofAddress(8)
        .reinterpret(
            1,
            arena,
            ended -> {
              throw new IllegalStateException("cleanup of " + ended.address());
            });
    Tensor tensor = ctx.allocSlice(1f);
    long used = ctx.memoryUsage();
    assertRefuses(scope::close, "cleanup of 8");
    assertFalse(tensor.isAlive());
    assertTrue(ctx.memoryUsage() < used);
  }

  // ---- threads

  @Test
  void theSegmentIsConfinedToTheOwner() throws Exception {
    Tensor tensor = ctx.allocSlice(1f);
    MemorySegment bytes = Segments.of(tensor);
    assertThrows(WrongThreadException.class, () -> onThread(() -> read(bytes)));
    assertRefuses(() -> onThread(() -> Segments.of(tensor)), "\"another\"");
  }

  @Test
  void aHandlesSegmentIsForTheThreadThatTookIt() throws Exception {
    SharedTensor handle = ctx.allocSlice(1f).share();
    ctx.reset();
    MemorySegment taken =
        onThread(
            () -> {
              MemorySegment bytes = Segments.of(handle);
              assertEquals(1f, read(bytes));
              assertEquals(1f, read(Segments.of(handle.slice(0, 0, 1))));
              handle.close();
              assertRefuses(() -> read(bytes), "closed");
              return bytes;
            });
    assertRefuses(() -> Segments.of(handle), "its shared handle was released");
    assertFalse(taken.scope().isAlive());
  }

  @Test
  void aHandleThatIsHandedOnGivesASegmentToEachThread() throws Exception {
    SharedTensor handle = ctx.allocSlice(1f).share();
    MemorySegment mine = Segments.of(handle);
    for (int i = 0; i < 2; i++) {
      onThread(() -> read(Segments.of(handle)));
    }
    MemorySegment again = Segments.of(handle);
    assertEquals(1f, read(again));
    handle.close();
    assertRefuses(() -> read(mine), "closed");
    assertRefuses(() -> read(again), "closed");
  }

  /** Nobody else can end it, and bytes that can be read must not be used again. */
  @Test
  void aHandleReleasedElsewhereLeavesItsBytesToTheSegment() throws Exception {
    SharedTensor handle = ctx.allocSlice(5f).share();
    MemorySegment mine = Segments.of(handle);
    WeakReference<MemorySegment.Scope> reachable = new WeakReference<>(mine.scope());
    ctx.reset();
    onThread(
        () -> {
          handle.close();
          return null;
        });
    assertFalse(handle.isAlive());
    try (ExecutionContext other = ExecutionContext.withCapacity(1 << 20)) {
      other.empty(DType.INT8, 1 << 20).fill(0x7f);
    }
    ctx.empty(DType.INT8, 1 << 10).fill(0x7f);
    assertEquals(5f, read(mine), "never what was written later");
    ctx.close();
    mine = null;
    long pinned = ChunkPool.stats().pinnedChunks();
    assertEquals(1, pinned);
    for (int i = 0; i < 1000 && ChunkPool.stats().pinnedChunks() > 0; i++) {
      System.gc();
      Thread.sleep(10);
    }
    assertNull(reachable.get());
    assertEquals(0, ChunkPool.stats().pinnedChunks(), "and the bytes go with the segment");
  }

  // ---- freezing

  @Test
  void aFrozenTensorsSegmentIsReadOnly() {
    Tensor tensor = ctx.allocSlice(1f);
    assertFalse(Segments.of(tensor).isReadOnly());
    SharedTensor handle = tensor.share();
    for (Tensor frozen : List.of(tensor, handle, handle.reshape(Shape.scalar()))) {
      MemorySegment bytes = Segments.of(frozen);
      assertTrue(bytes.isReadOnly());
      assertEquals(1f, read(bytes));
      assertThrows(IllegalArgumentException.class, () -> bytes.set(JAVA_FLOAT, 0, 2f));
    }
    handle.close();
    assertFalse(Segments.of(tensor.mutable(ctx)).isReadOnly());
  }

  @Test
  void aConsumedHandlesSegmentsDie() {
    SharedTensor handle = ctx.allocSlice(1f).share();
    ctx.reset();
    MemorySegment bytes = Segments.of(handle);
    long address = handle.address();
    Tensor writable = handle.mutable(ctx);
    assertEquals(address, writable.address(), "no copy: nobody else held it");
    assertRefuses(() -> read(bytes), "closed");
    writable.setFloat(2f, 0);
  }

  @Test
  void aSegmentOnAnotherThreadMakesMutableCopy() throws Exception {
    SharedTensor handle = ctx.allocSlice(1f).share();
    MemorySegment mine = Segments.of(handle);
    ctx.reset();
    onThread(
        () -> {
          try (ExecutionContext other = ExecutionContext.open()) {
            handle.mutable(other).setFloat(2f, 0);
          }
          return null;
        });
    assertEquals(1f, read(mine));
    mine = null;
    for (int i = 0; i < 1000 && ChunkPool.stats().pinnedChunks() > 0; i++) {
      System.gc();
      Thread.sleep(10);
    }
  }

  // ---- foreign memory

  /** A segment that outlived them read what the buffer's owner had freed. */
  @Test
  void ofAWrappedBufferItEndsWithTheTensor() throws Exception {
    ByteBuffer buffer = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder()).putInt(4, 6);
    AtomicInteger released = new AtomicInteger();
    Scope scope = ctx.scope();
    Tensor tensor = ctx.wrap(buffer, DType.INT32, Shape.of(2), released::incrementAndGet);
    MemorySegment bytes = Segments.of(tensor.slice(0, 1, 2));
    assertEquals(6, bytes.get(JAVA_INT, 0));
    assertFalse(bytes.isReadOnly());
    SharedTensor handle = tensor.share();
    assertTrue(Segments.of(tensor).isReadOnly());
    scope.close();
    assertRefuses(() -> Segments.of(tensor), "its scope was closed");
    assertRefuses(() -> bytes.get(JAVA_INT, 0), "closed");
    assertEquals(0, released.get());
    MemorySegment shared = Segments.of(handle);
    assertEquals(6, shared.getAtIndex(JAVA_INT, 1));
    handle.close();
    assertRefuses(() -> shared.get(JAVA_INT, 0), "closed");
    assertEquals(1, released.get());
  }

  /** Only its own thread could end it. */
  @Test
  void ofAHandleThatAnotherThreadClosesItHoldsWrappedMemoryWhileItCanBeReached() throws Exception {
    ByteBuffer buffer = ByteBuffer.allocateDirect(4).order(ByteOrder.nativeOrder()).putInt(0, 6);
    AtomicInteger released = new AtomicInteger();
    SharedTensor handle =
        ctx.wrap(buffer, DType.INT32, Shape.of(1), released::incrementAndGet).share();
    ctx.reset();
    MemorySegment mine = Segments.of(handle);
    onThread(
        () -> {
          handle.close();
          return null;
        });
    assertEquals(0, released.get());
    assertEquals(6, mine.get(JAVA_INT, 0));
    mine = null;
    for (int i = 0; i < 1000 && released.get() == 0; i++) {
      System.gc();
      Thread.sleep(10);
    }
    assertEquals(1, released.get());
  }

  /** The handle was forgotten, and the scope has ended: nobody else has the buffer. */
  @Test
  void aSegmentKeepsTheWrappedBufferReachable() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
    WeakReference<ByteBuffer> memory = new WeakReference<>(buffer);
    MemorySegment bytes = Segments.of(ctx.wrap(buffer, DType.INT8, Shape.of(1 << 20)).share());
    buffer = null;
    ctx.reset();
    for (int i = 0; i < 5; i++) {
      System.gc();
    }
    assertTrue(memory.get() != null);
    assertEquals(0, bytes.get(JAVA_BYTE, 77));
    bytes = null;
    for (int i = 0; i < 100 && memory.get() != null; i++) {
      System.gc();
    }
    assertNull(memory.get(), "and no longer");
  }

  /** Of a memory that keeps none of its parts, also of the part that only a view lies in. */
  @Test
  void aSegmentKeepsThePartThatItLiesIn() throws Exception {
    long gib = 1L << 30;
    Set<Long> freed = ConcurrentHashMap.newKeySet();
    Segments.of(ctx.empty(DType.INT8, 1)); // what all segments of the scope share keeps this one
    Tensor all = ctx.empty(DType.INT8, 3, gib);
    all.select(0, 0).setByte((byte) 4, gib - 1);
    all.select(0, 2).setByte((byte) 5, gib - 1);
    long start = all.address();
    MemorySegment first = segmentOf(start, freed, 0, gib);
    MemorySegment later = segmentOf(start, freed, 2 * gib, 3 * gib);
    for (int i = 0; i < 5; i++) {
      System.gc();
      Thread.sleep(10);
    }
    assertEquals(Set.of(), freed);
    assertEquals(4, first.get(JAVA_BYTE, gib - 1));
    assertEquals(5, later.get(JAVA_BYTE, gib - 1));
    ctx.reset();
    for (int i = 0; i < 500 && freed.size() < 2; i++) {
      System.gc();
      Thread.sleep(10);
    }
    assertEquals(Set.of(0L, 2 * gib), freed, "and no longer");
  }

  private MemorySegment segmentOf(long start, Set<Long> freed, long from, long to) {
    long size = 3L << 30;
    ForeignMemory forgetful =
        new ForeignMemory() {
          @Override
          public long byteSize() {
            return size;
          }

          @Override
          public ByteBuffer part(long offset, int length) {
            return MemorySegment.ofAddress(start + offset)
                .reinterpret(length, Arena.ofAuto(), part -> freed.add(offset))
                .asByteBuffer();
          }
        };
    Tensor tensor = ctx.wrap(forgetful, DType.INT8, Shape.of(size));
    tensor.share().close(); // or its one writer would keep the tensor
    return Segments.of(tensor.slice(0, from, to));
  }

  @Test
  void ofAWrappedSegmentItIsThatSegment() {
    MemorySegment bytes;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment native4 = arena.allocateFrom(JAVA_BYTE, new byte[] {1, 2, 3, 4});
      Tensor tensor = Tensors.wrap(ctx, native4, DType.INT8, Shape.of(4));
      bytes = Segments.of(tensor.slice(0, 2, 4));
      assertArrayEquals(new byte[] {3, 4}, bytes.toArray(JAVA_BYTE));
      assertEquals(native4.scope(), bytes.scope());
    }
    assertRefuses(() -> bytes.get(JAVA_BYTE, 0), "closed");
  }

  /** They are confined to a thread that has ended, so that nobody else can end them. */
  @Test
  void segmentsOfAThreadThatHasEndedAreReportedAndKeepNothingOpen() throws Exception {
    AtomicReference<ExecutionContext> orphan = new AtomicReference<>();
    AtomicReference<MemorySegment> bytes = new AtomicReference<>();
    Thread departed =
        new Thread(
            () -> {
              orphan.set(ExecutionContext.open());
              bytes.set(ArenaAllocator.of(orphan.get()).allocate(8));
              Segments.of(orphan.get().allocSlice(1f));
            });
    departed.start();
    departed.join();
    assertThrows(WrongThreadException.class, orphan.get()::close);
    orphan.get().close();
    assertThrows(IllegalStateException.class, orphan.get()::scope);
    assertThrows(WrongThreadException.class, () -> bytes.get().get(JAVA_BYTE, 0));
  }
}
