package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Valid {@code .npz} files, mutated by a seed: they are read, and then each array has the bytes
 * that it had, by the checksum, or refused with an IOException that names the file, and then
 * nothing has changed.
 */
class NpzFuzzTest {
  private static final int MUTATIONS = 100;
  private static final int LIMIT = 1 << 20;

  /** What numbers of an archive are changed to. */
  private static final int[] NUMBERS = {
    0,
    1,
    2,
    8,
    9,
    30,
    46,
    0xff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    -1,
    -2,
    0x04034b50,
    0x02014b50,
    0x06054b50,
    0x06064b50,
    0x07064b50
  };

  @Test
  void damagedArchives() throws IOException {
    for (long seed = 1000; seed < 1004; seed++) {
      mutate(seed);
    }
  }

  @Test
  @Tag("reliability")
  void aMutatedFileIsReadOrRefused() {
    Fuzzing.run(NpzFuzzTest.class, NpzFuzzTest::mutate);
  }

  private static void mutate(long seed) throws IOException {
    Random random = new Random(seed);
    int read = 0;
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(LIMIT)) {
      for (int i = 0; i < MUTATIONS; i++) {
        Map<String, byte[]> arrays = arrays(random);
        byte[] file = valid(arrays, random);
        for (int mutations = random.nextInt(4); mutations > 0; mutations--) {
          file = mutated(file, random);
        }
        read += read(ctx, file, arrays) ? 1 : 0;
      }
      assertEquals(7, ctx.allocTemp(7).getIntAt(0));
    }
    assertTrue(read > 0 && read < MUTATIONS, read + " were read");
  }

  private static boolean read(ExecutionContext ctx, byte[] file, Map<String, byte[]> arrays)
      throws IOException {
    long before = ctx.memoryUsage();
    Scope scope = ctx.scope();
    boolean isRead = false;
    try {
      Map<String, Tensor> tensors = Npz.read(ctx, input(file));
      isRead = true;
      assertTrue(ctx.memoryUsage() - before <= LIMIT);
      for (Map.Entry<String, Tensor> each : tensors.entrySet()) {
        Tensor tensor = each.getValue();
        assertTrue(tensor.isWritable());
        byte[] was = arrays.get(each.getKey());
        if (was != null) { // else a name is damaged, in two places
          byte[] bytes = new byte[(int) tensor.byteSize()];
          (tensor.isContiguous() ? tensor : tensor.transpose()).asByteBuffer().get(bytes);
          assertArrayEquals(was, bytes);
        }
      }
      assertEquals(tensors.keySet().stream().toList(), Npz.names(input(file)));
    } catch (IOException e) {
      assertTrue(e.getMessage().startsWith("a.npz: "), e.getMessage());
      assertEquals(before, ctx.memoryUsage());
    } catch (MemoryLimitExceededException e) {
      assertEquals(before, ctx.memoryUsage());
    } finally {
      scope.close();
    }
    assertEquals(before, ctx.memoryUsage());
    return isRead;
  }

  private static ZipInput input(byte[] file) throws IOException {
    return new ZipInput(new BytesChannel(file), "a.npz");
  }

  private static Map<String, byte[]> arrays(Random random) {
    Map<String, byte[]> arrays = new LinkedHashMap<>();
    for (int i = random.nextInt(4); i >= 0; i--) {
      byte[] data = new byte[random.nextInt(random.nextBoolean() ? 10 : 2000)];
      if (random.nextBoolean()) {
        random.nextBytes(data);
      }
      arrays.put(random.nextBoolean() ? "x" + i : "folder/é" + i, data);
    }
    return arrays;
  }

  private static byte[] valid(Map<String, byte[]> arrays, Random random) {
    ZipFixtures.Member[] members = new ZipFixtures.Member[arrays.size() + 1];
    int count = 0;
    boolean zip64 = random.nextInt(3) == 0;
    for (Map.Entry<String, byte[]> each : arrays.entrySet()) {
      byte[] data = each.getValue();
      String order = random.nextBoolean() ? "True" : "False";
      String dict = NpyFixtures.dict("|u1", order, "(" + data.length + ", 1)");
      byte[] npy = NpyFixtures.numpy(dict, data);
      int method = random.nextBoolean() ? 0 : 8;
      ZipFixtures.Member member = new ZipFixtures.Member(each.getKey() + ".npy", method, npy);
      member.zip64 = zip64 && random.nextBoolean();
      member.localExtra = new byte[random.nextInt(20)];
      members[count++] = member;
    }
    members[count] = ZipFixtures.deflated("README", (byte) 1, (byte) 2);
    return ZipFixtures.archive(
        end -> {
          end.zip64 = zip64;
          end.comment = new byte[random.nextInt(4)];
        },
        members);
  }

  private static byte[] mutated(byte[] file, Random random) {
    if (file.length < 8) {
      return file;
    }
    // Anywhere, or where the directory and the end are.
    int at = random.nextBoolean() ? file.length : Math.min(file.length, 250);
    at = file.length - 1 - random.nextInt(at);
    int end = Math.min(file.length, at + random.nextInt(random.nextInt(3) == 0 ? 60 : 4));
    byte[] head = Arrays.copyOf(file, at);
    byte[] rest = Arrays.copyOfRange(file, at, file.length);
    byte[] behind = Arrays.copyOfRange(file, end, file.length);
    byte[] changed = file.clone();
    switch (random.nextInt(9)) {
      case 0: // cut short
        return head;
      case 1: // left out
        return NpyFixtures.concat(head, behind);
      case 2: // said twice
        return NpyFixtures.concat(head, Arrays.copyOfRange(file, at, end), rest);
      case 3: // too long
        return NpyFixtures.concat(file, new byte[1 + random.nextInt(9)]);
      case 4:
      case 5: // another number
        byte[] number =
            ZipFixtures.buffer(4).putInt(NUMBERS[random.nextInt(NUMBERS.length)]).array();
        int size = random.nextBoolean() ? 4 : 2;
        System.arraycopy(number, 0, changed, Math.min(at, file.length - size), size);
        return changed;
      case 6: // a number that is one off
        changed[at] = (byte) (changed[at] + (random.nextBoolean() ? 1 : -1));
        return changed;
      default:
        changed[at] ^= (byte) (1 << random.nextInt(8));
        return changed;
    }
  }
}
