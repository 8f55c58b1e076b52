package dev.tensorarena;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * The bytes that every {@code .npy} file begins with, and the beginnings of what is often given as
 * one by mistake.
 */
final class NpyMagic {
  /** In Latin-1. */
  static final String TEXT = "\u0093NUMPY";

  static final byte[] BYTES = TEXT.getBytes(StandardCharsets.ISO_8859_1);

  /** Bytes behind the magic string, at most, from which a file of another kind is recognised. */
  private static final int BEGINNING = 64;

  private static final Pattern MARKUP = Pattern.compile("(\u00ef\u00bb\u00bf)?\\s*<[!?a-zA-Z]");

  /** A byte order mark before the magic string, or another character in place of its first byte. */
  private static final Pattern CONVERTED = Pattern.compile("[^N]{1,5}NUMPY");

  private NpyMagic() {}

  /**
   * Reads the magic string.
   *
   * @throws IOException if it is not there; says what the file is instead and what to do, if known
   */
  static void read(NpyInput file) throws IOException {
    byte[] magic = file.read(BYTES.length, "the magic string");
    if (Arrays.equals(magic, BYTES)) {
      return;
    }
    byte[] rest = file.readAtMost(BEGINNING);
    String kind =
        kind(
            new String(magic, StandardCharsets.ISO_8859_1)
                + new String(rest, StandardCharsets.ISO_8859_1));
    if (kind != null) {
      throw file.refused("not an .npy file but " + kind);
    }
    HexFormat hex = HexFormat.ofDelimiter(" ");
    throw file.malformed(
        "not an .npy file: " + hex.formatHex(magic) + " instead of " + hex.formatHex(BYTES), 0);
  }

  /** What begins like this, with what to do about it; null if it is not known. */
  static String kind(String beginning) {
    if (beginning.startsWith("PK\u0003\u0004") || beginning.startsWith("PK\u0005\u0006")) {
      return "a zip archive, as every .npz is: read it by Npz.read";
    }
    if (beginning.startsWith("\u001f\u008b")) {
      return "gzip data: unpack it and read what was packed";
    }
    if (beginning.startsWith("version https://git-lfs.github.com/")) {
      return "a Git LFS pointer, which stands for a file: fetch that with 'git lfs pull'";
    }
    if (MARKUP.matcher(beginning).lookingAt()) {
      return "an HTML or XML page, such as a server's error: download the file again";
    }
    if (CONVERTED.matcher(beginning).lookingAt()) {
      return "one that was converted as if it were text: copy it again, as binary";
    }
    return null;
  }
}
