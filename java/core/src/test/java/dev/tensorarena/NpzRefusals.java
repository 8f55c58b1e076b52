package dev.tensorarena;

import static dev.tensorarena.NpyFixtures.dict;
import static dev.tensorarena.NpyFixtures.numpy;
import static dev.tensorarena.ZipFixtures.archive;
import static dev.tensorarena.ZipFixtures.deflated;
import static dev.tensorarena.ZipFixtures.stored;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** What is refused of an archive, with nothing left of it. */
abstract class NpzRefusals {
  static final byte[] NPY = numpy(dict("|u1", "False", "(5,)"), NpyFixtures.counting(5));

  @TempDir Path folder;

  ExecutionContext ctx;
  Path path;

  @BeforeEach
  void open() {
    ctx = ExecutionContext.open();
    path = folder.resolve("a.npz");
  }

  @AfterEach
  void close() {
    ctx.close();
  }

  final void refused(byte[] archive, String message) throws IOException {
    Files.write(path, archive);
    IOException e = assertThrows(IOException.class, () -> Npz.read(ctx, path));
    assertEquals(path + ": " + message, e.getMessage());
    assertEquals(0, ctx.memoryUsage());
  }

  /** Refuses, and has never taken any memory. */
  final void refusedAtOnce(byte[] archive, String message) throws IOException {
    refused(archive, message);
    assertEquals(0, ctx.arenaStats().reservedBytes());
  }

  /** Refuses what the directory alone shows in all methods. */
  final void refusedByAll(byte[] archive, String message) throws IOException {
    refusedAtOnce(archive, message);
    for (IOException e :
        List.of(
            assertThrows(IOException.class, () -> Npz.names(path)),
            assertThrows(IOException.class, () -> Npz.read(ctx, path, "x")))) {
      assertEquals(path + ": " + message, e.getMessage());
    }
  }

  static ZipFixtures.Member storedX() {
    return stored("x.npy", NPY);
  }

  static ZipFixtures.Member deflatedX() {
    return deflated("x.npy", NPY);
  }
}
