package dev.tensorarena;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Parses the Python literal of a {@code .npy} header: what NumPy writes, now and in its Python 2
 * days, with whatever order, quotes, spaces and trailing commas other writers choose. What is not
 * there is refused with its place in the file.
 *
 * <pre>
 *   dict   = "{" [ entry { "," entry } [ "," ] ] "}"           each of the three keys once
 *   entry  = "descr" ":" string
 *          | "fortran_order" ":" ( "True" | "False" )
 *          | "shape" ":" tuple
 *   tuple  = "(" ")" | "(" number "," [ number { "," number } [ "," ] ] ")"
 *   number = decimal digits without a leading zero; before version 3.0 perhaps an "L"
 *   string = in single or double quotes, without backslashes; perhaps a "u" before it
 * </pre>
 *
 * <p>White space may stand before each token. Outside of the braces, blanks at the beginning of a
 * line are an indentation to Python, which refuses it there.
 */
final class NpyHeaderParser {
  /** Longer tokens are cut in messages. */
  private static final int SHOWN = 40;

  private final NpyInput file;
  private final byte[] text;
  private final long start;
  private final int major;

  /** The next byte of the text. */
  private int at;

  private DType dtype;
  private ByteOrder byteOrder;
  private Boolean fortranOrder;
  private Shape shape;

  /**
   * A parser of a part of a file.
   *
   * @param start the text's place in the file
   * @param major the version of the file
   */
  NpyHeaderParser(NpyInput file, byte[] text, long start, int major) {
    this.file = file;
    this.text = text;
    this.start = start;
    this.major = major;
  }

  NpyHeader parse() throws IOException {
    long place = skipToDict();
    expect('{');
    while (!accept('}')) {
      parseEntry();
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    expectEnd();
    requireKey("descr", dtype, place);
    requireKey("fortran_order", fortranOrder, place);
    requireKey("shape", shape, place);
    try {
      return new NpyHeader(dtype, shape, fortranOrder, byteOrder);
    } catch (IllegalArgumentException e) {
      throw malformed(e.getMessage(), place);
    }
  }

  private long skipToDict() throws IOException {
    long place = position();
    int line = at;
    while (line > 0 && isBlank(text[line - 1])) {
      line--;
    }
    if (line > 0 && line < at) { // blanks at the very beginning are none to NumPy
      throw malformed("indented header", place);
    }
    return place;
  }

  private void expectEnd() throws IOException {
    int from = at;
    position();
    if (at < text.length) {
      throw expected("the end of the header");
    }
    boolean indented = false;
    for (int i = from; i < at; i++) {
      if (text[i] == '\r') {
        indented = true;
      } else if (text[i] == '\n') { // NumPy mends that for Python 2, and this with it
        indented = major == 3;
      }
    }
    if (indented && isBlank(text[at - 1])) {
      throw malformed("blanks behind the last newline of the header", start + at - 1);
    }
  }

  private static boolean isBlank(byte c) {
    return c == ' ' || c == '\t';
  }

  private void requireKey(String key, Object value, long place) throws IOException {
    if (value == null) {
      throw malformed("no key '" + key + "' in the header", place);
    }
  }

  private void parseEntry() throws IOException {
    long place = position();
    String key = string();
    expect(':');
    Object earlier;
    switch (key) {
      case "descr":
        earlier = dtype;
        parseDescr();
        break;
      case "fortran_order":
        earlier = fortranOrder;
        fortranOrder = parseBoolean();
        break;
      case "shape":
        earlier = shape;
        shape = parseShape();
        break;
      default:
        throw malformed("unknown key '" + shown(key) + "'", place);
    }
    if (earlier != null) {
      throw malformed("second key '" + key + "'", place);
    }
  }

  private void parseDescr() throws IOException {
    long place = position();
    if (isAt('[') || isAt('(')) {
      throw malformed("unsupported structured type", place);
    }
    String descr = string();
    dtype = NpyHeader.dtype(descr);
    if (dtype == null) {
      throw malformed("unsupported type '" + shown(descr) + "'", place);
    }
    boolean big = descr.startsWith(">") && dtype.byteSize() > 1;
    byteOrder = big ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
  }

  private boolean parseBoolean() throws IOException {
    if (acceptWord("True")) {
      return true;
    }
    if (acceptWord("False")) {
      return false;
    }
    throw expected("True or False");
  }

  private Shape parseShape() throws IOException {
    long place = position();
    long[] dims = new long[4];
    int rank = 0;
    expect('(');
    while (!accept(')')) {
      if (rank == dims.length) {
        dims = Arrays.copyOf(dims, 2 * rank);
      }
      dims[rank++] = number();
      if (!accept(',')) {
        if (rank == 1) {
          throw expected("','"); // (3) is a number, (3,) is a tuple
        }
        expect(')');
        break;
      }
    }
    try {
      return Shape.owning(Arrays.copyOf(dims, rank));
    } catch (IllegalArgumentException e) {
      throw malformed(e.getMessage(), place);
    }
  }

  // ---- tokens

  /** Skips white space; where the next token begins in the file. */
  private long position() {
    while (at < text.length && " \t\r\n\f".indexOf(text[at]) >= 0) {
      at++;
    }
    return start + at;
  }

  private boolean accept(char c) {
    position();
    boolean there = isAt(c);
    at += there ? 1 : 0;
    return there;
  }

  private void expect(char c) throws IOException {
    if (!accept(c)) {
      throw expected("'" + c + "'");
    }
  }

  private boolean acceptWord(String word) {
    position();
    if (!new String(text, at, Math.min(word.length(), text.length - at), charset()).equals(word)) {
      return false;
    }
    at += word.length();
    return true;
  }

  private String string() throws IOException {
    accept('u'); // Python 2's, and nothing to Python 3
    if (!isAt('\'') && !isAt('"')) {
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
  private long number() throws IOException {
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

  private boolean isAt(char c) {
    return at < text.length && text[at] == c;
  }

  /** All that is accepted is ASCII: for messages only. */
  private Charset charset() {
    return major < 3 ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8;
  }

  // ---- refusals

  private IOException expected(String what) {
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

  private IOException malformed(String what, long place) {
    return file.malformed(what, place);
  }

  /** For messages: nothing unprintable and not too long. */
  static String shown(String token) {
    String printable = token.replaceAll("\\p{Cntrl}", "?");
    return printable.length() <= SHOWN ? printable : printable.substring(0, SHOWN) + "...";
  }
}
