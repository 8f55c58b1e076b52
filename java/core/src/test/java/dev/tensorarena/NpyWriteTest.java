package dev.tensorarena;

import static dev.tensorarena.NpyFixtures.FIFTEEN;
import static dev.tensorarena.NpyFixtures.counting;
import static dev.tensorarena.NpyFixtures.dict;
import static dev.tensorarena.NpyFixtures.doubles;
import static dev.tensorarena.NpyFixtures.numpy;
import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("platform")
class NpyWriteTest {
  private static final double[] VALUES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};

  @TempDir Path folder;

  private ExecutionContext ctx;
  private Path path;

  @BeforeEach
  void open() {
    ctx = ExecutionContext.open();
    path = folder.resolve("a.npy");
  }

  @AfterEach
  void close() {
    ctx.close();
  }

  private byte[] written(Tensor tensor) throws IOException {
    Npy.write(tensor, path);
    return Files.readAllBytes(path);
  }

  private void assertOnlyFiles(Path... expected) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(expected), files.sorted().toList());
    }
  }

  // ---- what is in the file

  @Test
  void rowMajor() throws IOException {
    assertArrayEquals(
        numpy(dict("<f8", "False", "(3, 5)"), FIFTEEN),
        written(ctx.copyOf(Shape.of(3, 5), VALUES)));
  }

  @Test
  void infoTellsWhatAFileHoldsAndWhereItsElementsBegin() throws IOException {
    byte[] file = written(ctx.copyOf(Shape.of(3, 5), VALUES));
    Shape shape = Shape.of(3, 5);
    assertEquals(
        new NpyInfo(DType.FLOAT64, shape, false, 128, ByteOrder.LITTLE_ENDIAN), Npy.info(path));
    assertEquals(new NpyInfo(DType.FLOAT64, shape, false, 128), Npy.info(path));
    Npy.write(ctx.copyOf(Shape.of(5, 3), VALUES).transpose(), path);
    assertEquals(
        new NpyInfo(DType.FLOAT64, shape, true, 128, ByteOrder.LITTLE_ENDIAN), Npy.info(path));
    Files.write(path, numpy(dict(">f8", "True", "(3, 5)"), FIFTEEN));
    assertEquals(
        new NpyInfo(DType.FLOAT64, shape, true, 128, ByteOrder.BIG_ENDIAN), Npy.info(path));
    Files.write(path, numpy(dict(">i1", "False", "(3,)"), new byte[3]));
    assertEquals(ByteOrder.LITTLE_ENDIAN, Npy.info(path).byteOrder());
    Files.write(path, Arrays.copyOf(file, file.length - 1));
    assertRefuses(IOException.class, () -> Npy.info(path), "cut short", "247 bytes");
    assertRefuses(IOException.class, () -> Npy.info(folder), "not a regular file");
  }

  @Test
  void aContiguousTransposeIsInFortranOrder() throws IOException {
    Tensor columns = ctx.copyOf(Shape.of(5, 3), VALUES).transpose();
    assertArrayEquals(numpy(dict("<f8", "True", "(3, 5)"), FIFTEEN), written(columns));
  }

  @ParameterizedTest
  @CsvSource({
    "(), 1",
    "'(1,)', 1",
    "'(7,)', 7",
    "'(0,)', 0",
    "'(4, 0, 2)', 0",
    "'(1, 1, 1, 1, 6)', 6"
  })
  void everyTypeAndRankAsNumPyWritesIt(String shape, int elements) throws IOException {
    for (NpyFixtures.Named type : NpyFixtures.TYPES) {
      byte[] data = counting(elements * type.dtype().byteSize());
      byte[] file = numpy(dict(type.descr(), "False", shape), data);
      byte[] inFortranOrder = numpy(dict(type.descr(), "True", shape), data);
      Path given = NpyFixtures.write(folder, "given.npy", file);
      assertArrayEquals(file, written(Npy.read(ctx, given)));
      // With one axis to speak of there is no difference, and NumPy calls it row-major.
      Files.write(given, inFortranOrder);
      assertArrayEquals(file, written(Npy.read(ctx, given)));
    }
  }

  @Test
  void otherStridesAreWrittenInRowMajorOrder() throws IOException {
    Tensor tensor = ctx.copyOf(Shape.of(3, 5), VALUES);
    assertArrayEquals(
        numpy(dict("<f8", "False", "(3, 2)"), doubles(1, 2, 6, 7, 11, 12)),
        written(tensor.slice(1, 1, 3)));
    assertArrayEquals(
        numpy(dict("<f8", "False", "(2, 3)"), doubles(1, 6, 11, 2, 7, 12)),
        written(tensor.slice(1, 1, 3).transpose()));
    assertArrayEquals(
        numpy(dict("<f8", "False", "(3,)"), doubles(4, 9, 14)), written(tensor.select(1, 4)));
  }

  @Test
  void stridedElementsOfEverySizeAndManyBlocks() throws IOException {
    Random random = new Random(3);
    for (NpyFixtures.Named type : NpyFixtures.TYPES) {
      Tensor tensor = ctx.empty(type.dtype(), 50, 41, 60);
      byte[] bytes = new byte[(int) tensor.byteSize()];
      random.nextBytes(bytes);
      tensor.asByteBuffer().put(bytes);
      for (Tensor strided :
          List.of(tensor.transpose(1, 0, 2), tensor.slice(2, 3, 58), tensor.transpose(2, 0, 1))) {
        assertFalse(strided.isContiguous());
        Npy.write(strided, path);
        Tensor read = Npy.read(ctx, path);
        assertTrue(read.isContiguous());
        assertTrue(read.contentEquals(strided));
        // Also of a BOOL, of which comparing does not look at all bits.
        assertEquals(strided.copy(ctx).asByteBuffer(), read.asByteBuffer());
      }
      ctx.reset();
    }
  }

  @ParameterizedTest
  @CsvSource({
    // The lengths of the headers that NumPy 2.4.6 writes.
    "12, 1, 1, false, 128",
    "13, 1, 1, false, 192",
    "12, 1, 10, false, 128",
    "12, 1, 100, false, 192",
    "12, 100, 1, false, 128",
    "12, 2, 100, true, 128",
    "12, 100, 2, true, 128",
    "12, 1000, 2, true, 192",
    "12, 1000, 2, false, 128",
    "33, 1, 1, false, 192",
    "34, 1, 1, false, 256",
    "62, 1, 1, false, 320",
  })
  void headersArePaddedAsNumPyPads(int ones, int first, int last, boolean fortran, int length)
      throws IOException {
    long[] dims = new long[ones + 2];
    Arrays.fill(dims, 1);
    dims[fortran ? dims.length - 1 : 0] = first;
    dims[fortran ? 0 : dims.length - 1] = last;
    Tensor stored = ctx.zeros(DType.FLOAT32, dims);
    Tensor tensor = fortran ? stored.transpose() : stored;
    byte[] bytes = written(tensor);
    assertEquals(length, bytes.length - tensor.byteSize());
    assertEquals(1, bytes[6]);
    assertEquals('\n', bytes[length - 1]);
    assertTrue(Npy.read(ctx, path).contentEquals(tensor));
  }

  @Test
  void arraysThatNumPyCannotHaveAreRefused() throws IOException {
    long[] dims = new long[65];
    Arrays.fill(dims, 1);
    Tensor deep = ctx.zeros(DType.FLOAT32, dims);
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Npy.write(deep, path));
    assertEquals("65 axes, where NumPy has at most 64", e.getMessage());
    Tensor empty = ctx.zeros(DType.INT16, 1L << 62, 0);
    e = assertThrows(IllegalArgumentException.class, () -> Npy.write(empty, path));
    assertEquals(
        "an array of INT16 and shape [4611686018427387904, 0] is too large for NumPy",
        e.getMessage());
    assertOnlyFiles();
    Npy.write(ctx.zeros(DType.INT8, Long.MAX_VALUE, 0), path);
    assertEquals(Shape.of(Long.MAX_VALUE, 0), Npy.read(ctx, path).shape());
  }

  @Test
  void sharedAndWrappedTensorsAreWritten() throws IOException {
    Tensor tensor = ctx.copyOf(Shape.of(3, 5), VALUES);
    byte[] expected = numpy(dict("<f8", "False", "(3, 5)"), FIFTEEN);
    try (SharedTensor shared = tensor.share()) {
      assertArrayEquals(expected, written(shared));
    }
    // At an odd address, and of no arena.
    ByteBuffer direct =
        ByteBuffer.allocateDirect(121)
            .position(1)
            .put(FIFTEEN)
            .position(1)
            .order(ByteOrder.nativeOrder());
    Tensor wrapped = ctx.wrap(direct, DType.FLOAT64, Shape.of(3, 5));
    assertArrayEquals(expected, written(wrapped));
    assertArrayEquals(
        numpy(dict("<f8", "False", "(2, 2)"), doubles(0, 1, 5, 6)),
        written(wrapped.slice(0, 0, 2).slice(1, 0, 2)));
  }

  // ---- what is refused, before there is a file

  @Test
  void bfloat16HasNoNumPyType() throws IOException {
    Tensor tensor = ctx.zeros(DType.BFLOAT16, 2, 3);
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Npy.write(tensor, path));
    assertEquals(
        "NumPy has no type for BFLOAT16; write the values as FLOAT32 instead", e.getMessage());
    assertOnlyFiles();
  }

  @Test
  void deadTensorsAndOtherThreadsAreRefused() throws Exception {
    Tensor tensor = ctx.allocSlice(1f, 2f);
    TestSupport.runOnThread(
        "other", () -> TestSupport.assertRefuses(() -> Npy.write(tensor, path), "\"other\""));
    ctx.reset();
    assertThrows(IllegalStateException.class, () -> Npy.write(tensor, path));
    assertOnlyFiles();
  }

  // ---- the file system

  @Test
  void anOldFileIsReplaced() throws IOException {
    Files.write(path, new byte[10_000]);
    assertEquals(128 + 120, written(ctx.copyOf(Shape.of(3, 5), VALUES)).length);
    assertOnlyFiles(path);
  }

  @Test
  void aTensorCanReplaceTheFileThatItCameFrom() throws IOException {
    Npy.write(ctx.copyOf(Shape.of(3, 5), VALUES), path);
    Tensor read = Npy.read(ctx, path);
    read.setDouble(-1, 0, 0);
    Npy.write(read, path);
    assertTrue(Npy.read(ctx, path).contentEquals(read));
  }

  @Test
  void afterAFailureTheOldFileIsStillThere() throws IOException {
    byte[] old = written(ctx.copyOf(Shape.of(3, 5), VALUES));
    Tensor tensor = ctx.allocSlice(1f, 2f);
    Thread.currentThread().interrupt(); // fails the first write to the new file
    try {
      assertThrows(ClosedByInterruptException.class, () -> Npy.write(tensor, path));
    } finally {
      assertTrue(Thread.interrupted());
    }
    assertArrayEquals(old, Files.readAllBytes(path));
    assertOnlyFiles(path);
  }

  @Test
  void aDirectoryIsNotReplaced() throws IOException {
    Path directory = Files.createDirectory(folder.resolve("d"));
    IOException e = assertThrows(IOException.class, () -> Npy.write(ctx.allocTemp(1f), directory));
    assertEquals(directory + ": not a regular file", e.getMessage());
    assertOnlyFiles(directory);
  }

  @Test
  void aFolderThatIsNotThere() {
    Path nowhere = folder.resolve("nowhere").resolve("a.npy");
    assertThrows(NoSuchFileException.class, () -> Npy.write(ctx.allocTemp(1f), nowhere));
  }

  @Test
  void inAFolderThatCannotBeWrittenOldFilesAreWrittenIntoAndNewOnesRefused() throws IOException {
    written(ctx.allocTemp(1f));
    Path other = folder.resolve("b.npy");
    assertTrue(folder.toFile().setWritable(false));
    try {
      assumeFalse(Files.isWritable(folder), "this user may write everywhere");
      Npy.write(ctx.allocTemp(2f), path);
      assertRefuses(
          AccessDeniedException.class,
          () -> Npy.write(ctx.allocTemp(2f), other),
          other + ": a new file in " + folder,
          " is refused: access denied");
    } finally {
      assertTrue(folder.toFile().setWritable(true));
    }
    assertEquals(2f, Npy.read(ctx, path).getFloatAt(0));
    assertOnlyFiles(path);
  }

  @Test
  void aSymbolicLinkStaysOne() throws IOException {
    Path link = folder.resolve("link.npy");
    Files.write(path, new byte[3]);
    try {
      Files.createSymbolicLink(link, path.getFileName());
    } catch (FileSystemException | UnsupportedOperationException e) {
      assumeFalse(true, "no symbolic links here: " + e);
    }
    Npy.write(ctx.allocTemp(5f), link);
    assertTrue(Files.isSymbolicLink(link));
    assertEquals(5f, Npy.read(ctx, path).getFloatAt(0));
    assertOnlyFiles(path, link);
  }

  @Test
  void aPathWithoutAFolderIsInTheWorkingDirectory() throws IOException {
    Path bare = Path.of("npy-write-test.npy");
    try {
      Npy.write(ctx.allocTemp(5f), bare);
      assertNotNull(Npy.read(ctx, bare));
    } finally {
      Files.deleteIfExists(bare);
    }
  }
}
