package dev.tensorarena;

import static dev.tensorarena.NpyFixtures.FIFTEEN;
import static dev.tensorarena.NpyFixtures.counting;
import static dev.tensorarena.NpyFixtures.dict;
import static dev.tensorarena.NpyFixtures.doubles;
import static dev.tensorarena.NpyFixtures.file;
import static dev.tensorarena.NpyFixtures.floats;
import static dev.tensorarena.NpyFixtures.numpy;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("platform")
class NpyReadTest {
  @TempDir Path folder;

  private ExecutionContext ctx;

  @BeforeEach
  void open() {
    ctx = ExecutionContext.open();
  }

  @AfterEach
  void close() {
    ctx.close();
  }

  private Tensor read(byte[] bytes) throws IOException {
    return Npy.read(ctx, NpyFixtures.write(folder, "a.npy", bytes));
  }

  private Tensor readHeader(int major, String header) throws IOException {
    return read(file(major, header, FIFTEEN));
  }

  @Test
  void everyTypeIsRead() throws IOException {
    for (NpyFixtures.Named type : NpyFixtures.TYPES) {
      byte[] data = counting(6 * type.dtype().byteSize());
      Tensor tensor = read(numpy(dict(type.descr(), "False", "(2, 3)"), data));
      assertEquals(type.dtype(), tensor.dtype());
      assertEquals(Shape.of(2, 3), tensor.shape());
      assertTrue(tensor.isContiguous());
      assertTrue(tensor.isWritable());
      byte[] bytes = new byte[data.length];
      tensor.asByteBuffer().get(bytes);
      assertArrayEquals(data, bytes);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"|", "<", ">", "="})
  void aSingleByteHasNoOrder(String order) throws IOException {
    assertEquals(DType.INT8, read(numpy(dict(order + "i1", "False", "()"), (byte) 1)).dtype());
    assertEquals(DType.UINT8, read(numpy(dict(order + "u1", "False", "()"), (byte) 1)).dtype());
    assertEquals(DType.BOOL, read(numpy(dict(order + "b1", "False", "()"), (byte) 1)).dtype());
  }

  /** Each of NumPy's names for a type; those of one or two letters also behind a byte order. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "FLOAT32 | f4 f | float32 single",
        "FLOAT64 | f8 d | float64 double float",
        "FLOAT16 | f2 e | float16 half",
        "INT64   | i8 q l p n | int64 longlong long intp int int_",
        "INT32   | i4 i | int32 intc",
        "INT16   | i2 h | int16 short",
        "INT8    | i1 b | int8 byte",
        "UINT8   | u1 B | uint8 ubyte",
        "BOOL    | b1 ? | bool bool_",
      })
  void everyNameOfATypeIsRead(DType dtype, String codes, String words) throws IOException {
    List<String> names = new ArrayList<>(List.of(words.split(" ")));
    for (String code : codes.split(" ")) {
      names.addAll(List.of(code, "<" + code, "=" + code, "|" + code));
    }
    int size = dtype.byteSize();
    byte[] data = counting(2 * size);
    for (String name : names) {
      assertArrayEquals(data, bytesOf(name, dtype, data), name);
    }
    byte[] reversed = data.clone();
    for (int i = 0; i < size; i++) {
      reversed[i] = data[size - 1 - i];
      reversed[size + i] = data[2 * size - 1 - i];
    }
    for (String code : codes.split(" ")) {
      assertArrayEquals(reversed, bytesOf(">" + code, dtype, data), ">" + code);
    }
  }

  private byte[] bytesOf(String descr, DType expected, byte[] data) throws IOException {
    Tensor tensor = read(numpy(dict(descr, "False", "(2,)"), data));
    assertEquals(expected, tensor.dtype(), descr);
    byte[] bytes = new byte[(int) tensor.byteSize()];
    tensor.asByteBuffer().get(bytes);
    return bytes;
  }

  @Test
  void specialValuesKeepTheirBits() throws IOException {
    float[] values = {0f, -0f, Float.POSITIVE_INFINITY, Float.NaN, Float.MIN_VALUE};
    Tensor tensor = read(numpy(dict("<f4", "False", "(5,)"), floats(values)));
    assertArrayEquals(values, tensor.toFloatArray());
  }

  @Test
  void aByteOfABoolIsKeptAsItIs() throws IOException {
    for (String descr : List.of("|b1", "?", ">?", "bool")) {
      Tensor tensor = read(numpy(dict(descr, "False", "(3,)"), (byte) 0, (byte) 1, (byte) 2));
      assertFalse(tensor.getBooleanAt(0));
      assertTrue(tensor.getBooleanAt(1));
      assertTrue(tensor.getBooleanAt(2));
      assertEquals(2, tensor.asByteBuffer().get(2));
    }
  }

  @ParameterizedTest
  @CsvSource({"(), 1", "'(1,)', 1", "'(0,)', 0", "'(4, 0, 2)', 0", "'(1, 1, 1, 1, 6)', 6"})
  void everyRankIsRead(String shape, int elements) throws IOException {
    Tensor tensor = read(numpy(dict("|i1", "False", shape), counting(elements)));
    assertEquals(shape.replaceAll(",?\\)", "]").replace('(', '['), tensor.shape().toString());
    assertEquals(elements, tensor.size());
    assertTrue(tensor.isContiguous());
    for (int i = 0; i < elements; i++) {
      assertEquals(i + 1, tensor.getByteAt(i));
    }
  }

  @Test
  void fortranOrderGivesAStridedViewOfTheSameShape() throws IOException {
    // The columns of [[0, 1, 2], [3, 4, 5]].
    Tensor tensor = read(numpy(dict("<f8", "True", "(2, 3)"), doubles(0, 3, 1, 4, 2, 5)));
    assertEquals(Shape.of(2, 3), tensor.shape());
    assertFalse(tensor.isContiguous());
    assertEquals(1, tensor.stride(0));
    assertEquals(2, tensor.stride(1));
    assertArrayEquals(new double[] {0, 1, 2, 3, 4, 5}, tensor.toDoubleArray());
    assertTrue(tensor.isWritable());
  }

  @Test
  void fortranOrderOfThreeAxesReversesThemAll() throws IOException {
    byte[] data = new byte[24];
    for (int a = 0; a < 2; a++) {
      for (int b = 0; b < 3; b++) {
        for (int c = 0; c < 4; c++) {
          data[a + 2 * b + 6 * c] = (byte) (100 * a + 10 * b + c);
        }
      }
    }
    Tensor tensor = read(numpy(dict("|i1", "True", "(2, 3, 4)"), data));
    for (int a = 0; a < 2; a++) {
      for (int b = 0; b < 3; b++) {
        for (int c = 0; c < 4; c++) {
          assertEquals((byte) (100 * a + 10 * b + c), tensor.getByte(a, b, c));
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"(), 1", "'(3,)', 3", "'(0,)', 0", "'(3, 0)', 0", "'(1, 1, 3, 1)', 3"})
  void fortranOrderOfOneAxisIsContiguous(String shape, int elements) throws IOException {
    Tensor tensor = read(numpy(dict("|i1", "True", shape), counting(elements)));
    assertTrue(tensor.isContiguous());
    assertEquals(elements, tensor.size());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void everyVersionIsRead(int major) throws IOException {
    Tensor tensor = readHeader(major, dict("<f8", "False", "(3, 5)") + "   \n");
    assertEquals(Shape.of(3, 5), tensor.shape());
    assertEquals(7, tensor.getDouble(1, 2));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'shape': (3, 5), 'descr': '<f8', 'fortran_order': False}",
        "{\"descr\": \"<f8\", 'fortran_order': False, \"shape\": (3, 5)}",
        "{'descr':'<f8','fortran_order':False,'shape':(3,5)}",
        "{'descr':'<f8','fortran_order':False,'shape':(3,5,)}\n",
        " \t\r\n\f{ 'descr' : '<f8' ,\n'fortran_order':\tFalse , 'shape' : ( 3 , 5 , ) , } \n\n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3L, 5L), }\n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3L, 5L,), }\n",
        "{u'descr': u'<f8', u\"fortran_order\": False, u'shape': (3, 5), }\n",
        " \t {'descr': '<f8', 'fortran_order': False, 'shape': (3, 5), } \t",
        "\n \n{'descr': '<f8', 'fortran_order': False, 'shape': (3, 5), }\n \t",
      })
  void everyWayToWriteTheDictIsRead(String header) throws IOException {
    Tensor tensor = readHeader(1, header);
    assertEquals(DType.FLOAT64, tensor.dtype());
    assertEquals(Shape.of(3, 5), tensor.shape());
    assertTrue(tensor.isContiguous());
  }

  @Test
  void aLongHeaderIsRead() throws IOException {
    String dict = dict("<f8", "False", "(3, 5)");
    int most = 10_000;
    assertEquals(15, readHeader(2, dict + " ".repeat(most - dict.length())).size());
    byte[] longer = file(2, dict + " ".repeat(most + 1 - dict.length()), FIFTEEN);
    Path path = NpyFixtures.write(folder, "longer.npy", longer);
    IOException e = assertThrows(IOException.class, () -> Npy.read(ctx, path));
    assertEquals(path + ": header of 10001 bytes, more than 10000 at byte 8", e.getMessage());
  }

  @Test
  void extentsBesideAnExtentOfZeroMayBeHuge() throws IOException {
    Tensor tensor = read(numpy(dict("|i1", "False", "(9223372036854775807, 0)")));
    assertEquals(Shape.of(Long.MAX_VALUE, 0), tensor.shape());
    assertTrue(read(numpy(dict("|i1", "True", "(0, 9223372036854775807)"))).isEmpty());
    assertEquals(
        Shape.of(1L << 60, 0),
        read(numpy(dict("<f4", "True", "(1152921504606846976, 0)"))).shape());
  }

  @Test
  void asManyAxesAsNumPyHasAreRead() throws IOException {
    Tensor tensor = read(file(1, dict("|i1", "False", "(" + "1, ".repeat(64) + ")"), (byte) 5));
    assertEquals(64, tensor.rank());
    assertEquals(5, tensor.getByteAt(0));
  }

  @Test
  void theTensorIsOfTheInnermostScope() throws IOException {
    Path path = NpyFixtures.write(folder, "a.npy", numpy(dict("<f8", "True", "(3, 5)"), FIFTEEN));
    Scope scope = ctx.scope();
    Tensor read = Npy.read(ctx, path);
    assertTrue(read.isAlive());
    scope.close();
    assertFalse(read.isAlive());
    assertEquals(0, ctx.memoryUsage());
  }

  @Test
  void readingTakesTheBytesOfTheDataAndNoMore() throws IOException {
    ctx.empty(DType.INT8, 64);
    read(numpy(dict("<f8", "True", "(3, 5)"), FIFTEEN));
    assertEquals(64 + 120, ctx.memoryUsage());
  }

  @Test
  void readingDoesNotExposeTheArena() throws IOException {
    Tensor tensor = read(numpy(dict("<f8", "True", "(3, 5)"), FIFTEEN));
    Npy.write(tensor, folder.resolve("b.npy"));
    Npy.write(tensor.slice(0, 0, 2), folder.resolve("b.npy"));
    assertFalse(ctx.arena().isExposed());
  }

  @Test
  void aClosedContextIsRefusedBeforeTheFileIsLookedAt() {
    ctx.close();
    Path nowhere = folder.resolve("nowhere");
    assertThrows(IllegalStateException.class, () -> Npy.read(ctx, nowhere));
  }

  @Test
  void anotherThreadIsRefusedBeforeTheFileIsLookedAt() throws Exception {
    Path nowhere = folder.resolve("nowhere");
    TestSupport.runOnThread(
        "other", () -> TestSupport.assertRefuses(() -> Npy.read(ctx, nowhere), "\"other\""));
  }
}
