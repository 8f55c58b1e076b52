package dev.tensorarena.examples.reversedictionary;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IndexFileTest {

  private static final Map<String, String> ORIGIN = Map.of("nouns", "3", "model", "abc");

  @TempDir private Path folder;

  private final float[] values = new float[3 * MiniLm.WIDTH];
  private Path vectors;
  private Path label;
  private IndexFile file;

  @BeforeEach
  void writeAnIndex() throws IOException {
    vectors = folder.resolve("new/index.npy");
    label = folder.resolve("new/index.properties");
    file = new IndexFile(vectors, ORIGIN);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(i);
    }
    file.prepare();
    try (ExecutionContext context = ExecutionContext.open()) {
      file.write(context.copyOf(Shape.of(3, MiniLm.WIDTH), values));
    }
  }

  @Test
  void comesBackAsItWasWritten() throws IOException {
    assertEquals(Optional.empty(), file.defect());
    try (ExecutionContext context = ExecutionContext.open()) {
      assertEquals(Shape.of(3, MiniLm.WIDTH), file.read(context).shape());
      assertArrayEquals(values, file.read(context).toFloatArray());
    }
    try (Stream<Path> files = Files.list(vectors.getParent())) {
      assertEquals(2, files.count(), "drafts are left behind");
    }
  }

  @Test
  void replacesAnEarlierIndex() throws IOException {
    Arrays.fill(values, 7);
    try (ExecutionContext context = ExecutionContext.open()) {
      file.write(context.copyOf(Shape.of(3, MiniLm.WIDTH), values));
      assertEquals(Optional.empty(), file.defect());
      assertArrayEquals(values, file.read(context).toFloatArray());
    }
  }

  @Test
  void aFlippedBitAnywhereInTheVectorsIsNoticed() throws IOException {
    byte[] good = Files.readAllBytes(vectors);
    for (int i = 0; i < good.length; i += 37) {
      byte[] bad = good.clone();
      bad[i] ^= 4;
      Files.write(vectors, bad);
      assertDefect("is damaged");
    }
  }

  @Test
  void truncatedVectorsAreNoticed() throws IOException {
    byte[] good = Files.readAllBytes(vectors);
    for (int length : new int[] {0, 1, 100, 128, good.length / 2, good.length - 1}) {
      Files.write(vectors, Arrays.copyOf(good, length));
      assertDefect("is damaged");
    }
  }

  @Test
  void missingFilesAreNoticed() throws IOException {
    byte[] good = Files.readAllBytes(label);
    Files.delete(label);
    assertDefect("index.properties is missing");
    Files.write(label, good);
    Files.delete(vectors);
    assertDefect("There is no index at");
  }

  @Test
  void aDamagedLabelIsNoticed() throws IOException {
    Files.writeString(label, "nouns=\\uZZZZ\n");
    assertDefect("is damaged");
    Files.write(label, new byte[] {(byte) 0xff, (byte) 0xfe, 0});
    assertDefect("is damaged");
    Files.writeString(label, "");
    assertDefect("is outdated");
    Files.writeString(label, "nouns=3\nmodel=abc\n");
    assertDefect("should be null");
  }

  @Test
  void anIndexMadeFromSomethingElseIsNoticed() throws IOException {
    file = new IndexFile(vectors, Map.of("nouns", "4", "model", "abc"));
    assertDefect("is outdated: nouns was 3 and is now 4.");
    file = new IndexFile(vectors, Map.of("nouns", "3", "model", "abd"));
    assertDefect("is outdated: model was abc and is now abd.");
    file = new IndexFile(vectors, Map.of("nouns", "3", "tokenizer", "x"));
    assertDefect("is outdated: tokenizer was null and is now x.");
  }

  @Test
  void refusesAPathThatMayBeAnythingElse() {
    for (Path path : new Path[] {Path.of("notes.txt"), Path.of("/"), folder}) {
      RefusedException e = assertThrows(RefusedException.class, () -> new IndexFile(path, ORIGIN));
      assertTrue(e.getMessage().contains(".npy, not " + path), e.getMessage());
    }
  }

  private void assertDefect(String sentence) throws IOException {
    String defect = file.defect().orElseThrow();
    assertTrue(defect.contains(sentence) && defect.contains(folder.toString()), defect);
  }
}
