package dev.tensorarena.examples.reversedictionary;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Npy;
import dev.tensorarena.Tensor;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;

/**
 * The vectors of the nouns, kept as {@code .npy}, and beside it a {@code .properties} file that
 * says what they were made from and what their SHA-256 is. Each file is written under another name
 * and then moved, the second last: whatever interrupts that, the two do not match, and the next run
 * notices.
 */
final class IndexFile {

  private static final String SUFFIX = ".npy";
  private static final String CHECKSUM = "sha256";

  private final Path vectorsPath;
  private final Path labelPath;
  private final Map<String, String> origin;

  /**
   * @param path must end in {@code .npy}, so that a slip of the hand replaces nothing else
   * @param origin what an index must be made from to be usable
   */
  IndexFile(Path path, Map<String, String> origin) {
    String name = String.valueOf(path.getFileName());
    if (!name.endsWith(SUFFIX) || Files.isDirectory(path)) {
      throw new RefusedException("The index must be a file that ends in .npy, not " + path + ".");
    }
    this.vectorsPath = path.toAbsolutePath();
    this.labelPath =
        vectorsPath.resolveSibling(
            name.substring(0, name.length() - SUFFIX.length()) + ".properties");
    this.origin = origin;
  }

  /** Why there is no index here that can be used, as a sentence; nothing if there is one. */
  Optional<String> defect() throws IOException {
    if (!Files.exists(vectorsPath)) {
      return Optional.of("There is no index at " + vectorsPath + " yet.");
    }
    if (!Files.exists(labelPath)) {
      return Optional.of(
          "The index " + vectorsPath + " cannot be trusted: " + labelPath + " is missing.");
    }
    Properties label = new Properties();
    try (Reader reader = Files.newBufferedReader(labelPath)) {
      label.load(reader);
    } catch (IllegalArgumentException | IOException e) {
      return Optional.of("The index is damaged: " + labelPath + " cannot be read.");
    }
    for (Map.Entry<String, String> wanted : origin.entrySet()) {
      String found = label.getProperty(wanted.getKey());
      if (!wanted.getValue().equals(found)) {
        return Optional.of(
            String.format(
                "The index %s is outdated: %s was %s and is now %s.",
                vectorsPath, wanted.getKey(), found, wanted.getValue()));
      }
    }
    String expected = label.getProperty(CHECKSUM);
    String actual = Sha256.of(Files.newInputStream(vectorsPath));
    if (!actual.equals(expected)) {
      return Optional.of(
          String.format(
              "The index %s is damaged: its SHA-256 is %s and should be %s.",
              vectorsPath, actual, expected));
    }
    return Optional.empty();
  }

  /** Makes the folder, so that what stands in the way shows before the vectors are computed. */
  void prepare() throws IOException {
    Files.createDirectories(vectorsPath.getParent());
  }

  /** The vectors, {@code float[nouns][WIDTH]}, as a tensor of the context. */
  Tensor read(ExecutionContext context) throws IOException {
    return Npy.read(context, vectorsPath);
  }

  /** Keeps the vectors. */
  void write(Tensor vectors) throws IOException {
    Properties label = new Properties();
    label.putAll(origin);
    replace(
        vectorsPath,
        draft -> {
          Npy.write(vectors, draft);
          label.setProperty(CHECKSUM, Sha256.of(Files.newInputStream(draft)));
        });
    replace(
        labelPath,
        draft -> {
          try (Writer writer = Files.newBufferedWriter(draft)) {
            label.store(writer, "what " + vectorsPath.getFileName() + " was made from");
          }
        });
  }

  private static void replace(Path path, FileWriter writer) throws IOException {
    Path draft = Files.createTempFile(path.getParent(), path.getFileName().toString(), ".draft");
    try {
      writer.write(draft);
      Files.move(draft, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(draft);
    }
  }

  @FunctionalInterface
  private interface FileWriter {
    void write(Path path) throws IOException;
  }
}
