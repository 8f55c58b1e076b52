package dev.tensorarena;

import static dev.tensorarena.NpyFixtures.FIFTEEN;
import static dev.tensorarena.NpyFixtures.cut;
import static dev.tensorarena.NpyFixtures.dict;
import static dev.tensorarena.NpyFixtures.file;
import static dev.tensorarena.NpyFixtures.numpy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Good files, cut anywhere and with wrong bytes anywhere in the header. */
class NpyDamageTest {
  private static final byte[][] GOOD = {
    numpy(dict("<f8", "False", "(3, 5)"), FIFTEEN),
    file(2, dict("|u1", "True", "(10, 12)") + "\n", new byte[120]),
    file(1, dict("<i2", "False", "(2L, 3L)") + "\n", new byte[12]),
    file(3, dict("|i1", "False", "(2,)") + "\n", (byte) 1, (byte) 2),
    file(1, dict(">i4", "True", "(2, 3)") + "\n", new byte[24]),
    file(1, "{u'descr': u'float32', u'fortran_order': False, u'shape': (3,)}\n", new byte[12]),
  };

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

  @Test
  void everyLengthButTheFullOne() throws IOException {
    for (byte[] good : GOOD) {
      for (int length = 0; length < good.length; length++) {
        Path path = NpyFixtures.write(folder, "cut.npy", cut(good, length));
        ArenaStats before = ctx.arenaStats();
        IOException e = assertThrows(IOException.class, () -> Npy.read(ctx, path));
        assertTrue(e.getMessage().endsWith("the file has " + length + " bytes"), e.getMessage());
        assertEquals(before, ctx.arenaStats());
      }
      assertTrue(Npy.read(ctx, NpyFixtures.write(folder, "full.npy", good)).isAlive());
    }
  }

  @Test
  void aDamagedHeaderIsReadOrRefused() throws IOException {
    Random random = new Random(20240229);
    int read = 0;
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = GOOD[random.nextInt(GOOD.length)].clone();
      for (int damages = 1 + random.nextInt(2); damages > 0; damages--) {
        int at = random.nextInt(128);
        bytes[Math.min(at, bytes.length - 1)] = damage(random);
      }
      NpyInput damaged = new NpyInput(new BytesChannel(bytes), "a.npy");
      long before = ctx.memoryUsage();
      Scope scope = ctx.scope();
      try {
        Tensor tensor = Npy.read(ctx, damaged);
        assertTrue(tensor.byteSize() <= bytes.length);
        read++;
      } catch (IOException e) {
        assertTrue(e.getMessage().startsWith("a.npy: "), e.getMessage());
        assertEquals(before, ctx.memoryUsage());
        refused++;
      }
      scope.close();
      assertEquals(before, ctx.memoryUsage());
    }
    assertTrue(read > 2000 && refused > 2000, read + " read, " + refused + " refused");
  }

  /** Any byte, or one that means something in a header. */
  private static byte damage(Random random) {
    String meaningful = " \n{}(),:'\"\\-LTF0123456789<>|=fiub";
    return random.nextBoolean()
        ? (byte) random.nextInt(256)
        : (byte) meaningful.charAt(random.nextInt(meaningful.length()));
  }
}
