package dev.tensorarena;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;

/**
 * The tokens of a {@code .npy} header: white space may stand before each of them. What is not there
 * is refused with its place in the file.
 */
final class NpyScanner {
  /** Longer tokens are cut in messages. */
  private static final int SHOWN = 40;

  private final NpyInput file;
  private final byte[] text;
  private final long start;
  private final int major;

  /** The next byte of the text. */
  private int at;

  /**
   * A scanner of a part of a file.
   *
   * @param start the text's place in the file
   * @param major the version of the file
   */
  NpyScanner(NpyInput file, byte[] text, long start, int major) {
    this.file = file;
    this.text = text;
    this.start = start;
    this.major = major;
  }

  /** Skips white space; where the next token begins in the file. */
  long position() {
    while (at < text.length && " \t\r\n\f".indexOf(text[at]) >= 0) {
      at++;
    }
    return start + at;
  }

  /** Whether the next byte is this one; skips white space only. */
  boolean sees(char c) {
    position();
    return isAt(c);
  }

  boolean accept(char c) {
    boolean there = sees(c);
    at += there ? 1 : 0;
    return there;
  }

  void expect(char c) throws IOException {
    if (!accept(c)) {
      throw expected("'" + c + "'");
    }
  }

  boolean acceptWord(String word) {
    position();
    if (!new String(text, at, Math.min(word.length(), text.length - at), charset()).equals(word)) {
      return false;
    }
    at += word.length();
    return true;
  }

  /** In single or double quotes. */
  String string() throws IOException {
    if (!sees('\'') && !isAt('"')) {
      throw expected("a string");
    }
    char quote = (char) text[at];
    int from = ++at;
    while (!isAt(quote)) {
      if (at == text.length || isAt('\n') || isAt('\\')) {
        throw expected("the " + quote + " that ends the string");
      }
      at++;
    }
    return new String(text, from, at++ - from, charset());
  }

  /** A number that is not negative, in decimal digits. */
  long number() throws IOException {
    long place = position();
    boolean negative = accept('-');
    int from = at;
    while (at < text.length && text[at] >= '0' && text[at] <= '9') {
      at++;
    }
    if (at == from) {
      throw expected("a number");
    }
    String digits = new String(text, from, at - from, charset());
    if (negative) {
      throw malformed("negative dimension -" + shown(digits), place);
    }
    if (digits.length() > 1 && digits.charAt(0) == '0') { // octal to Python 2, an error to 3
      throw malformed("number " + shown(digits) + " with a leading zero", place);
    }
    if (major < 3 && isAt('L')) { // Python 2 writes some so
      at++;
    }
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException e) {
      throw malformed("dimension " + shown(digits) + ", more than 2^63 - 1,", place);
    }
  }

  void expectEnd() throws IOException {
    position();
    if (at < text.length) {
      throw expected("the end of the header");
    }
  }

  private boolean isAt(char c) {
    return at < text.length && text[at] == c;
  }

  /** All that is accepted is ASCII: for messages only. */
  private Charset charset() {
    return major < 3 ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8;
  }

  // ---- refusals

  IOException expected(String what) {
    long place = start + at;
    if (at == text.length) {
      return malformed("expected " + what + ", but the header ends", place);
    }
    int found = Byte.toUnsignedInt(text[at]);
    return malformed(
        "expected "
            + what
            + ", found "
            + (found > ' ' && found < 127 ? "'" + (char) found + "'" : "0x%02x".formatted(found)),
        place);
  }

  IOException malformed(String what, long place) {
    return file.malformed(what, place);
  }

  /** For messages: nothing unprintable and not too long. */
  static String shown(String token) {
    String printable = token.replaceAll("\\p{Cntrl}", "?");
    return printable.length() <= SHOWN ? printable : printable.substring(0, SHOWN) + "...";
  }
}
