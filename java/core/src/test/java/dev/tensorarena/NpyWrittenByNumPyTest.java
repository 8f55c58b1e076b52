package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that NumPy wrote, and damaged ones, against the manifest beside them. */
class NpyWrittenByNumPyTest {
  private static final String MANIFEST = "/npy/manifest.json";

  private static boolean isRefused(NpyTruth entry) {
    return entry.note().startsWith("refuse");
  }

  @Test
  void whatNumPyWroteIsReadAndWrittenAsItWas(@TempDir Path folder) throws IOException {
    int read = 0;
    for (NpyTruth entry : NpyTruth.in(MANIFEST)) {
      if (!isRefused(entry)) {
        checkContents(entry, folder.resolve(entry.file()));
        read++;
      }
    }
    assertEquals(29, read);
  }

  private static void checkContents(NpyTruth entry, Path copy) throws IOException {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = Npy.read(ctx, entry.path());
      entry.check(tensor);
      assertEquals(entry.fortran(), !tensor.isContiguous(), entry.file());
      assertEquals(Math.min(8, tensor.size()), entry.first().size(), entry.file());
      ByteOrder order = entry.isBigEndian() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
      assertEquals(order, Npy.info(entry.path()).byteOrder(), entry.file());
      Npy.write(tensor, copy);
      if (entry.major() == 1 && !entry.isBigEndian()) {
        assertArrayEquals(Files.readAllBytes(entry.path()), Files.readAllBytes(copy), entry.file());
      }
    }
  }

  @Test
  void whatMustBeRefusedIs() throws IOException {
    int refused = 0;
    for (NpyTruth entry : NpyTruth.in(MANIFEST)) {
      if (isRefused(entry)) {
        try (ExecutionContext ctx = ExecutionContext.open()) {
          IOException e =
              assertThrows(IOException.class, () -> Npy.read(ctx, entry.path()), entry.file());
          String start = entry.path() + ": ";
          assertEquals(start, e.getMessage().substring(0, start.length()));
          assertEquals(0, ctx.arenaStats().reservedBytes(), entry.file());
        }
        refused++;
      }
    }
    assertEquals(16, refused);
  }
}
