package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files of other kinds are called by their name, with what to do. */
class NpyMagicTest {
  private static final byte[] GOOD =
      NpyFixtures.numpy(NpyFixtures.dict("<f8", "False", "(3, 5)"), NpyFixtures.FIFTEEN);

  private static void assertRefused(String message, String content) throws IOException {
    byte[] bytes = content.getBytes(StandardCharsets.ISO_8859_1);
    NpyInput file = new NpyInput(new BytesChannel(bytes), "a.npy");
    try (ExecutionContext ctx = ExecutionContext.open()) {
      IOException e = assertThrows(IOException.class, () -> Npy.read(ctx, file));
      assertEquals("a.npy: " + message, e.getMessage());
      assertEquals(0, ctx.arenaStats().reservedBytes());
    }
  }

  private static void assertNamed(String name, String... beginnings) throws IOException {
    for (String beginning : beginnings) {
      assertRefused("not an .npy file but " + name, beginning);
      assertRefused("not an .npy file but " + name, beginning + " ".repeat(500));
    }
  }

  @Test
  void aZipArchive() throws IOException {
    assertNamed(
        "a zip archive, as every .npz is: read it by Npz.read",
        "PK\u0003\u0004\u0014\u0000\u0000\u0000",
        "PK\u0005\u0006" + "\u0000".repeat(18));
  }

  @Test
  void gzip() throws IOException {
    assertNamed("gzip data: unpack it and read what was packed", "\u001f\u008b\b\b\u0000\u0000");
  }

  @Test
  void aGitLfsPointer() throws IOException {
    assertNamed(
        "a Git LFS pointer, which stands for a file: fetch that with 'git lfs pull'",
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 152\n");
  }

  @Test
  void aWebPage() throws IOException {
    assertNamed(
        "an HTML or XML page, such as a server's error: download the file again",
        "<!DOCTYPE html>",
        "<html>",
        "\r\n\t <HTML lang='en'>",
        "<?xml version='1.0'?><Error/>",
        "\u00ef\u00bb\u00bf<!doctype html>");
  }

  @Test
  void anNpyFileConvertedAsText() throws IOException {
    String rest = new String(GOOD, StandardCharsets.ISO_8859_1).substring(1);
    assertNamed(
        "one that was converted as if it were text: copy it again, as binary",
        "\u00ef\u00bb\u00bf\u0093" + rest,
        "\u00ef\u00bb\u00bf\u00c2\u0093" + rest,
        "\u00c2\u0093" + rest,
        "\u00ef\u00bf\u00bd" + rest,
        "?" + rest);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "PK\u0003\u0003\u0000\u0000",
        "PK\u0005\u0005\u0000\u0000",
        " PK\u0003\u0004\u0000",
        "\u001f\u008a\b\b\u0000\u0000",
        "version 1.0",
        "< html>",
        "<<html>",
        "123456NUMPY",
        "NNUMPY\u0001",
        "\u0080\u0005\u0095abc",
      })
  void whatIsNotKnownIsShown(String content) throws IOException {
    byte[] bytes = content.getBytes(StandardCharsets.ISO_8859_1);
    String shown = HexFormat.ofDelimiter(" ").formatHex(bytes, 0, 6);
    assertRefused(
        "not an .npy file: " + shown + " instead of 93 4e 55 4d 50 59 at byte 0", content);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "<p>", "PK\u0003\u0004", "\u0093NUMP"})
  void aShortFileIsSaidToBeShort(String content) throws IOException {
    assertRefused(
        "cut short: the magic string ends at byte 6, but the file has "
            + content.length()
            + " bytes",
        content);
  }
}
