package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ForkedJvm;
import dev.tensorarena.Npy;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Mapped .npy files as tensors; the files are written by the core, which knows NumPy's bytes. */
class NpyMapTest extends InContext {
  @TempDir Path folder;

  private Path written(Tensor tensor) throws IOException {
    Path path = folder.resolve("a.npy");
    Npy.write(tensor, path);
    return path;
  }

  private Tensor map(Path path) throws IOException {
    return dev.tensorarena.ffm.Npy.map(ctx, path);
  }

  @Test
  void everyTypeAndShapeIsMappedAsItIsRead() throws IOException {
    for (DType dtype : DType.values()) {
      for (Shape shape :
          new Shape[] {Shape.scalar(), Shape.of(2, 3), Shape.of(4, 0), Shape.of(7)}) {
        if (dtype != DType.BFLOAT16) {
          Tensor tensor = ctx.zeros(dtype, shape);
          Tensor bytes = ctx.wrap(tensor.asByteBuffer(), DType.INT8, Shape.of(tensor.byteSize()));
          for (int i = 0; i < bytes.size(); i++) {
            bytes.setByteAt(i, (byte) (i * 37));
          }
          Path path = written(tensor);
          Tensor mapped = map(path);
          assertEquals(dtype, mapped.dtype());
          assertEquals(shape, mapped.shape());
          assertTrue(mapped.contentEquals(Npy.read(ctx, path)), dtype + " " + shape);
        }
      }
    }
  }

  @Test
  void fortranOrderIsAStridedView() throws IOException {
    Tensor columns = ctx.copyOf(Shape.of(3, 2), 1f, 2f, 3f, 4f, 5f, 6f).transpose();
    Tensor mapped = map(written(columns));
    assertEquals(Shape.of(2, 3), mapped.shape());
    assertFalse(mapped.isContiguous());
    assertArrayEquals(new float[] {1, 3, 5, 2, 4, 6}, mapped.toFloatArray());
  }

  @Test
  void nothingIsCopiedAndNothingIsWritten() throws IOException {
    Path path = written(ctx.allocSlice(1d, 2d));
    ctx.reset();
    Tensor mapped = map(path);
    assertEquals(0, ctx.memoryUsage());
    MemorySegment bytes = Segments.of(mapped);
    assertTrue(bytes.isMapped());
    assertTrue(bytes.isReadOnly());
    assertEquals(2, bytes.getAtIndex(JAVA_DOUBLE, 1));
    assertRefuses(() -> mapped.fill(1), "is frozen");
    mapped.mutable(ctx).fill(3);
    assertEquals(1, Npy.read(ctx, path).getDouble(0));
  }

  @Test
  void sharesOutliveScopeAndFile() throws Exception {
    Path path = written(ctx.allocSlice(1d, 2d));
    Scope scope = ctx.scope();
    Tensor mapped = map(path);
    SharedTensor handle = mapped.share();
    scope.close();
    assertRefuses(() -> mapped.getDouble(0), "its scope was closed");
    Files.delete(path);
    assertEquals(2, onThread(() -> handle.getDouble(1)));
    handle.close();
  }

  @Test
  void anArenaUnmapsAtOnce() throws IOException {
    Path path = written(ctx.allocSlice(1d, 2d));
    Tensor mapped;
    SharedTensor handle;
    try (Arena arena = Arena.ofConfined()) {
      mapped = dev.tensorarena.ffm.Npy.map(ctx, path, arena);
      handle = mapped.share();
      assertEquals(2, handle.getDouble(1));
    }
    assertRefuses(() -> mapped.getDouble(0), "has gone");
    assertRefuses(() -> handle.getDouble(0), "has gone");
    handle.close();
    try (ArenaAllocator arena = ArenaAllocator.of(ctx)) {
      assertEquals(2, dev.tensorarena.ffm.Npy.map(ctx, path, arena).getDouble(1));
    }
  }

  @Test
  void damageIsReportedAsWhenReading() throws IOException {
    Path path = written(ctx.allocSlice(1d, 2d));
    byte[] file = Files.readAllBytes(path);
    Files.write(path, java.util.Arrays.copyOf(file, file.length - 1));
    assertRefuses(IOException.class, () -> map(path), "a.npy", "cut short");
    Files.write(path, new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
    assertRefuses(IOException.class, () -> map(path), "not an .npy file");
    Files.delete(path);
    assertRefuses(IOException.class, () -> map(path), "a.npy");
    ctx.close();
    assertRefuses(() -> map(path), "is closed");
  }

  @Test
  void bigEndianElementsAreReadAndNotMapped() throws IOException {
    Path path = written(ctx.allocSlice(1d, 2d));
    byte[] file = Files.readAllBytes(path);
    file[new String(file, ISO_8859_1).indexOf("<f8")] = '>';
    Files.write(path, file);
    assertRefuses(
        IOException.class,
        () -> map(path),
        "a.npy",
        "big-endian elements of FLOAT64",
        "dev.tensorarena.Npy.read");
    assertEquals(
        Long.reverseBytes(Double.doubleToLongBits(2)),
        Double.doubleToLongBits(Npy.read(ctx, path).getDouble(1)));
  }

  @Test
  void aSingleByteIsMappedWhateverItsOrder() throws IOException {
    Path path = written(ctx.zeros(DType.INT8, Shape.of(3)));
    byte[] file = Files.readAllBytes(path);
    file[new String(file, ISO_8859_1).indexOf("|i1")] = '>';
    file[file.length - 1] = 7;
    Files.write(path, file);
    assertEquals(7, map(path).getByteAt(2));
  }

  /** In a JVM of its own, which crashed when the comparison was compiled. */
  @Test
  void aFileThatIsCutShortThrowsAndTheProgramGoesOn() throws Exception {
    Path path = written(ctx.zeros(DType.FLOAT32, 1 << 12));
    List<String> command =
        ForkedJvm.command(
            CutShort.class,
            List.of(
                "--enable-native-access=ALL-UNNAMED",
                "-Xbatch",
                "-XX:-CreateCoredumpOnCrash",
                "-XX:ErrorFile=" + folder.resolve("crash")));
    command.add(path.toString());
    String printed = ForkedJvm.run(command);
    assertEquals("InternalError\n".repeat(3), printed);
  }

  static final class CutShort {
    public static void main(String[] args) throws Exception {
      Path path = Path.of(args[0]);
      try (ExecutionContext ctx = ExecutionContext.open();
          RandomAccessFile file = new RandomAccessFile(args[0], "rw")) {
        Tensor mapped = dev.tensorarena.ffm.Npy.map(ctx, path);
        Tensor zeros = ctx.zeros(mapped.dtype(), mapped.shape());
        for (int i = 0; i < 2_000; i++) {
          assertTrue(mapped.contentEquals(zeros));
        }
        file.setLength(4096);
        for (int i = 0; i < 3; i++) {
          try {
            System.out.println(mapped.contentEquals(zeros));
          } catch (InternalError e) {
            System.out.println("InternalError");
          }
        }
      }
    }
  }
}
