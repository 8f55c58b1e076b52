package dev.tensorarena.arrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.util.concurrent.CompletableFuture;
import org.apache.arrow.c.ArrowArray;
import org.apache.arrow.c.ArrowSchema;
import org.apache.arrow.c.Data;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.arrow.memory.ReferenceManager;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.NullVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.types.pojo.ExtensionTypeRegistry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Tensors through the C Data Interface: arrow-c-data's own native code is on the other side. */
class CDataTensorsTest {
  private static final Class<IllegalArgumentException> BAD = IllegalArgumentException.class;
  private static final Class<IllegalStateException> STATE = IllegalStateException.class;

  private final BufferAllocator allocator = new RootAllocator();
  private final BufferAllocator consumer = new RootAllocator();
  private final ExecutionContext ctx = ExecutionContext.open();
  private final ArrowArray array = ArrowArray.allocateNew(allocator);
  private final ArrowSchema schema = ArrowSchema.allocateNew(allocator);

  @AfterEach
  void close() {
    ctx.close();
    array.close();
    schema.close();
    consumer.close(); // throws if anything is left
    allocator.close();
    assertEquals(0, ChunkPool.stats().pinnedChunks());
  }

  private Tensor importTensor() {
    return CDataTensors.importTensor(consumer, ctx, array, schema);
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "BFLOAT16")
  void theSameBytesComeBack(DType dtype) {
    for (long[] shape : new long[][] {{24}, {4, 6}, {2, 3, 4}, {0}, {0, 3}}) {
      Tensor tensor = Filled.tensor(ctx, dtype, shape);
      try (ArrowArray out = ArrowArray.allocateNew(allocator);
          ArrowSchema type = ArrowSchema.allocateNew(allocator)) {
        CDataTensors.exportTensor(allocator, tensor, out, type);
        assertFalse(tensor.isWritable());
        Tensor back = CDataTensors.importTensor(consumer, ctx, out, type);
        assertEquals(dtype, back.dtype());
        assertTrue(tensor.isEmpty() || tensor.address() == back.address());
        assertTrue(tensor.contentEquals(back), () -> tensor + " is not " + back);
        assertFalse(back.isWritable() && !back.isEmpty(), "a consumer writes nothing");
      }
    }
  }

  @Test
  void theConsumerReadsItsElementsWhenTheContextHasEnded() {
    CDataTensors.exportTensor(allocator, ctx.copyOf(Shape.of(2, 2), 1f, 2f, 3f, 4f), array, schema);
    ctx.close();
    assertEquals(1, ChunkPool.stats().pinnedChunks());
    try (FieldVector vector = Data.importVector(consumer, array, schema, null)) {
      assertEquals("[3.0,4.0]", vector.getObject(1).toString());
    }
    assertEquals(0, ChunkPool.stats().pinnedChunks());
    assertEquals(0, allocator.getAllocatedMemory());
  }

  @Test
  void aConsumerThatTakesNothingReleases() {
    CDataTensors.exportTensor(allocator, ctx.allocSlice(1L, 2L), array, schema);
    ctx.close();
    CompletableFuture.runAsync(array::release).join();
    schema.release();
    assertEquals(0, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void theProducerIsReleasedByTheLastHolderOnWhicheverThread() {
    try (IntVector vector = Filled.ints(allocator, 5, 6)) {
      int before = vector.getDataBuffer().refCnt();
      Data.exportVector(allocator, vector, null, array, schema);
      SharedTensor shared = importTensor().share();
      assertEquals(vector.getDataBufferAddress(), shared.address());
      assertTrue(vector.getDataBuffer().refCnt() > before);
      ctx.close();
      CompletableFuture.runAsync(shared::close).join();
      assertEquals(before, vector.getDataBuffer().refCnt());
    }
  }

  @Test
  void aColumnOfTensorsIsOneIfTheTypeIsRegistered() {
    FixedShapeTensorType type = new FixedShapeTensorType(Shape.of(2, 3));
    Tensor tensor = Filled.tensor(ctx, DType.INT8, 4, 2, 3);
    FixedShapeTensorType.register();
    try (FieldVector vector = ArrowTensors.vector(allocator, "t", type, tensor)) {
      Data.exportVector(allocator, vector, null, array, schema);
    } finally {
      try {
        Tensor back = importTensor();
        assertEquals(tensor.shape(), back.shape());
        assertEquals(tensor.address(), back.address());
      } finally {
        ExtensionTypeRegistry.unregister(type);
      }
    }
  }

  // ---- refusals

  private static boolean isReleased(ArrowArray of) {
    return of.snapshot().release == 0;
  }

  @Test
  void pastALimitNothingIsExportedHeldOrFrozen() {
    Tensor tensor = ctx.zeros(DType.INT8, 100, 10);
    for (int limit = 0; ; limit += 100) {
      try (BufferAllocator small = allocator.newChildAllocator("small", 0, limit)) {
        try {
          CDataTensors.exportTensor(small, tensor, array, schema);
          assertTrue(limit > 1100, "with " + limit + " bytes");
          array.release();
          schema.release();
          return;
        } catch (OutOfMemoryException e) {
          assertTrue(isReleased(array), "with " + limit + " bytes");
          assertEquals(0, schema.snapshot().release);
          assertTrue(tensor.isWritable());
          assertEquals(0, small.getAllocatedMemory(), "with " + limit + " bytes");
        }
      }
    }
  }

  @Test
  void whatCannotBeExportedIsRefused() {
    Tensor matrix = ctx.zeros(DType.FLOAT32, 2, 3);
    for (Tensor refused :
        new Tensor[] {ctx.empty(DType.BFLOAT16, 1), ctx.allocTemp(1f), matrix.transpose()}) {
      assertThrows(BAD, () -> CDataTensors.exportTensor(allocator, refused, array, schema));
      assertTrue(isReleased(array));
    }
    assertTrue(matrix.isWritable());
  }

  @Test
  void whatCannotBeImportedIsReleased() {
    try (IntVector nulls = Filled.ints(allocator, 1, 2)) {
      nulls.setNull(0);
      int before = nulls.getDataBuffer().refCnt();
      Data.exportVector(allocator, nulls, null, array, schema);
      Filled.assertRefused(BAD, this::importTensor, "1 nulls");
      assertEquals(before, nulls.getDataBuffer().refCnt());
    }
  }

  @Test
  void aTypeThatNoTensorHasIsReleased() {
    try (VarCharVector text = new VarCharVector("text", allocator)) {
      text.allocateNew(1);
      text.setSafe(0, new byte[] {65});
      text.setValueCount(1);
      int before = text.getDataBuffer().refCnt();
      Data.exportVector(allocator, text, null, array, schema);
      Filled.assertRefused(BAD, this::importTensor, "text");
      assertEquals(before, text.getDataBuffer().refCnt());
    }
  }

  /** Arrow Java reads from the buffers' start, whatever the offset. */
  @Test
  void aSliceOfTheProducersIsRefusedAndReleased() {
    CDataTensors.exportTensor(allocator, ctx.allocSlice(1, 2, 3, 4), array, schema);
    ArrowArray.Snapshot slice = array.snapshot();
    slice.offset = 1;
    slice.length = 3;
    array.save(slice);
    Filled.assertRefused(BAD, this::importTensor, "offset 1", "3 values");
  }

  @Test
  void aSliceWithinListsIsRefusedAndReleased() {
    CDataTensors.exportTensor(allocator, ctx.zeros(DType.INT8, 2, 3), array, schema);
    long child = pointers(array.snapshot().children).getLong(0);
    ArrowArray elements = ArrowArray.wrap(child);
    ArrowArray.Snapshot slice = elements.snapshot();
    slice.offset = 2;
    elements.save(slice);
    Filled.assertRefused(BAD, this::importTensor, "offset 2", "6 values");
  }

  private static ArrowBuf pointers(long address) {
    return new ArrowBuf(ReferenceManager.NO_OP, null, Long.BYTES, address);
  }

  /** Which Arrow Java does not understand. */
  @Test
  void nullsThatNobodyHasCountedAreNoneWithoutBits() {
    CDataTensors.exportTensor(allocator, ctx.allocSlice(1, 2, 3, 4), array, schema);
    ArrowArray.Snapshot uncounted = array.snapshot();
    uncounted.null_count = -1;
    array.save(uncounted);
    pointers(uncounted.buffers).setLong(0, 0);
    assertEquals(4, importTensor().getIntAt(3));
  }

  @Test
  void whatWasImportedOfAnArrayThatIsRefusedIsReleased() {
    CDataTensors.exportTensor(allocator, ctx.zeros(DType.INT8, 2, 3), array, schema);
    ArrowArray.Snapshot broken = array.snapshot();
    broken.n_buffers = 0; // found when the lists' elements are in their vector
    array.save(broken);
    assertThrows(BAD, this::importTensor);
    assertEquals(0, consumer.getAllocatedMemory());
    assertEquals(0, allocator.getAllocatedMemory());
  }

  @Test
  void anArrayWithoutBuffersIsRefused() {
    try (NullVector nothing = new NullVector("nothing", 3)) {
      Data.exportVector(allocator, nothing, null, array, schema);
      ArrowArray.Snapshot uncounted = array.snapshot();
      uncounted.null_count = -1;
      array.save(uncounted);
      assertThrows(BAD, this::importTensor);
    }
  }

  @Test
  void aContextThatIsClosedLeavesNothingHeld() {
    CDataTensors.exportTensor(allocator, ctx.allocSlice(1, 2), array, schema);
    ctx.close();
    assertThrows(STATE, this::importTensor);
    assertEquals(0, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void aConsumersLimitLeavesNothingHeld() {
    CDataTensors.exportTensor(allocator, ctx.zeros(DType.INT8, 1000), array, schema);
    try (BufferAllocator small = consumer.newChildAllocator("small", 0, 10)) {
      assertThrows(
          RuntimeException.class, () -> CDataTensors.importTensor(small, ctx, array, schema));
      assertEquals(0, small.getAllocatedMemory());
    }
    assertEquals(0, allocator.getAllocatedMemory());
  }

  @Test
  void whatWasReleasedIsRefused() {
    assertThrows(STATE, this::importTensor);
  }
}
