package dev.tensorarena;

import static dev.tensorarena.NpyFixtures.dict;
import static dev.tensorarena.NpyFixtures.numpy;
import static dev.tensorarena.ZipFixtures.archive;
import static dev.tensorarena.ZipFixtures.deflated;
import static dev.tensorarena.ZipFixtures.stored;
import static dev.tensorarena.ZipFixtures.zip64Archive;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Archives that are read: those that NumPy has written, and rarer ones. */
class NpzReadTest {
  private static final byte[] BYTES =
      numpy(dict("|u1", "False", "(3,)"), (byte) 7, (byte) 8, (byte) 9);
  private static final byte[] ONE = numpy(dict("|u1", "False", "(1,)"), (byte) 1);
  private static final byte[] TWO = numpy(dict("|u1", "False", "(1,)"), (byte) 2);

  @TempDir Path folder;

  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  private static Path resource(String name) throws URISyntaxException {
    return Path.of(NpzReadTest.class.getResource("/npz/" + name).toURI());
  }

  private Path file(byte[] archive) throws IOException {
    return NpyFixtures.write(folder, "a.npz", archive);
  }

  private static int first(Tensor tensor) {
    return tensor.getByteAt(0);
  }

  // ---- what NumPy writes

  @ParameterizedTest
  @ValueSource(strings = {"stored.npz", "deflated.npz", "streamed.npz", "streamed_deflated.npz"})
  void whatNumPyWrote(String name) throws Exception {
    Path path = resource(name);
    List<String> names =
        List.of("rows", "columns", "big", "scalar", "none", "flags", "folder/x", "größe");
    assertEquals(names, Npz.names(path));
    Map<String, Tensor> arrays = Npz.read(ctx, path);
    assertEquals(names, List.copyOf(arrays.keySet()));
    check(arrays);
    Tensor big = Npz.read(ctx, path, "big");
    assertArrayEquals(new int[] {0, 1, 2, 3}, big.toIntArray());
    assertTrue(big.isWritable());
  }

  static void check(Map<String, Tensor> arrays) {
    assertArrayEquals(new float[] {0, 1, 2, 3, 4, 5}, arrays.get("rows").toFloatArray());
    assertEquals(Shape.of(2, 3), arrays.get("rows").shape());
    Tensor columns = arrays.get("columns");
    assertEquals(Shape.of(2, 3), columns.shape());
    assertEquals(5, columns.getLong(1, 2));
    assertEquals(3, columns.getLong(1, 0));
    assertArrayEquals(new int[] {0, 1, 2, 3}, arrays.get("big").toIntArray());
    assertEquals(2.5, arrays.get("scalar").getDouble());
    assertEquals(Shape.of(0, 4), arrays.get("none").shape());
    assertEquals(DType.FLOAT16, arrays.get("none").dtype());
    assertEquals(DType.BOOL, arrays.get("flags").dtype());
    assertFalse(arrays.get("flags").getBooleanAt(1));
    assertTrue(arrays.get("flags").getBooleanAt(2));
    assertEquals(2000, arrays.get("folder/x").size());
    assertEquals(1999 % 7, arrays.get("folder/x").getByteAt(1999));
    assertEquals(-1, arrays.get("größe").getByteAt(0));
    arrays.values().forEach(each -> assertTrue(each.isWritable()));
  }

  @Test
  void anArchiveOfNothing() throws Exception {
    assertEquals(Map.of(), Npz.read(ctx, resource("nothing.npz")));
    assertEquals(List.of(), Npz.names(resource("nothing.npz")));
  }

  /** A folder, a text, an array by bzip2, and a comment at the end. */
  @Test
  void whatIsNoArrayIsLeftAloneAndWhatCannotBeReadOnlyRefusedByItsName() throws Exception {
    Path path = resource("mixed.npz");
    assertEquals(List.of("method0", "method8", "method12"), Npz.names(path));
    for (String name : List.of("method0", "method8")) {
      assertArrayEquals(new short[] {0, 1, 2}, Npz.read(ctx, path, name).toShortArray());
    }
    IOException e = assertThrows(IOException.class, () -> Npz.read(ctx, path, "method12"));
    assertEquals(
        path + ": method12.npy: compressed by bzip2, neither stored nor deflated", e.getMessage());
    assertThrows(IOException.class, () -> Npz.read(ctx, path));
  }

  // ---- names

  @Test
  void aNameIsWhatStandsBeforeTheLastNpy() throws IOException {
    Path path =
        file(
            archive(
                stored("x.npy", ONE),
                stored("x.npy.npy", TWO),
                stored("x", BYTES),
                stored("x.NPY", BYTES),
                stored(".npy", BYTES)));
    assertEquals(List.of("x", "x.npy", ""), Npz.names(path));
    assertEquals(1, first(Npz.read(ctx, path, "x")));
    assertEquals(2, first(Npz.read(ctx, path, "x.npy")));
    assertEquals(7, first(Npz.read(ctx, path, "")));
  }

  @Test
  void aNameThatIsNotSaidToBeUtf8IsOfCodePage437AsToPython() throws IOException {
    byte[] all = new byte[127 + 128 + 4];
    for (int i = 1; i < 256; i++) {
      all[i - 1] = (byte) i;
    }
    System.arraycopy(".npy".getBytes(StandardCharsets.US_ASCII), 0, all, 255, 4);
    Path path =
        file(
            archive(
                stored("x", ONE)
                    .but(
                        member -> {
                          member.flags = 0;
                          member.name = all;
                        })));
    String name = Npz.names(path).get(0);
    assertEquals(new String(all, 0, 255, "IBM437"), name);
    assertEquals(1, first(Npz.read(ctx, path, name)));
  }

  // ---- archives as other programs write them

  @Test
  void numbersInZip64Fields() throws IOException {
    byte[] other = {7, 0, 3, 0, 1, 2, 3};
    ZipFixtures.Member wide =
        stored("x.npy", ONE)
            .but(
                member -> {
                  member.zip64 = true;
                  member.extra = other;
                  member.localExtra = other;
                  member.comment = new byte[] {1, 2};
                });
    for (boolean both : new boolean[] {false, true}) {
      byte[] archive = zip64Archive(end -> end.both = both, deflated("y.npy", TWO), wide);
      Map<String, Tensor> arrays = Npz.read(ctx, file(archive));
      assertEquals(List.of("y", "x"), List.copyOf(arrays.keySet()));
      assertEquals(1, first(arrays.get("x")));
      assertEquals(2, first(arrays.get("y")));
    }
  }

  @Test
  void aSecondNameThatIsTheSame() throws IOException {
    for (String name : List.of("x.npy", "")) { // as which nobody takes it
      byte[] field = ZipFixtures.secondName(name);
      Path path = file(archive(stored("x.npy", ONE).but(x -> x.extra = field)));
      assertEquals(List.of("x"), Npz.names(path));
    }
  }

  /** The field has only those numbers that the header has not. */
  @Test
  void oneNumberInAZip64Field() throws IOException {
    List<Consumer<ZipFixtures.Member>> narrow =
        List.of(
            x -> x.size = 0xffff_ffffL,
            x -> x.packedSize = 0xffff_ffffL,
            x -> x.place = 0xffff_ffffL);
    for (int i = 0; i < narrow.size(); i++) {
      long number = i < 2 ? ONE.length : 0;
      byte[] field = ZipFixtures.buffer(12).putInt(8 << 16 | 1).putLong(number).array();
      byte[] archive = archive(stored("x.npy", ONE).but(narrow.get(i)).but(x -> x.extra = field));
      assertEquals(1, first(Npz.read(ctx, file(archive), "x")));
    }
  }

  /** Some programs write no zip64 record then. */
  @Test
  void moreMembersThanSixteenBitsCount() throws IOException {
    ZipFixtures.Member[] members = new ZipFixtures.Member[65_538];
    members[0] = stored("x.npy", ONE);
    for (int i = 1; i < members.length; i++) {
      members[i] = stored("" + i);
    }
    for (boolean zip64 : new boolean[] {true, false}) {
      Path path = file(archive(end -> end.zip64 = zip64, members));
      assertEquals(1, first(Npz.read(ctx, path, "x")));
    }
  }

  @Test
  void membersInAnotherOrderThanTheDirectorys() throws IOException {
    byte[] first = archive(stored("x.npy", ONE), stored("y.npy", TWO));
    long second = 30 + 5 + ONE.length;
    Path path =
        file(
            archive(
                stored("x.npy", ONE)
                    .but(
                        member -> {
                          member.name[0] = 'y';
                          member.localName = new byte[] {'x', '.', 'n', 'p', 'y'};
                          member.place = second;
                          member.crc = stored("", TWO).crc;
                        }),
                stored("y.npy", TWO)
                    .but(
                        member -> {
                          member.name[0] = 'x';
                          member.localName = new byte[] {'y', '.', 'n', 'p', 'y'};
                          member.place = 0L;
                          member.crc = stored("", ONE).crc;
                        })));
    assertEquals(first.length, Files.size(path));
    Map<String, Tensor> arrays = Npz.read(ctx, path);
    assertEquals(List.of("y", "x"), List.copyOf(arrays.keySet()));
    assertEquals(1, first(arrays.get("x")));
    assertEquals(2, first(arrays.get("y")));
  }

  /** By pieces of 7 bytes, so that the inflater is given some many times. */
  @Test
  void aChannelMayGiveAFewBytesAtATime() throws IOException {
    byte[] data = new byte[20_000];
    new Random(15).nextBytes(data);
    byte[] npy = numpy(dict("<f4", "False", "(50, 100)"), data);
    for (ZipFixtures.Member member : List.of(stored("x.npy", npy), deflated("x.npy", npy))) {
      ZipInput file = new ZipInput(new BytesChannel(archive(member)), "a.npz");
      byte[] read = new byte[data.length];
      Npz.read(ctx, file, "x").asByteBuffer().get(read);
      assertArrayEquals(data, read);
    }
  }

  /** Larger than the block that is inflated at a time, and than it becomes. */
  @Test
  void largeArraysOfAllKinds() throws IOException {
    byte[] zeros = numpy(dict("<i8", "True", "(500, 400)"), new byte[1_600_000]);
    byte[] noise = new byte[400_000];
    new Random(15).nextBytes(noise);
    byte[] big = numpy(dict(">i4", "False", "(100000,)"), noise);
    Path path =
        file(
            archive(
                deflated("zeros.npy", zeros), deflated("big.npy", big), stored("stored.npy", big)));
    Map<String, Tensor> arrays = Npz.read(ctx, path);
    assertEquals(0, arrays.get("zeros").getLong(499, 399));
    byte[] swapped = new byte[noise.length];
    for (int i = 0; i < noise.length; i++) {
      swapped[i] = noise[i ^ 3];
    }
    for (String name : List.of("big", "stored")) {
      byte[] read = new byte[noise.length];
      arrays.get(name).asByteBuffer().get(read);
      assertArrayEquals(swapped, read);
    }
  }

  @Test
  void anArchiveInAnotherFileSystem() throws IOException {
    URI archive = URI.create("jar:" + folder.resolve("outer.zip").toUri());
    try (FileSystem outer = FileSystems.newFileSystem(archive, Map.of("create", "true"))) {
      Path path = outer.getPath("/a.npz");
      Npz.write(path, Map.of("x", ctx.allocSlice(1f, 2f)));
      assertArrayEquals(new float[] {1, 2}, Npz.read(ctx, path, "x").toFloatArray());
    }
  }

  // ---- memory

  @Test
  void arraysTakeTheMemoryThatTheyNeedAndLieInTheInnermostScope() throws Exception {
    long before = ctx.memoryUsage();
    List<Long> taken = new ArrayList<>();
    Map<String, Tensor> arrays = Map.of();
    for (int round = 0; round < 3; round++) {
      Scope scope = ctx.scope();
      arrays = Npz.read(ctx, resource("deflated.npz"));
      taken.add(ctx.memoryUsage() - before);
      scope.close();
      arrays.values().forEach(each -> assertFalse(each.isAlive()));
      assertEquals(before, ctx.memoryUsage());
    }
    arrays.values().forEach(each -> ctx.empty(each.dtype(), each.shape()));
    long plain = ctx.memoryUsage() - before;
    taken.forEach(each -> assertTrue(each <= plain, each + " bytes, not " + plain));
  }

  @Test
  void theMapIsNobodysToChange() throws Exception {
    Map<String, Tensor> arrays = Npz.read(ctx, resource("stored.npz"));
    assertThrows(UnsupportedOperationException.class, () -> arrays.remove("rows"));
  }
}
