package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TimeZone;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Archives that are written. */
class NpzWriteTest {
  /** Reads each array with NumPy, where it is there; else what NumPy needs of the archive. */
  private static final String READER =
      """
      import ast, os, sys, zipfile
      try:
          import numpy
      except ImportError:
          if os.environ.get('CI') == 'true':
              raise
          numpy = None
      archive = zipfile.ZipFile(sys.argv[1])
      assert archive.testzip() is None
      if numpy:
          arrays = numpy.load(sys.argv[1])
          for name in arrays.files:
              array = arrays[name]
              print(ascii(name), array.dtype.str, array.shape, array.tobytes().hex())
      else:
          for info in archive.infolist():
              data = archive.read(info)
              assert data[:8] == b'\\x93NUMPY\\x01\\x00' and info.filename.endswith('.npy')
              end = 10 + int.from_bytes(data[8:10], 'little')
              header = ast.literal_eval(data[10:end].decode('latin1'))
              assert not header['fortran_order']
              print(ascii(info.filename[:-4]), header['descr'], header['shape'], data[end:].hex())
      """;

  @TempDir Path folder;

  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  private Path path() {
    return folder.resolve("a.npz");
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  private Map<String, Tensor> samples() {
    Map<String, Tensor> arrays = new LinkedHashMap<>();
    for (NpyFixtures.Named type : NpyFixtures.TYPES) {
      Tensor values = ctx.zeros(type.dtype(), 2, 3);
      arrays.put("z/" + type.dtype(), values.reshape(Shape.of(3, 2)));
    }
    arrays.put("scalar", ctx.zeros(DType.FLOAT64).fill(2.5));
    arrays.put("none", ctx.zeros(DType.INT16, 0, 3));
    arrays.put("größe \"\u20ac\ud83d\ude00", ctx.allocSlice(1, 2, 3));
    arrays.put("x.npy", ctx.copyOf(Shape.of(2, 3), 1, 2, 3, 4, 5, 6).slice(1, 0, 2));
    arrays.put("", ctx.allocTemp(1f));
    return arrays;
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    Map<String, Tensor> arrays = samples();
    arrays.put("columns", ctx.copyOf(Shape.of(2, 3), 1, 2, 3, 4, 5, 6).transpose());
    arrays.put("shared", ctx.track(ctx.allocSlice(9L).share()));
    Npz.write(path(), arrays);
    assertEquals(List.of(path()), files());
    assertEquals(List.copyOf(arrays.keySet()), Npz.names(path()));
    Map<String, Tensor> read = Npz.read(ctx, path());
    assertEquals(List.copyOf(arrays.keySet()), List.copyOf(read.keySet()));
    arrays.forEach((name, array) -> assertTrue(array.contentEquals(read.get(name)), name));
    assertFalse(read.get("columns").isContiguous(), "in Fortran order");
  }

  /** Each member is what {@link Npy#write} writes. */
  @Test
  void javaFindsStoredFilesOfNpy() throws IOException {
    Map<String, Tensor> arrays = samples();
    arrays.put("columns", ctx.copyOf(Shape.of(2, 3), 1, 2, 3, 4, 5, 6).transpose());
    Npz.write(path(), arrays);
    Path npy = folder.resolve("a.npy");
    try (ZipFile zip = new ZipFile(path().toFile())) {
      assertEquals(arrays.size(), zip.size());
      for (Map.Entry<String, Tensor> each : arrays.entrySet()) {
        Npy.write(each.getValue(), npy);
        ZipEntry entry = zip.getEntry(each.getKey() + ".npy");
        assertEquals(ZipEntry.STORED, entry.getMethod());
        assertArrayEquals(Files.readAllBytes(npy), zip.getInputStream(entry).readAllBytes());
      }
    }
  }

  @Test
  void numPyReadsIt() throws Exception {
    Map<String, Tensor> arrays = samples();
    Npz.write(path(), arrays);
    StringBuilder expected = new StringBuilder();
    for (Map.Entry<String, Tensor> each : arrays.entrySet()) {
      Tensor array = each.getValue();
      StringBuilder hex = new StringBuilder();
      byte[] bytes = new byte[(int) array.byteSize()];
      array.contiguous(ctx).asByteBuffer().get(bytes);
      for (byte b : bytes) {
        hex.append("%02x".formatted(b));
      }
      String shape = array.shape().toString().replace('[', '(').replace(']', ')');
      expected
          .append(inPython(each.getKey()))
          .append(' ')
          .append(NpyHeader.descr(array.dtype()))
          .append(' ')
          .append(array.shape().rank() == 1 ? shape.replace(")", ",)") : shape)
          .append(' ')
          .append(hex)
          .append('\n');
    }
    TestSupport.Outcome outcome;
    try {
      outcome = TestSupport.run(List.of(python(), "-c", READER, path().toString()));
    } catch (IOException e) {
      assumeTrue(false, "no Python here");
      return;
    }
    assertEquals(expected.toString(), outcome.assertSucceeded().output());
  }

  /** The system's, which has the system's NumPy. */
  private static String python() {
    return Files.exists(Path.of("/usr/bin/python3")) ? "/usr/bin/python3" : "python3";
  }

  private static String inPython(String name) {
    StringBuilder literal = new StringBuilder("'");
    name.codePoints()
        .forEach(
            c ->
                literal.append(
                    c < 128
                        ? Character.toString(c)
                        : (c < 256 ? "\\x%02x" : c < 65_536 ? "\\u%04x" : "\\U%08x").formatted(c)));
    return literal.append("'").toString();
  }

  @Test
  void theSameArraysGiveTheSameBytesAtAnyTimeAndInAnyZone() throws IOException {
    Npz.write(path(), samples());
    byte[] first = Files.readAllBytes(path());
    TimeZone before = TimeZone.getDefault();
    try {
      for (String zone : List.of("Pacific/Kiritimati", "America/Los_Angeles")) {
        TimeZone.setDefault(TimeZone.getTimeZone(zone));
        Npz.write(path(), samples());
        assertArrayEquals(first, Files.readAllBytes(path()));
      }
    } finally {
      TimeZone.setDefault(before);
    }
  }

  @Test
  void anArchiveOfNothing() throws IOException {
    Npz.write(path(), Map.of());
    assertArrayEquals(ZipFixtures.archive(), Files.readAllBytes(path()));
    assertEquals(Map.of(), Npz.read(ctx, path()));
  }

  @Test
  void aTensorLargerThanTheBlocks() throws IOException {
    float[] values = TestSupport.counting(200_000);
    Tensor rows = ctx.copyOf(Shape.of(2, 100_000), values);
    Npz.write(path(), Map.of("x", rows.slice(1, 0, 99_999)));
    Tensor read = Npz.read(ctx, path(), "x");
    assertEquals(values[99_998], read.getFloat(0, 99_998));
    assertEquals(values[199_998], read.getFloat(1, 99_998));
  }

  // ---- the file

  @Test
  void theFileIsReplacedAsByNpy() throws IOException {
    assumeTrue(folder.getFileSystem().supportedFileAttributeViews().contains("unix"));
    Npz.write(path(), Map.of("x", ctx.allocTemp(1f)));
    Files.setPosixFilePermissions(path(), PosixFilePermissions.fromString("rw-------"));
    Path link = Files.createSymbolicLink(folder.resolve("link.npz"), path());
    Object old = Files.getAttribute(path(), "unix:ino");
    Npz.write(link, Map.of("x", ctx.allocTemp(2f)));
    assertTrue(Files.isSymbolicLink(link));
    assertFalse(old.equals(Files.getAttribute(path(), "unix:ino")), "a new file took its place");
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path())));
    Path hard = Files.createLink(folder.resolve("hard.npz"), path());
    Npz.write(path(), Map.of("x", ctx.allocTemp(3f)));
    assertEquals(3, Npz.read(ctx, hard, "x").getFloatAt(0));
    assertEquals(3, Npz.read(ctx, link, "x").getFloatAt(0));
  }

  @Test
  void afterARefusalTheFileIsAsItWas() throws IOException {
    Npz.write(path(), Map.of("x", ctx.allocTemp(1f)));
    byte[] before = Files.readAllBytes(path());
    Tensor good = ctx.allocTemp(1f);
    Map<String, Tensor> bad = new LinkedHashMap<>();
    bad.put("good", good);
    bad.put("folder/bad", ctx.zeros(DType.BFLOAT16, 1));
    assertRefuses(
        IllegalArgumentException.class,
        () -> Npz.write(path(), bad),
        "array 'folder/bad': NumPy has no type for BFLOAT16");
    Scope scope = ctx.scope();
    Tensor dead = ctx.allocTemp(2f);
    scope.close();
    assertRefuses(() -> Npz.write(path(), Map.of("dead", dead)), "is dead");
    assertArrayEquals(before, Files.readAllBytes(path()));
    assertEquals(List.of(path()), files());
  }

  @Test
  void namesThatNumPyWouldNotFind() {
    Tensor tensor = ctx.allocTemp(1f);
    assertName(tensor, "x\0y", "array 'x?y': a name with a NUL, where it would end for NumPy");
    assertName(tensor, "\0", "array '?': a name with a NUL");
    assertName(tensor, "\ud83d", "a name with half of a surrogate pair");
    assertName(
        tensor,
        "\u20ac".repeat(21_667),
        "...': a name of 65001 bytes, where an archive has room for 65000");
    assertFalse(Files.exists(path()));
  }

  /** It looks among the names of files first, and that of the array 'x' is 'x.npy'. */
  @Test
  void aNameByWhichNumPyWouldFindAnotherArray() throws IOException {
    Tensor tensor = ctx.allocTemp(1f);
    Map<String, Tensor> arrays = new LinkedHashMap<>();
    arrays.put("m/x.npy", tensor);
    arrays.put("m/x", tensor);
    assertRefuses(
        IllegalArgumentException.class,
        () -> Npz.write(path(), arrays),
        "array 'm/x.npy': NumPy would find array 'm/x' by this name");
    Map<String, Tensor> same = new IdentityHashMap<>();
    same.put("x", tensor);
    same.put(new String("x"), tensor);
    assertRefuses(
        IllegalArgumentException.class, () -> Npz.write(path(), same), "array 'x': twice");
    assertEquals(List.of(), files());
  }

  private void assertName(Tensor tensor, String name, String part) {
    assertRefuses(
        IllegalArgumentException.class, () -> Npz.write(path(), Map.of(name, tensor)), part);
  }

  @Test
  void theLongestNameIsReadByJavaToo() throws IOException {
    String name = "n".repeat(65_000);
    Npz.write(path(), Map.of(name, ctx.allocTemp(4f)));
    assertEquals(4, Npz.read(ctx, path(), name).getFloatAt(0));
    try (ZipFile zip = new ZipFile(path().toFile())) {
      assertEquals(name + ".npy", zip.entries().nextElement().getName());
    }
  }

  @Test
  void noRegularFileAndNoFolder() {
    Map<String, Tensor> one = Map.of("x", ctx.allocTemp(1f));
    assertEquals(
        folder + ": not a regular file",
        assertThrows(IOException.class, () -> Npz.write(folder, one)).getMessage());
    Path nowhere = folder.resolve("none").resolve("a.npz");
    assertRefuses(
        FileSystemException.class, () -> Npz.write(nowhere, one), nowhere + ": ", "no folder");
  }

  @Test
  void noArrayOnTheHeapHasAllElements() throws IOException {
    Tensor tensor = ctx.zeros(DType.INT64, 1_000_000);
    Path deflated = folder.resolve("deflated.npz");
    byte[] npy =
        NpyFixtures.numpy(NpyFixtures.dict("<i8", "False", "(1000000,)"), new byte[8 << 20]);
    npy = NpyFixtures.cut(npy, 128 + 8_000_000);
    Files.write(deflated, ZipFixtures.archive(ZipFixtures.deflated("x.npy", npy)));
    assertFrugal(() -> Npz.write(path(), Map.of("x", tensor)));
    assertFrugal(() -> Npz.read(ctx, path()));
    assertFrugal(() -> Npz.read(ctx, deflated));
  }

  private static void assertFrugal(Executable call) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().getId();
    long before = threads.getThreadAllocatedBytes(thread);
    assertDoesNotThrow(call);
    long garbage = threads.getThreadAllocatedBytes(thread) - before;
    assertTrue(garbage < 2_000_000, garbage + " bytes of heap");
  }

  // ---- what happens meanwhile

  @Test
  void whereTheThreadIsInterruptedNothingIsReadOrReplaced() throws IOException {
    Tensor tensor = ctx.allocTemp(1f);
    Npz.write(path(), Map.of("x", tensor));
    byte[] before = Files.readAllBytes(path());
    long used = ctx.memoryUsage();
    assertInterrupted(() -> Npz.write(path(), Map.of("y", tensor)));
    assertInterrupted(() -> Npz.read(ctx, path()));
    assertInterrupted(() -> Npz.names(path()));
    assertEquals(used, ctx.memoryUsage());
    assertArrayEquals(before, Files.readAllBytes(path()));
    assertEquals(List.of(path()), files());
  }

  private static void assertInterrupted(Executable call) {
    Thread.currentThread().interrupt();
    try {
      assertThrows(ClosedByInterruptException.class, call);
    } finally {
      assertTrue(Thread.interrupted());
    }
  }

  /** A disk that does something when the first byte is written. */
  private static final class Acting extends OutputStream {
    final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private Runnable next;

    Acting(Runnable next) {
      this.next = next;
    }

    @Override
    public void write(int b) {
      throw new AssertionError("byte by byte");
    }

    @Override
    public void write(byte[] bytes, int start, int count) {
      written.write(bytes, start, count);
      Runnable action = next;
      next = null;
      if (action != null) {
        action.run();
      }
    }
  }

  @Test
  void anArrayThatChangesWhileItIsWrittenIsRefused() {
    Tensor tensor = ctx.zeros(DType.FLOAT32, 100_000);
    Acting disk = new Acting(() -> tensor.setFloatAt(99_999, 3f));
    assertRefuses(
        IOException.class,
        () -> NpzOutput.write(List.of(NpzOutput.of("x", tensor)), disk, "a.npz"),
        "a.npz: array 'x' was changed while it was written");
  }

  /** Its bytes may be others' then, and must not get into the file. */
  @Test
  void anArrayThatTheDiskEndsIsNotWritten() {
    Scope scope = ctx.scope();
    Tensor tensor = ctx.empty(DType.INT8, 300_000).fill(1);
    Acting disk =
        new Acting(
            () -> {
              scope.close();
              ctx.empty(DType.INT8, 300_000).fill(2);
            });
    assertRefuses(
        () -> NpzOutput.write(List.of(NpzOutput.of("x", tensor)), disk, "a.npz"),
        "is dead: its scope was closed");
    assertEquals(-1, disk.written.toString(StandardCharsets.ISO_8859_1).indexOf("\2\2\2\2\2"));
  }
}
