package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The libraries that the jar carries: of one platform as built here, of all with {@code -Pnatives}.
 */
@Tag("platform")
class CarriedLibrariesTest {
  /** What the header of an ELF file says of the machine. */
  private record Elf(int machine, ByteOrder order) {}

  /** As elf.h numbers them. */
  private static final Map<String, Elf> ELF =
      Map.of(
          "linux-x86_64", new Elf(62, ByteOrder.LITTLE_ENDIAN),
          "linux-aarch64", new Elf(183, ByteOrder.LITTLE_ENDIAN),
          "linux-riscv64", new Elf(243, ByteOrder.LITTLE_ENDIAN),
          "linux-ppc64le", new Elf(21, ByteOrder.LITTLE_ENDIAN),
          "linux-s390x", new Elf(22, ByteOrder.BIG_ENDIAN));

  /** As the format of Windows numbers them. */
  private static final Map<String, Integer> PE =
      Map.of("windows-x86_64", 0x8664, "windows-aarch64", 0xaa64);

  /** As mach/machine.h numbers them. */
  private static final Map<String, Integer> MACH_O =
      Map.of("macos-aarch64", 0x0100000c, "macos-x86_64", 0x01000007);

  private static Path natives() throws Exception {
    return Path.of(NativeLibrary.class.getResource("/natives").toURI());
  }

  @Test
  void thePlatformOfEachIsTheOneOfItsFolder() throws Exception {
    boolean own = false;
    try (Stream<Path> folders = Files.list(natives())) {
      for (Path folder : folders.toList()) {
        String platform = folder.getFileName().toString();
        own |= platform.equals(NativeLibrary.platform());
        List<Path> files;
        try (Stream<Path> listed = Files.list(folder)) {
          files = listed.toList();
        }
        assertEquals(1, files.size(), files::toString);
        check(platform, files.get(0));
      }
    }
    assertTrue(own, "that of this machine is among them");
  }

  private static void check(String platform, Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
    String name = file.getFileName().toString();
    if (platform.startsWith("windows-")) {
      assertEquals("tensorarena.dll", name);
      bytes.order(ByteOrder.LITTLE_ENDIAN);
      int header = bytes.getInt(0x3c);
      assertEquals('P' | 'E' << 8, bytes.getInt(header), name);
      assertEquals(PE.get(platform), (Integer) (bytes.getShort(header + 4) & 0xffff), platform);
      return;
    }
    if (platform.startsWith("macos-")) {
      assertEquals("libtensorarena.dylib", name);
      bytes.order(ByteOrder.LITTLE_ENDIAN);
      assertEquals(0xfeedfacf, bytes.getInt(0), platform + " has 64 bits");
      assertEquals(MACH_O.get(platform), (Integer) bytes.getInt(4), platform);
      return;
    }
    assertEquals("libtensorarena.so", name);
    Elf expected = ELF.get(platform);
    assertNotNull(expected, platform);
    assertEquals(0x7f454c46, bytes.getInt(0), platform);
    assertEquals(2, bytes.get(4), platform + " has 64 bits");
    assertEquals(
        expected, new Elf(bytes.order(order(bytes)).getShort(18) & 0xffff, order(bytes)), platform);
  }

  private static ByteOrder order(ByteBuffer elf) {
    return elf.get(5) == 1 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN;
  }
}
