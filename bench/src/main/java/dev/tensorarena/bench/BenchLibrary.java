package dev.tensorarena.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The C of {@code bench/native}, which the jar carries. */
final class BenchLibrary {
  /** Where it was extracted to and loaded from, for bindings that open it by themselves. */
  static final Path PATH = load();

  private BenchLibrary() {}

  /** Sees to it that native methods of this package are found: the first call loads. */
  static void use() {}

  private static Path load() {
    String file = System.mapLibraryName("tensorarena-bench");
    try (InputStream bytes = BenchLibrary.class.getResourceAsStream("/natives/" + file)) {
      if (bytes == null) {
        throw new UnsatisfiedLinkError("This jar has no /natives/" + file + ": build with Maven");
      }
      Path copy = Files.createTempFile(null, file);
      copy.toFile().deleteOnExit(); // bindings open it when they please
      Files.copy(bytes, copy, StandardCopyOption.REPLACE_EXISTING);
      System.load(copy.toString());
      return copy;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
