package dev.tensorarena.arrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tensorarena.ClosableMemory;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPart;
import dev.tensorarena.TensorParts;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.TinyIntVector;
import org.apache.arrow.vector.UInt1Vector;
import org.apache.arrow.vector.UInt4Vector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.types.Types.MinorType;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.util.TransferPair;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Tensors as Arrow's buffers and vectors, and the reverse: addresses, types, refusals. */
class ArrowTensorsTest {
  private static final Class<IllegalArgumentException> BAD = IllegalArgumentException.class;
  private static final Class<IllegalStateException> STATE = IllegalStateException.class;

  private final BufferAllocator allocator = new RootAllocator();
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
    allocator.close(); // throws if anything is left
  }

  @ParameterizedTest
  @EnumSource
  void aBufferIsTheTensorsOwnBytesWhateverItsType(DType dtype) {
    Tensor tensor = Filled.tensor(ctx, dtype, 3, 4);
    try (ArrowBuf buffer = ArrowTensors.buffer(allocator, tensor)) {
      assertEquals(tensor.address(), buffer.memoryAddress());
      assertEquals(tensor.byteSize(), buffer.capacity());
      assertEquals(tensor.byteSize(), buffer.readableBytes());
      assertEquals(tensor.byteSize(), allocator.getAllocatedMemory(), "charged once more");
    }
    try (ArrowBuf none = ArrowTensors.buffer(allocator, ctx.empty(dtype, 0))) {
      assertEquals(0, none.capacity());
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "BFLOAT16")
  void aVectorIsTheTensorsOwnBytesAndSoIsTheTensorOverIt(DType dtype) throws Exception {
    for (long[] shape :
        new long[][] {{24}, {1}, {0}, {4, 6}, {2, 3, 4}, {3, 0}, {0, 3}, {2, 1, 1, 12}}) {
      Tensor tensor = Filled.tensor(ctx, dtype, shape);
      byte[] stream;
      try (FieldVector vector = ArrowTensors.vector(allocator, "x", tensor)) {
        assertEquals("x", vector.getField().getName());
        assertEquals(shape[0], vector.getValueCount());
        assertEquals(0, vector.getNullCount());
        assertEquals(tensor.address(), Filled.elements(vector).getDataBufferAddress());
        Tensor back = ArrowTensors.wrap(ctx, vector);
        assertEquals(dtype, back.dtype());
        assertTrue(tensor.isEmpty() || tensor.address() == back.address());
        assertTrue(tensor.contentEquals(back), () -> tensor + " is not " + back);
        stream = Streams.write(vector);
      }
      try (ArrowStreamReader reader = Streams.read(stream, allocator)) {
        FieldVector read = Streams.column(reader);
        Tensor back = ArrowTensors.wrap(ctx, read);
        assertEquals(dtype, back.dtype());
        assertTrue(
            tensor.isEmpty() || Filled.elements(read).getDataBufferAddress() == back.address());
        assertTrue(tensor.contentEquals(back), () -> tensor + " is not " + back);
      }
    }
  }

  @Test
  void arrowReadsTheElements() {
    Tensor tensor = ctx.copyOf(Shape.of(2, 3), 1f, 2f, 3f, 4f, 5f, 6f);
    try (FieldVector vector = ArrowTensors.vector(allocator, "rows", tensor)) {
      assertEquals(List.of(4f, 5f, 6f), vector.getObject(1));
      assertEquals("rows", vector.getField().getName());
      assertEquals(MinorType.FIXED_SIZE_LIST, vector.getMinorType());
      vector.setValueCount(2); // as VectorSchemaRoot does
      assertEquals(tensor.address(), Filled.elements(vector).getDataBufferAddress());
    }
    try (FieldVector half = ArrowTensors.vector(allocator, "h", ctx.empty(DType.FLOAT16, 1))) {
      assertEquals(MinorType.FLOAT2, half.getMinorType());
    }
    try (FieldVector bytes = ArrowTensors.vector(allocator, "b", ctx.empty(DType.UINT8, 1))) {
      assertTrue(bytes instanceof UInt1Vector);
    }
  }

  @Test
  void boolIsTheExtensionThatHasAByteForEach() throws Exception {
    Tensor tensor = Filled.tensor(ctx, DType.BOOL, 5);
    byte[] stream;
    try (FieldVector vector = ArrowTensors.vector(allocator, "b", tensor)) {
      assertTrue(vector instanceof TinyIntVector);
      assertEquals("arrow.bool8", vector.getField().getMetadata().get("ARROW:extension:name"));
      stream = Streams.write(vector);
    }
    try (ArrowStreamReader reader = Streams.read(stream, allocator)) {
      Tensor back = ArrowTensors.wrap(ctx, Streams.column(reader));
      assertEquals(DType.BOOL, back.dtype());
      assertFalse(back.getBooleanAt(1));
      assertTrue(back.getBooleanAt(4));
    }
    try (FieldVector plain = ArrowTensors.vector(allocator, "i", ctx.zeros(DType.INT8, 2))) {
      assertEquals(DType.INT8, ArrowTensors.wrap(ctx, plain).dtype());
    }
    try (BitVector bits = new BitVector("bits", allocator)) {
      bits.allocateNew(1);
      bits.set(0, 1);
      bits.setValueCount(1);
      Filled.assertRefused(BAD, () -> ArrowTensors.wrap(ctx, bits), "bits", "a bit for each");
    }
  }

  @Test
  void whatArrowHasNoTypeOrNoRoomForIsRefusedAndAsItWas() throws Exception {
    Tensor brain = ctx.empty(DType.BFLOAT16, 2);
    Filled.assertRefused(BAD, () -> ArrowTensors.vector(allocator, "x", brain), "BFLOAT16");
    Tensor scalar = ctx.allocTemp(1f);
    Filled.assertRefused(BAD, () -> ArrowTensors.vector(allocator, "x", scalar), "reshape");
    Tensor matrix = ctx.zeros(DType.FLOAT32, 2, 3);
    Filled.assertRefused(
        BAD,
        () -> ArrowTensors.vector(allocator, "x", matrix.transpose()),
        "[3, 2]",
        "contiguous(ctx)");
    Filled.assertRefused(BAD, () -> ArrowTensors.buffer(allocator, matrix.transpose()), "[3, 2]");
    Tensor large = ctx.empty(DType.INT8, 1L << 31);
    Filled.assertRefused(
        BAD, () -> ArrowTensors.vector(allocator, "x", large), "[2147483648]", "2147483647");
    Tensor wide = ctx.empty(DType.INT8, 0, 1L << 31);
    Filled.assertRefused(BAD, () -> ArrowTensors.vector(allocator, "x", wide), "[0, 2147483648]");
    for (Tensor refused : List.of(brain, scalar, matrix, large, wide)) {
      assertTrue(refused.isWritable(), refused::toString);
    }
    try (ArrowBuf buffer = ArrowTensors.buffer(allocator, large)) {
      assertEquals(1L << 31, buffer.capacity());
    }
    assumeTrue(ClosableMemory.IS_SUPPORTED);
    try (ClosableMemory memory = new ClosableMemory()) {
      Tensor lent = ctx.wrap(memory.buffer(8), DType.FLOAT32, Shape.of(2));
      Filled.assertRefused(BAD, () -> ArrowTensors.vector(allocator, "x", lent), "copy(ctx)");
      Filled.assertRefused(BAD, () -> ArrowTensors.buffer(allocator, lent), "copy(ctx)");
    }
  }

  @Test
  void whatTheThreadMayNotUseIsRefused() {
    Tensor tensor = ctx.zeros(DType.FLOAT32, 3);
    CompletionException elsewhere =
        assertThrows(
            CompletionException.class,
            () -> CompletableFuture.runAsync(() -> ArrowTensors.buffer(allocator, tensor)).join());
    assertTrue(elsewhere.getMessage().contains("share() is how"), elsewhere.getMessage());
    TensorParts parts = ctx.zeros(DType.FLOAT32, 4).split(0, 2);
    try (parts) {
      TensorPart part = parts.get(1);
      try (part;
          FieldVector vector = ArrowTensors.vector(allocator, "part", part.tensor())) {
        assertEquals(2, vector.getValueCount());
      }
    }
    Tensor split = ctx.zeros(DType.FLOAT32, 4);
    try (TensorParts open = split.split(0, 2)) {
      assertEquals(2, open.count());
      Filled.assertRefused(STATE, () -> ArrowTensors.vector(allocator, "x", split), "part");
      Filled.assertRefused(STATE, () -> ArrowTensors.buffer(allocator, split), "part");
    }
    assertTrue(split.isWritable());
    ctx.reset();
    Filled.assertRefused(STATE, () -> ArrowTensors.buffer(allocator, tensor), "is dead");
    Filled.assertRefused(STATE, () -> ArrowTensors.vector(allocator, "x", tensor), "is dead");
  }

  @Test
  void aSharedHandleIsTakenOnAnyThread() {
    try (SharedTensor shared = ctx.allocSlice(1f, 2f).share()) {
      try (FieldVector vector =
          CompletableFuture.supplyAsync(() -> ArrowTensors.vector(allocator, "x", shared)).join()) {
        assertEquals(2f, vector.getObject(1));
      }
    }
  }

  // ---- what is wrapped

  @Test
  void aVectorOfArrowsOwnIsWrappedWhereItLies() {
    try (IntVector vector = Filled.ints(allocator, 1, 2, 3, 4)) {
      Tensor tensor = ArrowTensors.wrap(ctx, vector);
      assertEquals(vector.getDataBufferAddress(), tensor.address());
      assertEquals(3, tensor.getIntAt(2));
      assertEquals(Shape.of(4), tensor.shape(), "not what was allocated");
      TransferPair slice = vector.getTransferPair(allocator);
      slice.splitAndTransfer(1, 2);
      try (IntVector part = (IntVector) slice.getTo()) {
        Tensor sliced = ArrowTensors.wrap(ctx, part);
        assertEquals(tensor.address() + 4, sliced.address());
        assertEquals(List.of(2, 3), List.of(sliced.getIntAt(0), sliced.getIntAt(1)));
      }
    }
  }

  @Test
  void whatIsWrappedIsFrozenAndAMutableOneIsACopy() {
    Tensor frozen = ctx.allocSlice(1f, 2f);
    try (FieldVector vector = ArrowTensors.vector(allocator, "x", frozen)) {
      Tensor back = ArrowTensors.wrap(ctx, vector);
      assertThrows(STATE, () -> back.setFloatAt(0, 9f));
      assertTrue(back.asFloatBuffer().isReadOnly());
      Tensor copy = back.mutable(ctx).fill(9f);
      assertTrue(copy.address() != back.address());
      assertEquals(1f, frozen.getFloatAt(0));
    }
  }

  @Test
  void nullsAreRefusedOnEachLevel() {
    try (IntVector vector = Filled.ints(allocator, 1, 2, 3)) {
      vector.setNull(1);
      Filled.assertRefused(
          BAD, () -> ArrowTensors.wrap(ctx, vector), "ints", "1 nulls", "3 values");
    }
    Tensor matrix = ctx.zeros(DType.INT32, 2, 3);
    try (FieldVector vector = ArrowTensors.vector(allocator, "lists", matrix)) {
      ((FixedSizeListVector) vector).setNull(1);
      Filled.assertRefused(BAD, () -> ArrowTensors.wrap(ctx, vector), "1 nulls", "2 values");
    }
    try (FieldVector vector = ArrowTensors.vector(allocator, "lists", matrix)) {
      Filled.elements(vector).setNull(5);
      Filled.assertRefused(BAD, () -> ArrowTensors.wrap(ctx, vector), "1 nulls", "6 values");
    }
  }

  /** Arrow believes what a file says of them. */
  @Test
  void elementsThatAreNotThereAreRefused() {
    Tensor matrix = ctx.zeros(DType.INT32, 2, 3);
    List<ArrowBuf> none = List.of(allocator.getEmpty());
    for (int rows : new int[] {3, Integer.MAX_VALUE}) {
      try (FieldVector vector = ArrowTensors.vector(allocator, "lists", matrix)) {
        vector.loadFieldBuffers(new ArrowFieldNode(rows, 0), none);
        Filled.assertRefused(
            BAD, () -> ArrowTensors.wrap(ctx, vector), "6 elements", "[" + rows + ", 3]");
      }
    }
    try (FieldVector vector = ArrowTensors.vector(allocator, "lists", matrix);
        ArrowBuf small = ArrowTensors.buffer(allocator, ctx.zeros(DType.INT8, 23))) {
      Filled.elements(vector)
          .loadFieldBuffers(new ArrowFieldNode(6, 0), List.of(allocator.getEmpty(), small));
      Filled.assertRefused(BAD, () -> ArrowTensors.wrap(ctx, vector), "5 elements", "[2, 3]");
    }
  }

  @Test
  void valuesThatNoTensorHasAreRefused() {
    FieldType encoded =
        new FieldType(
            true, new ArrowType.Int(32, true), new DictionaryEncoding(7, false, null), null);
    try (FieldVector strings = new VarCharVector("text", allocator);
        FieldVector unsigned = new UInt4Vector("unsigned", allocator);
        FieldVector indices = new IntVector("indices", encoded, allocator);
        FieldVector lists = ListVector.empty("lists", allocator);
        FieldVector nothing = FixedSizeListVector.empty("nothing", 3, allocator)) {
      for (FieldVector refused : List.of(strings, unsigned, indices, lists)) {
        Filled.assertRefused(BAD, () -> ArrowTensors.wrap(ctx, refused), refused.getName());
      }
      assertThrows(BAD, () -> ArrowTensors.wrap(ctx, nothing));
    }
    Float4Vector closed = new Float4Vector("closed", allocator);
    closed.close();
    assertTrue(ArrowTensors.wrap(ctx, closed).isEmpty());
  }
}
