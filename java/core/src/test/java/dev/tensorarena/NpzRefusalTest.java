package dev.tensorarena;

import static dev.tensorarena.NpyFixtures.concat;
import static dev.tensorarena.NpyFixtures.cut;
import static dev.tensorarena.ZipFixtures.archive;
import static dev.tensorarena.ZipFixtures.deflated;
import static dev.tensorarena.ZipFixtures.stored;
import static dev.tensorarena.ZipFixtures.zip64Archive;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Archives that say of themselves what is not so: refused before memory is taken. */
class NpzRefusalTest extends NpzRefusals {
  private static final int SIZE = 133;

  /** Where the data of a first member begin that has this name. */
  private static final int START = 35;

  // ---- what is no such archive

  @Test
  void filesOfOtherKinds() throws IOException {
    refusedByAll(NPY, "not an .npz file but an .npy file: read it by Npy.read");
    refusedByAll(
        new byte[] {0x1f, (byte) 0x8b, 8, 0},
        "not an .npz file but gzip data: unpack it and read what was packed");
    refusedByAll(
        "<html><title>404</title>".getBytes(StandardCharsets.US_ASCII),
        "not an .npz file but an HTML or XML page, such as a server's error: download the file"
            + " again");
    refusedByAll(
        new byte[0],
        "cut short, or not an .npz file: its 0 bytes do not end as a zip archive does");
    refusedByAll(
        new byte[100_000],
        "cut short, or not an .npz file: its 100000 bytes do not end as a zip archive does");
  }

  @Test
  void noRegularFile() {
    for (IOException e :
        List.of(
            assertThrows(IOException.class, () -> Npz.read(ctx, folder)),
            assertThrows(IOException.class, () -> Npz.read(ctx, folder, "x")),
            assertThrows(IOException.class, () -> Npz.names(folder)))) {
      assertEquals(folder + ": not a regular file", e.getMessage());
    }
  }

  @Test
  void everyLengthButTheFullOne() throws IOException {
    byte[] plain = archive(end -> end.comment = new byte[3], storedX(), deflated("y.npy", NPY));
    byte[] wide = zip64Archive(storedX().but(x -> x.zip64 = true));
    for (byte[] whole : List.of(plain, wide)) {
      for (int length = 0; length < whole.length; length++) {
        refusedAtOnce(
            cut(whole, length),
            "cut short, or not an .npz file: its "
                + length
                + " bytes do not end as a zip archive does");
      }
    }
  }

  @Test
  void noArrayOfTheName() throws IOException {
    Files.write(path, archive(storedX(), stored("y", NPY)));
    for (String name : List.of("y", "x.npy", "X", "")) {
      IOException e = assertThrows(IOException.class, () -> Npz.read(ctx, path, name));
      assertEquals(path + ": no array '" + name + "' among the 1 that it has", e.getMessage());
    }
  }

  // ---- the end

  @Test
  void bytesAroundOrWithinTheArchive() throws IOException {
    refusedByAll(
        archive(end -> end.behind = new byte[1], storedX()),
        "cut short, or not an .npz file: its 242 bytes do not end as a zip archive does");
    refusedByAll(
        concat(new byte[7], archive(storedX())),
        "its directory is said to be 51 bytes from byte 168 on, but ends at byte 226");
    refusedByAll(
        archive(end -> end.before = new byte[3], storedX()),
        "its directory is said to be 51 bytes from byte 168 on, but ends at byte 222");
  }

  @Test
  void anEndThatLies() throws IOException {
    refusedByAll(archive(end -> end.disk = 1, storedX()), "one of several files of an archive");
    refusedByAll(
        archive(end -> end.narrowCount = 2, storedX()), "said to have 2 members, and has 1");
    refusedByAll(
        archive(end -> end.size++, storedX()),
        "its directory is said to be 52 bytes from byte 168 on, but ends at byte 219");
    refusedByAll(
        archive(
            end -> {
              end.size--;
              end.place++;
            },
            storedX()),
        "no header of a member at byte 169");
    refusedByAll(
        archive(
            end -> {
              end.size += 200;
              end.place -= 200;
            },
            storedX()),
        "its directory is said to be 251 bytes from byte 4294967264 on, but ends at byte 219");
  }

  @Test
  void aZip64RecordThatLies() throws IOException {
    refusedByAll(
        zip64Archive(
            end -> {
              end.both = true;
              end.narrowCount = 2;
            },
            storedX()),
        "said to have 2 members, and 1");
    refusedByAll(
        zip64Archive(end -> end.count = 1L << 40, storedX()),
        "said to have 1099511627776 members, and has 1");
    refusedByAll(
        zip64Archive(end -> end.place = -1, storedX()),
        "its directory is said to be 51 bytes from byte -1 on, but ends at byte 219");
    for (long start : new long[] {-5, 5}) { // with the size that is between the two
      refusedByAll(
          zip64Archive(
              end -> {
                end.count = 0;
                end.size = -start;
                end.place = start;
              }),
          "its directory is said to be "
              + -start
              + " bytes from byte "
              + start
              + " on, but ends at byte 0");
    }
    for (int at : new int[] {219, 223}) { // its signature, its size
      byte[] archive = zip64Archive(storedX());
      archive[at]++;
      refusedByAll(archive, "no zip64 record at byte 219");
    }
    for (int at : new int[] {219 + 16, 219 + 20, 275 + 4}) { // disks of the record, the locator
      byte[] archive = zip64Archive(storedX());
      archive[at] = 1;
      refusedByAll(archive, "one of several files of an archive");
    }
    for (String[] each :
        new String[][] {
          {"12", "said to have 52 bytes of its directory, and 51"},
          {"16", "said to have 169 bytes before its directory, and 168"}
        }) {
      byte[] archive = zip64Archive(end -> end.both = true, storedX());
      archive[295 + Integer.parseInt(each[0])]++;
      refusedByAll(archive, each[1]);
    }
    for (long place : new long[] {-1, 0, 218, 220, 1000, Long.MAX_VALUE}) {
      refusedByAll(
          zip64Archive(end -> end.recordPlace = place, storedX()),
          "zip64 record said to be at byte " + place + " at byte 275");
    }
    byte[] nothing = zip64Archive();
    byte[] locator = Arrays.copyOfRange(nothing, 56, nothing.length);
    locator[8] = -56; // where the record would be
    Arrays.fill(locator, 9, 16, (byte) -1);
    refusedByAll(locator, "zip64 record said to be at byte -56 at byte 0");
  }

  /** Python takes the record that ends at the locator, and Java the one whose place that has. */
  @Test
  void twoZip64Records() throws IOException {
    byte[] other = zip64Archive(stored("y.npy", NPY));
    byte[] record = Arrays.copyOfRange(other, 168, other.length - 22 - 20);
    refusedByAll(
        zip64Archive(end -> end.recordData = record, storedX()),
        "zip64 record said to be at byte 219 at byte 382");
  }

  /** Python takes the last one that there is, and Java the last one that ends the file. */
  @Test
  void aCommentThatLooksLikeAnEnd() throws IOException {
    byte[] comment = concat(archive(), new byte[7]);
    refusedByAll(
        archive(end -> end.comment = comment, storedX()),
        "cut short, or not an .npz file: its 270 bytes do not end as a zip archive does");
    refusedByAll(
        archive(end -> end.comment = archive(), storedX()),
        "its directory is said to be 0 bytes from byte 0 on, but ends at byte 241");
  }

  // ---- the directory

  @Test
  void twoArraysOfAName() throws IOException {
    refusedByAll(archive(storedX(), deflatedX()), "two members named x.npy");
    refusedByAll(
        archive(
            stored("ä.npy", NPY),
            stored("", NPY)
                .but(
                    member -> {
                      member.flags = 0;
                      member.name = new byte[] {(byte) 0x84, '.', 'n', 'p', 'y'};
                    })),
        "two members named ä.npy");
  }

  @Test
  void membersThatShareBytes() throws IOException {
    refusedByAll(
        archive(storedX(), stored("y.npy", NPY).but(y -> y.place = 0L)),
        "two members, one of them y.npy, at byte 0");
    // The second lies in the first, whose data are an archive's beginning.
    byte[] inner = concat(NPY, archive(stored("y.npy", NPY)));
    refusedAtOnce(
        archive(
            stored("x.npy", inner), stored("y.npy", NPY).but(y -> y.place = (long) START + SIZE)),
        "x.npy: its 374 bytes begin at byte 35, where there is room up to 168");
    // And in its extra field.
    refusedAtOnce(
        archive(
            storedX().but(x -> x.localExtra = new byte[40]),
            stored("y.npy", NPY).but(y -> y.place = 50L)),
        "x.npy: its 133 bytes begin at byte 75, where there is room up to 50");
  }

  @Test
  void placesThatAreNone() throws IOException {
    for (long place : new long[] {168, 139, 0xffff_fffeL, 0xffff_ffffL}) {
      refusedAtOnce(
          archive(storedX().but(x -> x.place = place)),
          "x.npy: said to be at byte " + place + ", where there is room up to 168");
    }
    refusedAtOnce(
        archive(storedX().but(x -> x.place = 1L)),
        "x.npy: not at byte 1, where the directory has it");
    refusedByAll(
        archive(
            storedX()
                .but(
                    x -> {
                      x.zip64 = true;
                      x.place = -2L;
                    })),
        "zip64 number 18446744073709551614, more than 2^63 - 1, at byte 168");
  }

  @Test
  void aMemberThatReachesIntoTheDirectory() throws IOException {
    refusedAtOnce(
        archive(
            storedX()
                .but(
                    x -> {
                      x.size = 500;
                      x.packedSize = 500;
                    }),
            stored("y.npy", new byte[300]).but(y -> y.place = 0xffff_fffeL)),
        "x.npy: its 500 bytes begin at byte 35, where there is room up to "
            + (START + SIZE + START + 300));
  }

  @Test
  void anotherNameThanTheDirectorys() throws IOException {
    refusedAtOnce(
        archive(storedX().but(x -> x.localName = "y.npy".getBytes(StandardCharsets.US_ASCII))),
        "x.npy: under another name at byte 0");
    byte[] archive = archive(storedX());
    archive[0] = 'Q'; // no header, with the right name
    refusedAtOnce(archive, "x.npy: not at byte 0, where the directory has it");
    refusedAtOnce(
        archive(storedX().but(x -> x.localName = new byte[0])),
        "x.npy: not at byte 0, where the directory has it");
  }

  @Test
  void namesThatAreNone() throws IOException {
    refusedByAll(archive(stored("x\0.npy", NPY)), "name with a NUL at byte 169");
    refusedByAll(
        archive(storedX().but(x -> x.name[0] = (byte) 0xff)),
        "name that is said to be UTF-8, and is not, at byte 168");
    byte[] control = archive(stored("x\n\u001b" + "y".repeat(100) + ".npy", new byte[2]));
    refused(
        control,
        "x??"
            + "y".repeat(37)
            + "...: cut short: the magic string ends at byte 6, but the file has"
            + " 2 bytes");
  }

  @Test
  void aSecondName() throws IOException {
    for (String other : List.of("y.npy", "x")) {
      refusedByAll(
          archive(storedX().but(x -> x.extra = ZipFixtures.secondName(other))),
          "member x.npy with another name, " + other + ", at byte 168");
    }
  }

  @Test
  void fieldsThatReachTooFar() throws IOException {
    refusedByAll(
        archive(
            storedX()
                .but(
                    x -> {
                      x.zip64 = true;
                      x.extra = new byte[] {9, 0, 29, 0};
                    })),
        "extra field longer than all, of 29 bytes, at byte 168");
    byte[] archive = archive(storedX());
    archive[168 + 28] = 100; // the length of the name
    refusedByAll(archive, "100 bytes of a header, where the directory has 5 more, at byte 214");
  }

  @Test
  void encryptedMembersAndOtherMethods() throws IOException {
    for (int flag : new int[] {0, 6, 13}) {
      refusedAtOnce(archive(storedX().but(x -> x.flags |= 1 << flag)), "x.npy: encrypted");
    }
    refusedAtOnce(archive(storedX().but(x -> x.flags |= 1 << 5)), "x.npy: a patch of another file");
    String[] methods = {
      "9 Deflate64",
      "12 bzip2",
      "14 LZMA",
      "93 Zstandard",
      "95 XZ",
      "1 method 1",
      "65535 method 65535"
    };
    for (String each : methods) {
      int method = Integer.parseInt(each.substring(0, each.indexOf(' ')));
      refusedAtOnce(
          archive(storedX().but(x -> x.method = method)),
          "x.npy: compressed by "
              + each.substring(each.indexOf(' ') + 1)
              + ", neither stored nor deflated");
    }
    Path same = Files.write(path, archive(storedX().but(x -> x.flags = 1), stored("y.npy", NPY)));
    assertEquals(List.of("x", "y"), Npz.names(same));
    assertArrayEquals(NpyFixtures.counting(5), Npz.read(ctx, same, "y").toByteArray());
  }
}
