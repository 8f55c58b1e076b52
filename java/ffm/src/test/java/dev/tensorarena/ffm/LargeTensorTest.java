package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.io.RandomAccessFile;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tensors of 5 GiB, of which a few pages are touched. */
class LargeTensorTest extends InContext {
  private static final long GIB = 1L << 30;
  private static final long ROWS = 5;
  private static final long COLUMNS = GIB / Float.BYTES;
  private static final Shape SHAPE = Shape.of(ROWS, COLUMNS);
  private static final long[] PLACES = {
    0, COLUMNS - 1, 2 * COLUMNS - 1, 2 * COLUMNS, 4 * COLUMNS + 12_345, ROWS * COLUMNS - 1
  };

  private static void mark(MemorySegment bytes) {
    for (long place : PLACES) {
      bytes.setAtIndex(JAVA_FLOAT, place, place % 1001);
    }
  }

  private static void assertMarked(MemorySegment bytes) {
    assertEquals(ROWS * GIB, bytes.byteSize());
    for (long place : PLACES) {
      assertEquals(place % 1001, bytes.getAtIndex(JAVA_FLOAT, place));
    }
  }

  @Test
  void aSegmentReachesEveryElement() {
    Tensor tensor = ctx.empty(DType.FLOAT32, SHAPE);
    MemorySegment bytes = Segments.of(tensor);
    mark(bytes);
    assertMarked(bytes);
    VarHandle element =
        MemoryLayout.sequenceLayout(
                ROWS, MemoryLayout.sequenceLayout(COLUMNS, Segments.layout(DType.FLOAT32)))
            .varHandle(PathElement.sequenceElement(), PathElement.sequenceElement());
    assertEquals(
        (4 * COLUMNS + 12_345) % 1001, (float) element.get(bytes, 0L, 4L, 12_345L), "row 4");
    Tensor row = tensor.select(0, 4);
    assertEquals((4 * COLUMNS + 12_345) % 1001, row.getFloat(12_345));
    assertEquals(row.getFloat(12_345), Segments.of(row).getAtIndex(JAVA_FLOAT, 12_345));
    assertEquals(
        COLUMNS * 16, Segments.of(tensor.slice(0, 1, 5)).byteSize(), "views of 4 GiB, too");
    ctx.reset();
    assertRefuses(() -> bytes.getAtIndex(JAVA_FLOAT, 4 * COLUMNS), "closed");
  }

  @Test
  void theCoreNamesThisModule() {
    Tensor tensor = ctx.empty(DType.FLOAT32, SHAPE);
    assertRefuses(tensor::asByteBuffer, "5368709120 bytes", Segments.class.getPackageName());
    assertRefuses(tensor::asFloatBuffer, "Segments.of");
    assertRefuses(() -> tensor.getFloat(0, 0), "Segments.of");
    assertRefuses(() -> tensor.getFloatAt(4 * COLUMNS), "Segments.of");
  }

  @Test
  void aSharedTensorIsReadElsewhere() throws Exception {
    Tensor tensor = ctx.empty(DType.FLOAT32, SHAPE);
    mark(Segments.of(tensor));
    SharedTensor handle = tensor.share();
    ctx.close();
    onThread(
        () -> {
          MemorySegment bytes = Segments.of(handle);
          assertTrue(bytes.isReadOnly());
          assertMarked(bytes);
          handle.close();
          assertRefuses(() -> bytes.get(JAVA_FLOAT, 4 * GIB), "closed");
          return null;
        });
  }

  @Test
  void aMappedFileOf5GiBIsATensor(@TempDir Path folder) throws Exception {
    Path path = folder.resolve("large.npy");
    long data = writeHeader(path);
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.setLength(data + ROWS * GIB); // no blocks are taken for what is not written
      ByteBuffer element = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder());
      for (long place : PLACES) {
        element.putFloat(0, place % 1001);
        file.seek(data + 4 * place);
        file.write(element.array());
      }
    }
    Tensor tensor = Npy.map(ctx, path);
    assertEquals(SHAPE, tensor.shape());
    assertMarked(Segments.of(tensor));
    assertRefuses(() -> tensor.getFloat(4, 0), "Segments.of");
    assertEquals((4 * COLUMNS + 12_345) % 1001, tensor.select(0, 4).getFloat(12_345));
    SharedTensor handle = tensor.share();
    ctx.reset();
    assertMarked(onThread(() -> Segments.of(handle)));
    handle.close();
  }

  private static long writeHeader(Path path) throws Exception {
    String dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }";
    String text = "%-117s\n".formatted(dict.formatted(ROWS, COLUMNS));
    ByteBuffer header = ByteBuffer.allocate(128).order(ByteOrder.LITTLE_ENDIAN);
    header.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII));
    header.put((byte) 1).put((byte) 0).putShort((short) text.length());
    header.put(text.getBytes(StandardCharsets.US_ASCII));
    java.nio.file.Files.write(path, header.array());
    return header.capacity();
  }

  @Test
  void anArenaAllocatorAllocatesIt() {
    try (ExecutionContext large = ExecutionContext.withCapacity(6 * GIB);
        ArenaAllocator arena = ArenaAllocator.of(large)) {
      MemorySegment bytes = arena.allocateUninitialized(5 * GIB, 64);
      mark(bytes);
      assertMarked(bytes);
      Tensor tensor = Tensors.wrap(ctx, bytes, DType.FLOAT32, SHAPE);
      assertMarked(Segments.of(tensor));
    }
  }
}
