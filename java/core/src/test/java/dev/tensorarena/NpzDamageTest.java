package dev.tensorarena;

import static dev.tensorarena.NpyFixtures.concat;
import static dev.tensorarena.NpyFixtures.dict;
import static dev.tensorarena.NpyFixtures.numpy;
import static dev.tensorarena.ZipFixtures.archive;
import static dev.tensorarena.ZipFixtures.deflated;
import static dev.tensorarena.ZipFixtures.stored;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Members that are not what the directory says of them, or damaged. */
class NpzDamageTest extends NpzRefusals {
  // ---- sizes, which are believed by nobody

  @Test
  void aStoredMemberOfTwoSizes() throws IOException {
    refusedAtOnce(
        archive(storedX().but(x -> x.size++)),
        "x.npy: said to be 134 bytes, which 133 stored ones are not");
    refusedAtOnce(
        archive(storedX().but(x -> x.packedSize--)),
        "x.npy: said to be 133 bytes, which 132 stored ones are not");
  }

  @Test
  void moreThanDeflateCanMakeOfSoManyBytes() throws IOException {
    byte[] huge = numpy(dict("<f8", "False", "(17179869184, 8)"));
    long size = 128 + (1L << 40);
    byte[] packed = ZipFixtures.deflated(huge);
    refusedAtOnce(
        archive(
            deflated("x.npy", huge)
                .but(
                    x -> {
                      x.zip64 = true;
                      x.size = size;
                    })),
        "x.npy: said to be "
            + size
            + " bytes, which "
            + packed.length
            + " deflated ones cannot be");
  }

  /** As much as deflate can make of something is read, or passes the limit. */
  @Test
  void aBombOfItsTrueSizeTakesNoMoreThanTheLimit() throws IOException {
    byte[] zeros = numpy(dict("|u1", "False", "(8000000,)"), new byte[8_000_000]);
    byte[] bomb = archive(deflated("x.npy", zeros), deflated("y.npy", zeros));
    assertTrue(bomb.length < 17_000, bomb.length + " bytes");
    Files.write(path, bomb);
    try (ExecutionContext small = ExecutionContext.withMemoryLimit(10 << 20)) {
      assertThrows(MemoryLimitExceededException.class, () -> Npz.read(small, path));
      assertEquals(0, small.memoryUsage(), "also of what was read before");
      assertEquals(8_000_000, Npz.read(small, path, "y").size());
    }
    assertEquals(2, Npz.read(ctx, path).size());
  }

  @Test
  void anotherSizeThanTheHeaderHas() throws IOException {
    byte[] longer = numpy(dict("|u1", "False", "(6,)"), NpyFixtures.counting(5));
    byte[] shorter = numpy(dict("|u1", "False", "(4,)"), NpyFixtures.counting(5));
    for (ZipFixtures.Member x : List.of(stored("x.npy", longer), deflated("x.npy", longer))) {
      refusedAtOnce(
          archive(x),
          "x.npy: cut short: 6 bytes of UINT8 data of shape [6] begin at byte 128, but the file has"
              + " 133 bytes");
    }
    for (ZipFixtures.Member x : List.of(stored("x.npy", shorter), deflated("x.npy", shorter))) {
      refusedAtOnce(
          archive(x),
          "x.npy: too long: 4 bytes of UINT8 data of shape [4] begin at byte 128, but the file has"
              + " 133 bytes");
    }
  }

  @Test
  void dataThatInflateToMoreOrLessThanIsSaid() throws IOException {
    byte[] six = numpy(dict("|u1", "False", "(6,)"), NpyFixtures.counting(5));
    refused(
        archive(deflated("x.npy", six).but(x -> x.size++)),
        "x.npy: cut short: it has 133 of the 134 bytes that it is said to have");
    byte[] four = numpy(dict("|u1", "False", "(4,)"), NpyFixtures.counting(5));
    refused(
        archive(deflated("x.npy", four).but(x -> x.size--)),
        "x.npy: too long: it has more than the 132 bytes that it is said to have");
    byte[] none = numpy(dict("|u1", "False", "(0,)"), (byte) 1);
    refused(
        archive(deflated("x.npy", none).but(x -> x.size--)),
        "x.npy: too long: it has more than the 128 bytes that it is said to have");
  }

  @Test
  void compressedBytesThatAreTooFewOrTooMany() throws IOException {
    int packed = ZipFixtures.deflated(NPY).length;
    byte[] archive = archive(deflatedX().but(x -> x.packedSize--));
    refused(archive, "x.npy: cut short: its " + (packed - 1) + " bytes end in the middle");
    refused(
        archive(
            deflatedX()
                .but(
                    x -> {
                      x.packed = concat(x.packed, new byte[3]);
                      x.packedSize += 3;
                    })),
        "x.npy: 3 of its " + (packed + 3) + " bytes are behind its end");
    long twoBlocks = 200_000; // with bytes behind the end that are in no block that was read
    refused(
        archive(
            deflatedX()
                .but(
                    x -> {
                      x.packed = concat(x.packed, new byte[(int) twoBlocks]);
                      x.packedSize += twoBlocks;
                    })),
        "x.npy: 200000 of its " + (packed + twoBlocks) + " bytes are behind its end");
  }

  // ---- what is in the archive

  @Test
  void dataThatAreNoneOfDeflate() throws IOException {
    Files.write(path, archive(deflatedX().but(x -> x.packed[0] = 7)));
    IOException e = assertThrows(IOException.class, () -> Npz.read(ctx, path));
    assertTrue(e.getMessage().startsWith(path + ": x.npy: damaged before byte "), e.getMessage());
    assertEquals(0, ctx.arenaStats().reservedBytes());
  }

  @Test
  void anotherChecksum() throws IOException {
    long right = storedX().crc;
    for (ZipFixtures.Member x : List.of(storedX(), deflatedX())) {
      refused(
          archive(x.but(each -> each.crc ^= 0x8000_0000L)),
          "x.npy: damaged: its CRC-32 is %08x, not %08x".formatted(right, right ^ 0x8000_0000L));
    }
  }

  @Test
  void whatNpyRefusesIsRefusedAsAMemberOfTheArchive() throws IOException {
    refusedAtOnce(
        archive(stored("x.npy", numpy(dict("|O", "False", "(1,)"), new byte[8]))),
        "x.npy: unsupported type '|O' at byte 20");
    refusedAtOnce(
        archive(stored("x.npy", "hello, world".getBytes(StandardCharsets.US_ASCII))),
        "x.npy: not an .npy file: 68 65 6c 6c 6f 2c instead of 93 4e 55 4d 50 59 at byte 0");
  }

  @Test
  void whereOneIsRefusedAllAreGivenBack() throws IOException {
    Tensor earlier = ctx.allocSlice(1f, 2f);
    long before = ctx.memoryUsage();
    Files.write(
        path, archive(stored("a.npy", NPY), deflated("b.npy", NPY), storedX().but(x -> x.crc++)));
    Scope scope = ctx.scope();
    assertThrows(IOException.class, () -> Npz.read(ctx, path));
    assertEquals(before, ctx.memoryUsage());
    assertTrue(scope.isOpen(), "and no other scope is the innermost one");
    Tensor next = ctx.allocTemp(3f);
    scope.close();
    assertEquals(List.of(false, true), List.of(next.isAlive(), earlier.isAlive()));
    assertArrayEquals(NpyFixtures.counting(5), Npz.read(ctx, path, "b").toByteArray());
  }
}
