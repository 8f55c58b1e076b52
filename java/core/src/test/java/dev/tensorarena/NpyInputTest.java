package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Files that change or fail while they are read. */
class NpyInputTest {
  private static final byte[] FILE =
      NpyFixtures.numpy(NpyFixtures.dict("<f8", "True", "(3, 5)"), NpyFixtures.FIFTEEN);

  private static NpyInput input(byte[] bytes, IOException failure) throws IOException {
    return new NpyInput(new BytesChannel(bytes, FILE.length, failure), "a.npy");
  }

  @Test
  void aChannelMayGiveAFewBytesAtATime() throws IOException {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = Npy.read(ctx, input(FILE, null));
      for (int row = 0; row < 3; row++) {
        for (int column = 0; column < 5; column++) {
          assertEquals(row + 3 * column, tensor.getDouble(row, column));
        }
      }
    }
  }

  @Test
  void aFileThatShrinksMeanwhileTakesNoMemory() throws IOException {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      for (int length = 0; length < FILE.length; length++) {
        NpyInput shrunk = input(NpyFixtures.cut(FILE, length), null);
        IOException e = assertThrows(IOException.class, () -> Npy.read(ctx, shrunk));
        assertEquals(
            "a.npy: cut short while it was read: it had 248 bytes and now ends at byte " + length,
            e.getMessage());
        assertEquals(0, ctx.memoryUsage());
      }
      Tensor next = ctx.allocTemp(1f); // in no scope that was left open
      assertTrue(next.isAlive());
      assertEquals(4, ctx.memoryUsage());
    }
  }

  @Test
  void aFailureOfTheDeviceTakesNoMemory() throws IOException {
    byte[] big = NpyFixtures.numpy(NpyFixtures.dict(">f8", "False", "(3, 5)"), NpyFixtures.FIFTEEN);
    for (byte[] file : List.of(FILE, big)) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor earlier = ctx.allocSlice(1f, 2f);
        long before = ctx.memoryUsage();
        IOException failure = new IOException("device");
        NpyInput failing = input(NpyFixtures.cut(file, 200), failure);
        assertSame(failure, assertThrows(IOException.class, () -> Npy.read(ctx, failing)));
        assertEquals(before, ctx.memoryUsage());
        assertEquals(2f, earlier.getFloatAt(1));
      }
    }
  }
}
