package dev.tensorarena.arrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.compare.VectorEqualsVisitor;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.ArrowType.ExtensionType;
import org.apache.arrow.vector.types.pojo.ExtensionTypeRegistry;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.util.TransferPair;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Columns of tensors: the type, its metadata, its registration and its vector. */
class FixedShapeTensorTest {
  private static final Class<IllegalArgumentException> BAD = IllegalArgumentException.class;

  /** The example of the type's specification, smaller. */
  private static final FixedShapeTensorType PERMUTED =
      new FixedShapeTensorType(Shape.of(2, 3, 4), List.of(2, 0, 1), List.of("C", "H", "W"));

  private final BufferAllocator allocator = new RootAllocator();
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
    allocator.close(); // throws if anything is left
    ExtensionTypeRegistry.unregister(PERMUTED);
  }

  private static ArrowType read(String metadata, int listSize) {
    return new FixedShapeTensorType(Shape.scalar())
        .deserialize(new ArrowType.FixedSizeList(listSize), metadata);
  }

  @Test
  void theMetadataIsThatOfTheSpecification() {
    assertEquals("arrow.fixed_shape_tensor", PERMUTED.extensionName());
    assertEquals(
        "{\"shape\":[2,3,4],\"permutation\":[2,0,1],\"dim_names\":[\"C\",\"H\",\"W\"]}",
        PERMUTED.serialize());
    assertEquals("{\"shape\":[2,5]}", new FixedShapeTensorType(Shape.of(2, 5)).serialize());
    assertEquals("{\"shape\":[]}", new FixedShapeTensorType(Shape.scalar()).serialize());
    assertEquals(new ArrowType.FixedSizeList(24), PERMUTED.storageType());
    assertEquals(Shape.of(4, 2, 3), PERMUTED.logicalShape());
    FixedShapeTensorType quoted =
        new FixedShapeTensorType(Shape.of(2), List.of(), List.of("\"é\\\n"));
    for (FixedShapeTensorType type : List.of(PERMUTED, quoted)) {
      ArrowType back = read(type.serialize(), (int) type.shape().numElements());
      assertEquals(type, back);
      assertEquals(type.hashCode(), back.hashCode());
    }
    FixedShapeTensorType spaced =
        (FixedShapeTensorType)
            read(" {\"dim_names\" : [\"a\", \"b\"], \"new\": {}, \"shape\": [ 2, 3 ]}\n", 6);
    assertEquals(List.of("a", "b"), spaced.dimNames());
    assertEquals(List.of(0, 1), spaced.permutation());
    assertTrue(PERMUTED.toString().contains("[2,0,1]"), PERMUTED.toString());
  }

  @Test
  void typesAreEqualIfShapeOrderAndNamesAre() {
    FixedShapeTensorType plain = new FixedShapeTensorType(Shape.of(2, 3));
    assertEquals(plain, new FixedShapeTensorType(Shape.of(2, 3), List.of(0, 1), List.of()));
    assertNotEquals(plain, new FixedShapeTensorType(Shape.of(2, 3), List.of(1, 0), List.of()));
    assertNotEquals(plain, new FixedShapeTensorType(Shape.of(3, 2)));
    assertNotEquals(plain, new FixedShapeTensorType(Shape.of(2, 3), List.of(), List.of("a", "b")));
    assertNotEquals(plain, new ArrowType.FixedSizeList(6));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[2, 3]",
        "null",
        "{",
        "{}",
        "{\"shape\":6}",
        "{\"shape\":null}",
        "{\"shape\":[2,3]} x",
        "{\"shape\":[2.0,3]}",
        "{\"shape\":[\"2\",3]}",
        "{\"shape\":[-2,-3]}",
        "{\"shape\":[9223372036854775808]}",
        "{\"shape\":[65536,65536]}",
        "{\"shape\":[2,3],\"permutation\":[0]}",
        "{\"shape\":[2,3],\"permutation\":[0,0]}",
        "{\"shape\":[2,3],\"permutation\":[0,2]}",
        "{\"shape\":[2,3],\"permutation\":[0,1,1]}",
        "{\"shape\":[2,3],\"permutation\":{}}",
        "{\"shape\":[2,3],\"dim_names\":[\"a\"]}",
        "{\"shape\":[2,3],\"dim_names\":[\"a\",1]}",
        "{\"shape\":[2,3],\"dim_names\":\"ab\"}",
        "{\"shape\":[2,4]}"
      })
  void metadataThatSaysSomethingElseIsRefused(String metadata) {
    Filled.assertRefused(BAD, () -> read(metadata, 6), FixedShapeTensorType.NAME, metadata);
  }

  @Test
  void whatIsNoTypeIsRefused() {
    Filled.assertRefused(
        BAD, () -> new FixedShapeTensorType(Shape.of(1L << 31)), "[2147483648]", "2147483647");
    Filled.assertRefused(
        BAD,
        () -> new FixedShapeTensorType(Shape.of(2, 3), List.of(1, 2), List.of()),
        "[1, 2]",
        "[2, 3]");
    Filled.assertRefused(
        BAD,
        () -> new FixedShapeTensorType(Shape.of(2, 3), List.of(), List.of("a", "b", "c")),
        "[a, b, c]",
        "[2, 3]");
  }

  // ---- registered by the user alone

  @Test
  void nothingRegistersTheTypeButTheUser() throws Exception {
    Tensor tensor = Filled.tensor(ctx, DType.INT32, 2, 4, 2, 3).transpose(0, 2, 3, 1);
    byte[] stream;
    try (FieldVector vector =
        ArrowTensors.vector(
            allocator, "t", PERMUTED, tensor.contiguous(ctx).transpose(0, 3, 1, 2))) {
      stream = Streams.write(vector);
    }
    assertNull(ExtensionTypeRegistry.lookup(FixedShapeTensorType.NAME));
    try (ArrowStreamReader reader = Streams.read(stream, allocator)) {
      FieldVector lists = Streams.column(reader);
      assertTrue(lists instanceof FixedSizeListVector);
      assertEquals(Shape.of(2, 24), ArrowTensors.wrap(ctx, lists).shape());
    }
    assertTrue(FixedShapeTensorType.register());
    assertTrue(FixedShapeTensorType.register());
    try (ArrowStreamReader reader = Streams.read(stream, allocator)) {
      FieldVector read = Streams.column(reader);
      assertEquals(PERMUTED, ((FixedShapeTensorVector) read).type());
      Tensor back = ArrowTensors.wrap(ctx, read);
      assertEquals(Shape.of(2, 4, 2, 3), back.shape());
      assertTrue(back.contentEquals(tensor.transpose(0, 3, 1, 2)), back::toString);
    }
  }

  /** As Arrow Java may bring one some day. */
  private static final class Other extends ExtensionType {
    @Override
    public ArrowType storageType() {
      return new ArrowType.FixedSizeList(6);
    }

    @Override
    public String extensionName() {
      return FixedShapeTensorType.NAME;
    }

    @Override
    public boolean extensionEquals(ExtensionType other) {
      return this == other;
    }

    @Override
    public String serialize() {
      return "";
    }

    @Override
    public ArrowType deserialize(ArrowType storage, String metadata) {
      return this;
    }

    @Override
    public FieldVector getNewVector(String name, FieldType type, BufferAllocator allocator) {
      throw new UnsupportedOperationException();
    }
  }

  @Test
  void anotherTypeOfThatNameIsLeft() {
    Other other = new Other();
    ExtensionTypeRegistry.register(other);
    assertFalse(FixedShapeTensorType.register());
    assertSame(other, ExtensionTypeRegistry.lookup(FixedShapeTensorType.NAME));
  }

  // ---- its vector

  @Test
  void aColumnOfTensorsIsTheTensorsOwnBytes() {
    FixedShapeTensorType type = new FixedShapeTensorType(Shape.of(2, 3));
    Tensor tensor = ctx.zeros(DType.FLOAT32, 5, 2, 3);
    tensor.setFloat(7f, 4, 1, 2);
    try (FixedShapeTensorVector vector = ArrowTensors.vector(allocator, "t", type, tensor)) {
      assertEquals(5, vector.getValueCount());
      assertEquals(type, vector.getField().getType());
      assertEquals(1, vector.getField().getChildren().size());
      assertEquals(List.of(0f, 0f, 0f, 0f, 0f, 7f), vector.getObject(4));
      assertEquals(vector.hashCode(0), vector.hashCode(1));
      assertNotEquals(vector.hashCode(0), vector.hashCode(4));
      Tensor back = ArrowTensors.wrap(ctx, vector);
      assertEquals(tensor.address(), back.address());
      assertEquals(tensor.shape(), back.shape());
      assertEquals(7f, back.getFloat(4, 1, 2));
    }
    assertFalse(tensor.isWritable());
    try (FieldVector none =
            ArrowTensors.vector(allocator, "none", type, ctx.empty(DType.INT8, 0, 2, 3));
        FieldVector scalars =
            ArrowTensors.vector(
                allocator,
                "scalars",
                new FixedShapeTensorType(Shape.scalar()),
                ctx.allocSlice(1f, 2f))) {
      assertEquals(Shape.of(0, 2, 3), ArrowTensors.wrap(ctx, none).shape());
      assertEquals(2f, ArrowTensors.wrap(ctx, scalars).getFloat(1));
    }
  }

  @Test
  void aPermutationIsUndoneOnTheWayInAndDoneOnTheWayOut() {
    Tensor physical = Filled.tensor(ctx, DType.INT16, 5, 2, 3, 4);
    Tensor logical = physical.transpose(0, 3, 1, 2);
    try (FieldVector vector = ArrowTensors.vector(allocator, "t", PERMUTED, logical)) {
      Tensor back = ArrowTensors.wrap(ctx, vector);
      assertEquals(physical.address(), back.address());
      assertEquals(Shape.of(5, 4, 2, 3), back.shape());
      assertTrue(back.contentEquals(logical));
    }
    Tensor gapless = ctx.empty(DType.INT16, 5, 4, 2, 3);
    Filled.assertRefused(
        BAD,
        () -> ArrowTensors.vector(allocator, "t", PERMUTED, gapless),
        "[5, 4, 2, 3]",
        "[2, 0, 1]",
        "transpose(0, 2, 3, 1).contiguous(ctx).transpose(0, 3, 1, 2)");
    Tensor stored = gapless.transpose(0, 2, 3, 1).contiguous(ctx).transpose(0, 3, 1, 2);
    ArrowTensors.vector(allocator, "t", PERMUTED, stored).close();
    for (Tensor other : List.of(physical, ctx.allocTemp(1f), gapless.slice(1, 0, 2))) {
      Filled.assertRefused(
          BAD,
          () -> ArrowTensors.vector(allocator, "t", PERMUTED, other),
          "[4, 2, 3]",
          other.shape().toString());
    }
    assertTrue(gapless.isWritable());
  }

  @Test
  void aTransferKeepsTheType() {
    FixedShapeTensorType type = new FixedShapeTensorType(Shape.of(2));
    Tensor tensor = ctx.copyOf(Shape.of(3, 2), 1, 2, 3, 4, 5, 6);
    try (FixedShapeTensorVector vector = ArrowTensors.vector(allocator, "t", type, tensor)) {
      VectorSchemaRoot batch = VectorSchemaRoot.of(vector);
      try (VectorSchemaRoot slice = batch.slice(1, 2)) {
        Tensor sliced = ArrowTensors.wrap(ctx, slice.getVector("t"));
        assertEquals(Shape.of(2, 2), sliced.shape());
        assertEquals(tensor.address() + 8, sliced.address());
        assertEquals(6, sliced.getInt(1, 1));
      }
      TransferPair copy = vector.getTransferPair(vector.getField(), allocator);
      copy.copyValueSafe(2, 0);
      try (FixedShapeTensorVector to = (FixedShapeTensorVector) copy.getTo()) {
        to.setValueCount(1);
        assertEquals(List.of(5, 6), to.getObject(0));
      }
      TransferPair pair = vector.getTransferPair(allocator);
      pair.transfer();
      try (FixedShapeTensorVector to = (FixedShapeTensorVector) pair.getTo()) {
        assertEquals(0, vector.getValueCount());
        assertEquals(type, to.type());
        assertEquals(tensor.address(), ArrowTensors.wrap(ctx, to).address());
      }
    }
  }

  @Test
  void columnsOfEqualTensorsAreEqual() {
    FixedShapeTensorType type = new FixedShapeTensorType(Shape.of(2));
    Tensor tensor = ctx.copyOf(Shape.of(1, 2), 1, 2);
    try (FieldVector one = ArrowTensors.vector(allocator, "t", type, tensor);
        FieldVector same = ArrowTensors.vector(allocator, "t", type, tensor.copy(ctx));
        FieldVector other =
            ArrowTensors.vector(allocator, "t", type, ctx.copyOf(Shape.of(1, 2), 1, 3))) {
      assertTrue(VectorEqualsVisitor.vectorEquals(one, same));
      assertFalse(VectorEqualsVisitor.vectorEquals(one, other));
    }
  }

  @Test
  void aNullTensorIsRefused() {
    FixedShapeTensorType type = new FixedShapeTensorType(Shape.of(2));
    try (FixedShapeTensorVector vector =
        ArrowTensors.vector(allocator, "t", type, ctx.zeros(DType.INT8, 3, 2))) {
      vector.setNull(1);
      Filled.assertRefused(BAD, () -> ArrowTensors.wrap(ctx, vector), "1 nulls");
    }
  }
}
