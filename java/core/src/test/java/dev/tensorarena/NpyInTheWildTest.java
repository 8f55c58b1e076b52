package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Files as other programs write, convert and mislabel them, against what NumPy 2.4 does. */
class NpyInTheWildTest {
  /** What NumPy reads, of a type that we have, and is refused: no writer emits it. */
  private static final Map<String, String> REFUSED =
      Map.of(
          "a45_underscore.npy", "expected ')', found '_' at byte 65",
          "a49_comment.npy", "expected the end of the header, found '#' at byte 68",
          "a53_dup_key.npy", "second key 'descr' at byte 27",
          "a55_hex.npy", "expected ',', found 'x' at byte 62",
          "c02_two_arrays.npy",
              "too long: 12 bytes of FLOAT32 data of shape [3] begin at byte 128,"
                  + " but the file has 284 bytes");

  private static List<NpyTruth> files() throws IOException {
    return NpyTruth.in("/npy2/truth.json");
  }

  private static boolean mustBeRead(NpyTruth file) {
    return file.numpy().equals("reads") && file.isOfAType() && !REFUSED.containsKey(file.file());
  }

  @ParameterizedTest
  @MethodSource("files")
  void whatNumPyReadsIsReadAndWhatItRefusesIsRefused(NpyTruth file) throws IOException {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      if (mustBeRead(file)) {
        Tensor tensor = Npy.read(ctx, file.path());
        file.check(tensor);
        assertEquals(Math.min(6, tensor.size()), file.first().size());
        return;
      }
      IOException e = assertThrows(IOException.class, () -> Npy.read(ctx, file.path()));
      assertTrue(e.getMessage().startsWith(file.path() + ": "), e.getMessage());
      String reason = REFUSED.get(file.file());
      if (reason != null) {
        assertEquals(file.path() + ": " + reason, e.getMessage());
      }
      assertEquals(0, ctx.arenaStats().reservedBytes());
    }
  }

  @Test
  void noneIsLeftOut() throws IOException {
    List<String> read = new ArrayList<>();
    for (NpyTruth file : files()) {
      if (mustBeRead(file)) {
        read.add(file.file());
      }
      assertFalse(file.numpy().isEmpty(), file.file());
    }
    assertEquals(49, files().size());
    assertEquals(20, read.size(), read.toString());
  }
}
