package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ForkedJvm;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The structs of DLPack, made here and taken here; with NumPy see {@link NumpyTest}. */
class DlpackTest {
  private static final int VERSIONED_TENSOR = 32;

  private final ExecutionContext ctx = ExecutionContext.open();
  private final Arena arena = Arena.ofShared();
  private int deleted;

  @AfterEach
  void close() {
    ctx.close();
    arena.close();
  }

  private static MemorySegment at(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  // ---- ours for others

  @Test
  void aStructOfOursIsTakenHereWithoutACopy() {
    Tensor tensor = ctx.copyOf(Shape.of(2, 3), 1f, 2f, 3f, 4f, 5f, 6f);
    Tensor same = Dlpack.fromDlpack(ctx, Dlpack.toDlpack(tensor.transpose(1, 0)));
    assertEquals(tensor.address(), same.address());
    assertEquals(Shape.of(3, 2), same.shape());
    assertEquals(1, same.stride(0));
    assertEquals(3, same.stride(1));
    same.setFloat(9f, 2, 1);
    assertEquals(9f, tensor.getFloat(1, 2));
  }

  @Test
  void everyTypeComesBackAsItself() {
    for (DType dtype : DType.values()) {
      Tensor tensor = ctx.zeros(dtype, 5);
      Tensor same = Dlpack.fromDlpack(ctx, Dlpack.toDlpack(tensor));
      assertEquals(dtype, same.dtype());
      assertEquals(tensor.address(), same.address());
    }
  }

  @Test
  void aFrozenTensorIsReadOnlyWhereThatCanBeSaid() {
    Tensor tensor = ctx.copyOf(Shape.of(2), 1, 2);
    SharedTensor handle = tensor.share();
    IllegalStateException refused =
        assertThrows(IllegalStateException.class, () -> Dlpack.toDlpack(handle));
    assertTrue(refused.getMessage().contains("toDlpackVersioned()"), refused.getMessage());
    Tensor same = Dlpack.fromDlpackVersioned(ctx, Dlpack.toDlpackVersioned(handle));
    assertFalse(same.isWritable());
    assertThrows(IllegalStateException.class, () -> same.setIntAt(0, 9));
    handle.close();
  }

  @Test
  void theBytesAreKeptUntilTheDeleterRuns() {
    long struct;
    try (ExecutionContext other = ExecutionContext.open()) {
      struct = Dlpack.toDlpackVersioned(other.copyOf(Shape.of(2), 7L, 8L));
    }
    assertEquals(1, ChunkPool.stats().pinnedChunks());
    long data = at(struct, 80).get(JAVA_LONG, VERSIONED_TENSOR);
    assertEquals(8L, at(data, 16).getAtIndex(JAVA_LONG, 1));
    Dlpack.deleteVersioned(struct);
    assertEquals(0, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void theDeleterRunsOnAThreadThatTheJvmDoesNotKnow() throws Throwable {
    long struct;
    try (ExecutionContext other = ExecutionContext.open()) {
      struct = Dlpack.toDlpackVersioned(other.copyOf(Shape.of(2), 7L, 8L));
    }
    MemorySegment thread = arena.allocate(8, 8);
    int failed =
        (int)
            function("pthread_create", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG)
                .invokeExact(thread, MemorySegment.NULL, at(struct, 80).get(ADDRESS, 16), struct);
    assertEquals(0, failed);
    failed =
        (int)
            function("pthread_join", JAVA_INT, JAVA_LONG, ADDRESS)
                .invokeExact(thread.get(JAVA_LONG, 0), MemorySegment.NULL);
    assertEquals(0, failed);
    assertEquals(0, ChunkPool.stats().pinnedChunks());
  }

  private static MethodHandle function(
      String name, MemoryLayout result, MemoryLayout... parameters) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().find(name).orElseThrow(), FunctionDescriptor.of(result, parameters));
  }

  @Test
  void theDeleterRunsWhenThereIsNoJvmAnyLonger() throws Exception {
    String printed = ForkedJvm.run(Leaving.class, "--enable-native-access=ALL-UNNAMED");
    assertEquals("deleted", printed.strip());
  }

  /**
   * What the process does at its end, after the launcher has destroyed the JVM: last comes first.
   */
  static final class Leaving {
    public static void main(String[] args) throws Throwable {
      MethodHandle atExit = function("__cxa_atexit", JAVA_INT, ADDRESS, ADDRESS, ADDRESS);
      MemorySegment none = MemorySegment.NULL;
      MemorySegment puts = Linker.nativeLinker().defaultLookup().find("puts").orElseThrow();
      MemorySegment text = Arena.global().allocateFrom("deleted");
      int failed = (int) atExit.invokeExact(puts, text, none);
      try (ExecutionContext ctx = ExecutionContext.open()) {
        MemorySegment struct = at(Dlpack.toDlpack(ctx.zeros(DType.INT64, 1000)), 64);
        failed += (int) atExit.invokeExact(struct.get(ADDRESS, 56), struct, none);
      }
      assertEquals(0, failed);
    }
  }

  /** Who has it may write, so that what was shared since is no longer the bytes to write into. */
  @Test
  void whatOthersHoldIsCopiedByMutable() {
    Tensor tensor = ctx.copyOf(Shape.of(2), 1, 2);
    long address = tensor.address();
    long struct = Dlpack.toDlpack(tensor);
    SharedTensor handle = tensor.share();
    Tensor copy = handle.mutable(ctx);
    assertNotEquals(address, copy.address());
    Dlpack.delete(struct);
  }

  @Test
  void memoryThatIsNotOursCannotBeKeptByC() {
    ByteBuffer direct = ByteBuffer.allocateDirect(4);
    Tensor wrapped = ctx.wrap(direct, DType.INT8, Shape.of(4));
    IllegalStateException refused =
        assertThrows(IllegalStateException.class, () -> Dlpack.toDlpack(wrapped));
    assertTrue(refused.getMessage().contains("copy(ctx)"), refused.getMessage());
    Dlpack.delete(Dlpack.toDlpack(wrapped.copy(ctx)));
    Tensor segment = Tensors.wrap(ctx, arena.allocate(4), DType.INT8, Shape.of(4));
    IllegalArgumentException unpinnable =
        assertThrows(IllegalArgumentException.class, () -> Dlpack.toDlpackVersioned(segment));
    assertTrue(unpinnable.getMessage().contains("copy(ctx)"), unpinnable.getMessage());
    assertEquals(0, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void anEmptyTensorHasAShapeAndNoBytes() {
    Tensor empty = ctx.wrap(ByteBuffer.allocateDirect(0), DType.INT8, Shape.of(3, 0));
    long struct = Dlpack.toDlpackVersioned(empty);
    assertEquals(0, at(struct, 80).get(JAVA_LONG, VERSIONED_TENSOR));
    assertEquals(Shape.of(3, 0), Dlpack.fromDlpackVersioned(ctx, struct).shape());
    Tensor scalar = ctx.copyOf(Shape.scalar(), 2.5f);
    Tensor same = Dlpack.fromDlpack(ctx, Dlpack.toDlpack(scalar));
    assertEquals(Shape.scalar(), same.shape());
    assertEquals(scalar.address(), same.address());
  }

  @Test
  void deadTensorsAreRefused() {
    Tensor dead = ctx.zeros(DType.INT8, 4);
    ctx.reset();
    assertThrows(IllegalStateException.class, () -> Dlpack.toDlpack(dead));
    assertThrows(IllegalStateException.class, () -> Dlpack.toDlpackVersioned(dead));
  }

  // ---- others' for us

  private MemorySegment deleter() throws ReflectiveOperationException {
    MethodHandle java =
        MethodHandles.lookup()
            .findVirtual(
                DlpackTest.class, "delete", MethodType.methodType(void.class, MemorySegment.class))
            .bindTo(this);
    return Linker.nativeLinker().upcallStub(java, FunctionDescriptor.ofVoid(ADDRESS), arena);
  }

  @SuppressWarnings("unused") // by the stub
  private void delete(MemorySegment struct) {
    deleted++;
  }

  /** Describes four numbers of 32 bits as dlpack.h does. */
  private MemorySegment tensor(MemorySegment struct, long at) {
    MemorySegment tensor = struct.asSlice(at);
    MemorySegment data = arena.allocateFrom(JAVA_INT, 1, 2, 3, 4);
    tensor.set(ADDRESS, 0, data);
    tensor.set(JAVA_INT, 8, 1);
    tensor.set(JAVA_INT, 16, 1);
    tensor.set(JAVA_BYTE, 21, (byte) 32);
    tensor.set(JAVA_SHORT, 22, (short) 1);
    tensor.set(ADDRESS, 24, arena.allocateFrom(JAVA_LONG, 4));
    return tensor;
  }

  private MemorySegment old() throws ReflectiveOperationException {
    MemorySegment struct = arena.allocate(64, 8);
    tensor(struct, 0);
    struct.set(ADDRESS, 56, deleter());
    return struct;
  }

  private void assertRefuses(String words, MemorySegment struct) {
    long chunks = ChunkPool.stats().inUseChunks();
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class, () -> Dlpack.fromDlpack(ctx, struct.address()));
    assertTrue(refused.getMessage().contains(words), refused.getMessage());
    ctx.reset();
    assertEquals(0, deleted); // it is still the caller's
    assertEquals(chunks, ChunkPool.stats().inUseChunks());
  }

  @Test
  void theDeleterIsCalledOnceWhenTheLastHolderGoes() throws Exception {
    Tensor tensor = Dlpack.fromDlpack(ctx, old().address());
    assertArrayEquals(new int[] {1, 2, 3, 4}, tensor.toIntArray());
    SharedTensor handle = tensor.share();
    ctx.reset();
    assertEquals(0, deleted);
    assertEquals(4, handle.getIntAt(3));
    handle.close();
    assertEquals(1, deleted);
    ctx.reset();
    assertEquals(1, deleted);
  }

  @Test
  void theOffsetIsFromWhereTheDataBegin() throws Exception {
    MemorySegment struct = old();
    struct.set(JAVA_LONG, 40, 8);
    struct.get(ADDRESS, 24).reinterpret(8).set(JAVA_LONG, 0, 2);
    Tensor tensor = Dlpack.fromDlpack(ctx, struct.address());
    assertArrayEquals(new int[] {3, 4}, tensor.toIntArray());
  }

  @Test
  void withoutADeleterNobodyIsTold() throws Exception {
    MemorySegment struct = old();
    struct.set(JAVA_LONG, 56, 0);
    Dlpack.fromDlpack(ctx, struct.address());
    ctx.reset();
    Dlpack.delete(struct.address());
    assertEquals(0, deleted);
  }

  @Test
  void otherDevicesTypesRanksAndStridesAreRefusedByTheirValues() throws Exception {
    MemorySegment struct = old();
    struct.set(JAVA_INT, 8, 2);
    struct.set(JAVA_INT, 12, 3);
    assertRefuses("on device 2:3", struct);
    struct = old();
    struct.set(JAVA_BYTE, 20, (byte) 5);
    assertRefuses("code 5 (complex), 32 bits, 1 lane", struct);
    struct = old();
    struct.set(JAVA_SHORT, 22, (short) 4);
    assertRefuses("code 0 (int), 32 bits, 4 lanes", struct);
    struct = old();
    struct.set(JAVA_BYTE, 21, (byte) 4);
    assertRefuses("code 0 (int), 4 bits", struct);
    struct = old();
    struct.set(JAVA_INT, 16, -1);
    assertRefuses("rank -1", struct);
    struct = old();
    struct.set(JAVA_INT, 16, Integer.MAX_VALUE);
    assertRefuses("rank 2147483647", struct);
    struct = old();
    struct.set(JAVA_LONG, 24, 0);
    assertRefuses("rank 1 without a shape", struct);
    struct = old();
    struct.set(JAVA_INT, 16, 2);
    struct.set(ADDRESS, 24, arena.allocateFrom(JAVA_LONG, Long.MAX_VALUE, 2));
    assertRefuses("9223372036854775807", struct);
    struct = old();
    struct.set(ADDRESS, 24, arena.allocateFrom(JAVA_LONG, -4));
    assertRefuses("-4", struct);
    for (long stride : new long[] {-1, 0, Long.MAX_VALUE / 8}) {
      struct = old();
      struct.set(ADDRESS, 32, arena.allocateFrom(JAVA_LONG, stride));
      assertRefuses("[" + stride + "]", struct);
    }
    struct = old();
    struct.set(JAVA_LONG, 0, 0);
    assertRefuses("address 0x0", struct);
    struct.set(JAVA_LONG, 40, Long.MIN_VALUE);
    assertRefuses("address 0x8000000000000000", struct);
    assertRefuses("address 0", MemorySegment.NULL);
  }

  @Test
  void ofAnotherMajorVersionOnlyTheDeleterIsCalled() throws Exception {
    MemorySegment struct = arena.allocate(80, 8);
    struct.set(JAVA_INT, 0, 2);
    struct.set(JAVA_INT, 4, 7);
    struct.set(ADDRESS, 16, deleter());
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> Dlpack.fromDlpackVersioned(ctx, struct.address()));
    assertTrue(refused.getMessage().contains("DLPack 2.7"), refused.getMessage());
    assertEquals(0, deleted);
    Dlpack.deleteVersioned(struct.address());
    assertEquals(1, deleted);
  }

  @Test
  void aVersionedOneIsFrozenByItsFlagOnly() throws Exception {
    for (long flags : new long[] {0, 1, 2, 3}) {
      MemorySegment struct = arena.allocate(80, 8);
      struct.set(JAVA_INT, 0, 1);
      struct.set(ADDRESS, 16, deleter());
      struct.set(JAVA_LONG, 24, flags);
      tensor(struct, VERSIONED_TENSOR);
      Tensor tensor = Dlpack.fromDlpackVersioned(ctx, struct.address());
      assertEquals((flags & 1) == 0, tensor.isWritable());
      assertArrayEquals(new int[] {1, 2, 3, 4}, tensor.toIntArray());
    }
    ctx.reset();
    assertEquals(4, deleted);
  }

  @Test
  void aClosedContextTakesNothing() throws Exception {
    ExecutionContext closed = ExecutionContext.open();
    closed.close();
    long struct = old().address();
    assertThrows(IllegalStateException.class, () -> Dlpack.fromDlpack(closed, struct));
    assertEquals(0, deleted);
  }
}
