package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Valid {@code .npy} files, mutated by a seed: they are read, and then the bytes are those of the
 * file, or refused with an IOException that names it, and then nothing has changed.
 */
class NpyFuzzTest {
  private static final int MUTATIONS = 200;
  private static final String[] WORDS = {
    "'descr'",
    "'shape'",
    "'fortran_order'",
    "True",
    "False",
    "(",
    ")",
    "{",
    "}",
    ",",
    ":",
    "'",
    "\"",
    "<f4",
    "<f8",
    "<i8",
    ">i4",
    ">",
    "=",
    "?",
    "e",
    "float64",
    "u",
    "|u1",
    "|b1",
    "|O",
    "<U8",
    "[('a', '<f4')]",
    "-1",
    "0",
    "1",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999999999999",
    "4611686018427387904",
    "3L",
    "0x10",
    "1_000",
    "\\u0027",
    "\\",
    "\n",
    " ",
    "\t",
    "#",
    "None",
    "\0"
  };

  @Test
  @Tag("reliability")
  void aMutatedFileIsReadOrRefused() {
    Fuzzing.run(NpyFuzzTest.class, NpyFuzzTest::mutate);
  }

  private static void mutate(long seed) throws IOException {
    Random random = new Random(seed);
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(1 << 20)) {
      for (int i = 0; i < MUTATIONS; i++) {
        byte[] file = valid(random);
        for (int mutations = random.nextInt(4); mutations > 0; mutations--) {
          file = mutated(file, random);
        }
        read(ctx, file);
      }
    }
  }

  private static void read(ExecutionContext ctx, byte[] file) throws IOException {
    long before = ctx.memoryUsage();
    Scope scope = ctx.scope();
    try {
      Tensor tensor = Npy.read(ctx, new NpyInput(new BytesChannel(file), "a.npy"));
      assertTrue(tensor.isWritable());
      int data = (int) tensor.byteSize();
      assertTrue(data <= file.length - 10, "more than the file has");
      byte[] bytes = new byte[data];
      Tensor stored = tensor.isContiguous() ? tensor : tensor.transpose();
      stored.asByteBuffer().get(bytes);
      byte[] inFile = Arrays.copyOfRange(file, file.length - data, file.length);
      if (isBigEndian(file)) {
        reverse(inFile, tensor.dtype().byteSize());
      }
      assertArrayEquals(inFile, bytes);
    } catch (IOException e) {
      assertTrue(e.getMessage().startsWith("a.npy: "), e.getMessage());
      assertEquals(before, ctx.memoryUsage());
    } finally {
      scope.close();
    }
    assertEquals(before, ctx.memoryUsage());
  }

  /** Of a file that is read: there, {@code >} stands nowhere in the header but before the type. */
  private static boolean isBigEndian(byte[] file) {
    int length = (file[6] == 1 ? 10 : 12) + (file[8] & 0xff) + ((file[9] & 0xff) << 8);
    return new String(file, 0, length, StandardCharsets.ISO_8859_1).indexOf('>', 10) > 0;
  }

  private static void reverse(byte[] bytes, int size) {
    for (int start = 0; start < bytes.length; start += size) {
      for (int i = 0; i < size / 2; i++) {
        byte first = bytes[start + i];
        bytes[start + i] = bytes[start + size - 1 - i];
        bytes[start + size - 1 - i] = first;
      }
    }
  }

  /** A file that NumPy reads, of a random version, type, order and shape. */
  private static byte[] valid(Random random) {
    NpyFixtures.Named type = NpyFixtures.TYPES.get(random.nextInt(NpyFixtures.TYPES.size()));
    StringBuilder shape = new StringBuilder("(");
    int bytes = type.dtype().byteSize();
    int rank = random.nextInt(4);
    for (int axis = 0; axis < rank; axis++) {
      int extent = random.nextInt(6);
      bytes *= extent;
      shape.append(extent).append(rank == 1 || axis < rank - 1 ? ", " : "");
    }
    byte[] data = new byte[bytes];
    random.nextBytes(data);
    String order = random.nextBoolean() ? "True" : "False";
    String code = type.descr().substring(1);
    String[] names = {type.descr(), ">" + code, "=" + code, code};
    String descr = names[random.nextInt(names.length)];
    String dict = NpyFixtures.dict(descr, order, shape.append(")").toString());
    return random.nextBoolean()
        ? NpyFixtures.numpy(dict, data)
        : NpyFixtures.file(1 + random.nextInt(3), dict + "\n", data);
  }

  private static byte[] mutated(byte[] file, Random random) {
    // In the header mostly.
    int at =
        random.nextInt(random.nextInt(4) == 0 ? file.length + 1 : Math.min(file.length, 96) + 1);
    int end = Math.min(file.length, at + random.nextInt(random.nextInt(3) == 0 ? 40 : 3));
    byte[] head = Arrays.copyOf(file, at);
    byte[] rest = Arrays.copyOfRange(file, at, file.length);
    byte[] behind = Arrays.copyOfRange(file, end, file.length);
    String word = WORDS[random.nextInt(WORDS.length)];
    byte[] letters = word.getBytes(StandardCharsets.ISO_8859_1);
    switch (random.nextInt(7)) {
      case 0: // cut short
        return head;
      case 1: // left out
        return NpyFixtures.concat(head, behind);
      case 2: // said twice
        return NpyFixtures.concat(head, Arrays.copyOfRange(file, at, end), rest);
      case 3:
        return NpyFixtures.concat(head, letters, rest);
      case 4:
        return NpyFixtures.concat(head, letters, behind);
      case 5: // too long
        return NpyFixtures.concat(file, new byte[1 + random.nextInt(9)]);
      default:
        byte[] flipped = file.clone();
        if (file.length > 0) {
          flipped[Math.min(at, file.length - 1)] ^= (byte) (1 << random.nextInt(8));
        }
        return flipped;
    }
  }
}
