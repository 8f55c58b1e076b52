package dev.tensorarena;

import static dev.tensorarena.NpyFixtures.FIFTEEN;
import static dev.tensorarena.NpyFixtures.concat;
import static dev.tensorarena.NpyFixtures.cut;
import static dev.tensorarena.NpyFixtures.dict;
import static dev.tensorarena.NpyFixtures.file;
import static dev.tensorarena.NpyFixtures.numpy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is no good {@code .npy} file is refused with the place, and takes no memory. */
class NpyRefusalTest {
  private static final byte[] GOOD = numpy(dict("<f8", "False", "(3, 5)"), FIFTEEN);

  @TempDir Path folder;

  private ExecutionContext ctx;

  @BeforeEach
  void open() {
    ctx = ExecutionContext.open();
    ctx.allocTemp(1f);
  }

  @AfterEach
  void close() {
    ctx.close();
  }

  private void assertRefused(String message, byte[] bytes) throws IOException {
    Path path = NpyFixtures.write(folder, "a.npy", bytes);
    ArenaStats before = ctx.arenaStats();
    IOException e = assertThrows(IOException.class, () -> Npy.read(ctx, path));
    assertEquals(path + ": " + message, e.getMessage());
    assertEquals(before, ctx.arenaStats());
  }

  /** In the header of a file of version 1.0, which begins at byte 10. */
  private void assertHeaderRefused(String message, String header) throws IOException {
    assertRefused(message, file(1, header, FIFTEEN));
  }

  // ---- before the dict

  @Test
  void anEmptyFile() throws IOException {
    assertRefused(
        "cut short: the magic string ends at byte 6, but the file has 0 bytes", new byte[0]);
  }

  @Test
  void anotherMagic() throws IOException {
    byte[] bytes = GOOD.clone();
    System.arraycopy("NUMPY!".getBytes(StandardCharsets.US_ASCII), 0, bytes, 0, 6);
    assertRefused(
        "not an .npy file: 4e 55 4d 50 59 21 instead of 93 4e 55 4d 50 59 at byte 0", bytes);
  }

  @ParameterizedTest
  @CsvSource({"9, 0", "0, 0", "4, 0", "255, 0", "1, 1", "3, 255"})
  void anotherVersion(int major, int minor) throws IOException {
    byte[] bytes = GOOD.clone();
    bytes[6] = (byte) major;
    bytes[7] = (byte) minor;
    assertRefused("version " + major + "." + minor + ", not 1.0, 2.0 or 3.0 at byte 6", bytes);
  }

  @Test
  void aHeaderLengthPastTheEnd() throws IOException {
    byte[] bytes = GOOD.clone();
    bytes[8] = 0x10;
    bytes[9] = 0x27;
    assertRefused("cut short: the header ends at byte 10010, but the file has 248 bytes", bytes);
    bytes[8] = (byte) 0xff;
    bytes[9] = (byte) 0xff;
    assertRefused("header of 65535 bytes, more than 10000 at byte 8", bytes);
  }

  @Test
  void aHeaderLengthOfFourGigabytes() throws IOException {
    byte[] bytes = file(2, dict("<f8", "False", "(3, 5)"), FIFTEEN);
    bytes[8] = bytes[9] = bytes[10] = bytes[11] = (byte) 0xff;
    assertRefused("header of 4294967295 bytes, more than 10000 at byte 8", bytes);
  }

  // ---- too few bytes, too many

  @Test
  void cutInTheHeader() throws IOException {
    assertRefused(
        "cut short: the header ends at byte 128, but the file has 40 bytes", cut(GOOD, 40));
  }

  @Test
  void cutInTheData() throws IOException {
    assertRefused(
        "cut short: 120 bytes of FLOAT64 data of shape [3, 5] begin at byte 128,"
            + " but the file has 245 bytes",
        cut(GOOD, 245));
  }

  @Test
  void bytesAfterTheData() throws IOException {
    assertRefused(
        "too long: 120 bytes of FLOAT64 data of shape [3, 5] begin at byte 128,"
            + " but the file has 250 bytes",
        concat(GOOD, new byte[2]));
  }

  @Test
  void anEmptyArrayWithData() throws IOException {
    assertRefused(
        "too long: 0 bytes of INT32 data of shape [0] begin at byte 128,"
            + " but the file has 132 bytes",
        numpy(dict("<i4", "False", "(0,)"), new byte[4]));
  }

  // ---- shapes

  @Test
  void aNegativeDimension() throws IOException {
    assertRefused(
        "negative dimension -3 at byte 61", numpy(dict("<f8", "False", "(-3, 5)"), FIFTEEN));
  }

  @Test
  void aShapeWhoseElementsOverflow() throws IOException {
    assertRefused(
        "shape [99999999999, 99999999999, 3, 5] has more than 2^63 - 1 elements at byte 60",
        numpy(dict("<f8", "False", "(99999999999, 99999999999, 3, 5)"), FIFTEEN));
  }

  @Test
  void aShapeWhoseBytesOverflow() throws IOException {
    assertRefused(
        "an array of FLOAT64 and shape [4611686018427387904] is too large for NumPy at byte 10",
        numpy(dict("<f8", "False", "(4611686018427387904,)"), FIFTEEN));
  }

  /** NumPy leaves extents of 0 out when it looks whether an array is too large. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "|i1; INT8; 9223372036854775807, 0, 2",
        "|b1; BOOL; 0, 4294967296, 4294967296",
        "<f2; FLOAT16; 4611686018427387904, 0",
        ">i8; INT64; 0, 1152921504606846976",
      })
  void anEmptyShapeWhoseOtherExtentsOverflow(String descr, DType dtype, String dims)
      throws IOException {
    for (String fortranOrder : new String[] {"False", "True"}) {
      assertRefused(
          "an array of " + dtype + " and shape [" + dims + "] is too large for NumPy at byte 10",
          numpy(dict(descr, fortranOrder, "(" + dims + ")")));
    }
  }

  @Test
  void moreAxesThanNumPyHas() throws IOException {
    assertRefused(
        "65 axes, where NumPy has at most 64 at byte 10",
        file(1, dict("<f8", "False", "(" + "1, ".repeat(65) + ")"), new byte[8]));
  }

  @Test
  void aHugeShapeReservesNothing() throws IOException {
    assertRefused(
        "cut short: 9223372036854775800 bytes of FLOAT64 data of shape [1152921504606846975] begin"
            + " at byte 128, but the file has 248 bytes",
        numpy(dict("<f8", "False", "(1152921504606846975,)"), FIFTEEN));
  }

  @Test
  void aDimensionOfMoreThan63Bits() throws IOException {
    assertRefused(
        "dimension 9223372036854775808, more than 2^63 - 1, at byte 61",
        numpy(dict("<f8", "False", "(9223372036854775808,)"), FIFTEEN));
    assertHeaderRefused(
        "dimension " + "9".repeat(40) + "..., more than 2^63 - 1, at byte 61",
        dict("<f8", "False", "(" + "9".repeat(5000) + ",)"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "(3)      | expected ',', found ')' at byte 62",
        "[3, 5]   | expected '(', found '[' at byte 60",
        "3        | expected '(', found '3' at byte 60",
        "(,)      | expected a number, found ',' at byte 61",
        "(3,,5)   | expected a number, found ',' at byte 63",
        "(3 5)    | expected ',', found '5' at byte 63",
        "(3, 5 1) | expected ')', found '1' at byte 66",
        "(3, x)   | expected a number, found 'x' at byte 64",
        "(3, -x)  | expected a number, found 'x' at byte 65",
        "(3, -0)  | negative dimension -0 at byte 64",
        "(3, +5)  | expected a number, found '+' at byte 64",
        "(3, 05)  | number 05 with a leading zero at byte 64",
        "(3, 0x5) | expected ')', found 'x' at byte 65",
        "(3, 5.0) | expected ')', found '.' at byte 65",
        "(3, 5l)  | expected ')', found 'l' at byte 65",
        "(3, 5LL) | expected ')', found 'L' at byte 66",
        "(3, 5 L) | expected ')', found 'L' at byte 66",
        "(3, True)| expected a number, found 'T' at byte 64",
        "None     | expected '(', found 'N' at byte 60",
        "!        | expected '(', found '!' at byte 60",
        "~        | expected '(', found '~' at byte 60",
        "\u007f        | expected '(', found 0x7f at byte 60",
      })
  void whatIsNoTupleOfNumbers(String shape, String message) throws IOException {
    assertHeaderRefused(message, dict("<f8", "False", shape));
  }

  @Test
  void longsOfPython2InVersion3() throws IOException {
    assertRefused(
        "expected ',', found 'L' at byte 64", file(3, dict("<f8", "False", "(3L, 5L)"), FIFTEEN));
  }

  // ---- types

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "<c8",
        "<U2",
        "<u4",
        "|O",
        "`<f4 `",
        "` f4`",
        "<F4",
        "|V8",
        "<i1x",
        "<<f4",
        "!i1",
        "<f16",
        ">c8",
        ">u2",
        "g",
        "F",
        "L",
        "H",
        "c",
        "U",
        "S1",
        "m8",
        "<",
        ">",
        "=",
        "|",
        "f4f",
        "4f",
        "<float32",
        "|bool",
        "=int",
        ">int64",
        "Float32",
        "uint",
        "uint16",
        "float128",
        "bfloat16",
        "float_",
        "None",
        "f4<",
      })
  void anotherType(String descr) throws IOException {
    assertRefused(
        "unsupported type '" + descr + "' at byte 20",
        numpy(dict(descr, "False", "(3, 5)"), FIFTEEN));
  }

  @Test
  void anEmptyType() throws IOException {
    assertRefused("unsupported type '' at byte 20", numpy(dict("", "False", "(3, 5)"), FIFTEEN));
  }

  @Test
  void bigEndian() throws IOException {
    assertRefused(
        "cut short: 60 bytes of FLOAT32 data of shape [3, 5] begin at byte 128,"
            + " but the file has 187 bytes",
        numpy(dict(">f4", "False", "(3, 5)"), new byte[59]));
    assertRefused(
        "too long: 60 bytes of FLOAT32 data of shape [3, 5] begin at byte 128,"
            + " but the file has 189 bytes",
        numpy(dict(">f4", "False", "(3, 5)"), new byte[61]));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[('a', '<i4'), ('b', '<f4')] | unsupported structured type at byte 20",
        "('<f4', (2,)) | unsupported structured type at byte 20",
        "float | expected a string, found 'f' at byte 20",
        "u '<f4' | expected a string, found 0x20 at byte 21",
        "uu'<f4' | expected a string, found 'u' at byte 21",
        "u | expected a string, found ',' at byte 21",
        "b'<f4' | expected a string, found 'b' at byte 20",
        "r'<f4' | expected a string, found 'r' at byte 20",
        "None | expected a string, found 'N' at byte 20",
        "'<f4' '' | expected '}', found ''' at byte 26",
        "'<f\\x34' | expected the ' that ends the string, found '\\' at byte 23",
      })
  void whatIsNoPlainType(String descr, String message) throws IOException {
    assertHeaderRefused(message, dict("<f8", "False", "()").replace("'<f8'", descr));
  }

  @Test
  void aStringThatDoesNotEnd() throws IOException {
    assertHeaderRefused(
        "expected the ' that ends the string, found 0x0a at byte 24", "{'descr': '<f8\n'}");
    assertHeaderRefused(
        "expected the \" that ends the string, but the header ends at byte 25", "{'descr': \"<f8'");
  }

  @Test
  void messagesShowNothingUnprintable() throws IOException {
    assertRefused(
        "unsupported type '<\u00e9?' at byte 20", numpy(dict("<\u00e9\u0000", "False", "()")));
    assertRefused("unknown key 'na\u00efve' at byte 13", file(3, "{'na\u00efve': 1}", FIFTEEN));
    assertHeaderRefused(
        "unknown key '" + "k".repeat(40) + "' at byte 11", "{'" + "k".repeat(40) + "': 1}");
    assertHeaderRefused(
        "unknown key '" + "k".repeat(40) + "...' at byte 11", "{'" + "k".repeat(5000) + "': 1}");
  }

  // ---- the dict

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[1, 2, 3] | expected '{', found '[' at byte 10",
        "{} | no key 'descr' in the header at byte 10",
        "{,} | expected a string, found ',' at byte 11",
        "{'fortran_order': False, 'shape': (3, 5), } | no key 'descr' in the header at byte 10",
        "{'descr': '<f8', 'shape': (3, 5), } | no key 'fortran_order' in the header at byte 10",
        "{'descr': '<f8', 'fortran_order': True, } | no key 'shape' in the header at byte 10",
        "{'descr': '<f8', 'x': 1} | unknown key 'x' at byte 27",
        "{'descr': '<f8', 'descr': '<f8'} | second key 'descr' at byte 27",
        "{'shape': (), 'shape': ()} | second key 'shape' at byte 24",
        "{'fortran_order':True,'fortran_order':True} | second key 'fortran_order' at byte 32",
        "{'fortran_order': 1} | expected True or False, found '1' at byte 28",
        "{'fortran_order': 'False'} | expected True or False, found ''' at byte 28",
        "{'fortran_order': Tru} | expected True or False, found 'T' at byte 28",
        "{'fortran_order': Truex} | expected '}', found 'x' at byte 32",
        "{'fortran_order' True} | expected ':', found 'T' at byte 27",
        "{'descr': '<f8' 'shape': ()} | expected '}', found ''' at byte 26",
        "{'descr': '<f8',, 'shape': ()} | expected a string, found ',' at byte 26",
        "{descr: '<f8'} | expected a string, found 'd' at byte 11",
        "{'descr': '<f8', | expected a string, but the header ends at byte 26",
        "{'descr': '<f8' | expected '}', but the header ends at byte 25",
        "{'descr': | expected a string, but the header ends at byte 19",
        "{'des | expected the ' that ends the string, but the header ends at byte 15",
        "{'fortran_order': Fals | expected True or False, found 'F' at byte 28",
        "{'shape': (1 | expected ',', but the header ends at byte 22",
        "{'shape': ( | expected a number, but the header ends at byte 21",
        "{} # no comment | expected the end of the header, found '#' at byte 13",
        "{}{} | expected the end of the header, found '{' at byte 12",
      })
  void whatIsNoDictOfTheThreeKeys(String header, String message) throws IOException {
    assertHeaderRefused(message, header);
  }

  @Test
  void anEmptyHeader() throws IOException {
    assertHeaderRefused("expected '{', but the header ends at byte 10", "");
    assertHeaderRefused("expected '{', but the header ends at byte 13", " \n\n");
  }

  /** Python takes blanks at the beginning of a line for an indentation. */
  @Test
  void anIndentedHeader() throws IOException {
    assertHeaderRefused("indented header at byte 12", "\n " + dict("<f8", "False", "(3, 5)"));
    assertHeaderRefused("indented header at byte 14", " \r\n\t" + dict("<f8", "False", "(3, 5)"));
  }

  /** In versions before 3.0 NumPy mends this. */
  @Test
  void blanksBehindTheLastNewlineInVersion3() throws IOException {
    String dict = dict("<f8", "False", "(3, 5)");
    assertRefused(
        "blanks behind the last newline of the header at byte 72", file(3, dict + "\n ", FIFTEEN));
    assertRefused(
        "blanks behind the last newline of the header at byte 74",
        file(3, dict + "\r\n\t\t", FIFTEEN));
    assertHeaderRefused("blanks behind the last newline of the header at byte 70", dict + "\r ");
    for (String end : new String[] {"", "  ", "\n", " \r", "\n\n", "\n \n", " \t\r\n"}) {
      Path path = NpyFixtures.write(folder, "a.npy", file(3, dict + end, FIFTEEN));
      assertEquals(15, Npy.read(ctx, path).size());
    }
  }

  @Test
  void aByteThatIsNoText() throws IOException {
    assertHeaderRefused(
        "expected the end of the header, found 0x00 at byte 69",
        dict("<f8", "False", "(3, 5)") + "\u0000");
    assertHeaderRefused("expected '{', found 0xff at byte 10", "\u00ff");
  }

  /** The position in a file of version 2.0 counts the longer prefix. */
  @Test
  void placesAreThoseOfTheFile() throws IOException {
    assertRefused(
        "negative dimension -3 at byte 63", file(2, dict("<f8", "False", "(-3, 5)"), FIFTEEN));
  }

  // ---- files

  @Test
  void aFileThatIsNotThere() {
    assertThrows(NoSuchFileException.class, () -> Npy.read(ctx, folder.resolve("nowhere")));
  }

  @Test
  void aDirectory() {
    IOException e = assertThrows(IOException.class, () -> Npy.read(ctx, folder));
    assertEquals(folder + ": not a regular file", e.getMessage());
  }

  @Test
  void pastTheMemoryLimitNothingIsTaken() throws IOException {
    Path path = NpyFixtures.write(folder, "a.npy", GOOD);
    try (ExecutionContext small = ExecutionContext.withMemoryLimit(199)) {
      small.empty(DType.INT8, 80); // the next multiple of 64 is 128, and 248 > 199
      ArenaStats before = small.arenaStats();
      MemoryLimitExceededException e =
          assertThrows(MemoryLimitExceededException.class, () -> Npy.read(small, path));
      assertEquals(120, e.requested());
      assertEquals(before, small.arenaStats());
      Path big = NpyFixtures.write(folder, "b.npy", numpy(dict(">f8", "True", "(3, 5)"), FIFTEEN));
      assertThrows(MemoryLimitExceededException.class, () -> Npy.read(small, big));
      assertEquals(before, small.arenaStats());
      small.empty(DType.INT8, 71); // no scope was left open either: this one stays
      assertEquals(199, small.memoryUsage());
    }
  }
}
