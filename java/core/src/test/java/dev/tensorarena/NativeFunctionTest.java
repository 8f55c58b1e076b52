package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Where C functions are in this copy of the library; the tests of DLPack call some. */
class NativeFunctionTest {
  private static List<String> exported() throws Exception {
    List<String> lines = Files.readAllLines(Path.of("../../native/exports.txt"));
    return lines.subList(1, lines.size()); // below the version
  }

  @Test
  void eachExportedFunctionIsFound() throws Exception {
    Set<Long> addresses = new HashSet<>();
    for (String name : exported()) {
      addresses.add(ChunkPool.nativeFunction(name).orElseThrow(() -> new AssertionError(name)));
    }
    assertEquals(exported().size(), addresses.size());
    assertFalse(addresses.contains(0L));
  }

  @Test
  void nothingElseIs() {
    for (String name :
        new String[] {
          "",
          "ta_",
          "ta_pin\0",
          "ta_pins",
          "ta_missing",
          "ta_p\u00efn",
          "ta_pool_set_retained_limits",
          "ta_" + "x".repeat(1000),
          "malloc",
          "JNI_OnLoad"
        }) {
      assertTrue(ChunkPool.nativeFunction(name).isEmpty(), name);
    }
  }

  @Test
  void anotherCopyHasOthers() throws Exception {
    OptionalLong ours = ChunkPool.nativeFunction("ta_chunk_release");
    try (FreshLoader loader = new FreshLoader()) {
      Object theirs =
          loader
              .loadClass(ChunkPool.class.getName())
              .getMethod("nativeFunction", String.class)
              .invoke(null, "ta_chunk_release");
      assertNotEquals(ours, theirs);
    }
    assertEquals(ours, ChunkPool.nativeFunction("ta_chunk_release"));
  }
}
